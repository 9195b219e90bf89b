"""What is done with an event beside its form: look, tell, check in, count, repeat, call off."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.csp import CSP
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csp import csp_override

from events import previews
from events.admin.forms import CancelForm, MessageForm, RepeatForm
from events.after import recording_publish
from events.changes import event_cancel
from events.errors import NoRecording, TooEarly
from events.messages import Audience, audiences, event_message
from events.models import Event, SignUp, Standing
from events.numbers import numbers_of
from events.selectors import feedback_of, people_of, people_with_hosts
from events.series import event_repeat
from events.services import sign_up_come, sign_up_go
from events.when import NoSuchTime
from kit.admin import TextSearchAdmin
from kit.spreadsheets import spreadsheet
from mail.letters import html_of
from mail.selectors import unreached

COLUMNS = ("name", "email", "standing", "guest_of", "signed_up", "confirmed", "came")
# A mail brings its few styles with it, as mail programs want them. Nothing else may be loaded.
MAIL_CSP = {"default-src": [CSP.NONE], "style-src": [CSP.UNSAFE_INLINE], "frame-ancestors": [CSP.NONE]}


def say_told(request: HttpRequest, told: int) -> None:
    words = ngettext("%d person is told by mail.", "%d people are told by mail.", told) % told
    messages.success(request, words)


class Desk(TextSearchAdmin[Event]):
    """An event's pages in the admin: whoever may view events may look, and whoever may change them may act."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., Any]] = {
            "desk": self.desk,
            "visit": self.visit,
            "mails": self.mails,
            "mails/<slug:kind>": self.mail,
            "people.csv": self.people_csv,
            "message": self.message,
            "repeat": self.repeat,
            "recording": self.recording,
            "cancel": self.cancel,
        }
        own = [
            path(f"<int:pk>/{route}", self.admin_site.admin_view(view), name=f"events_event_{view.__name__}")
            for route, view in pages.items()
        ]
        return own + super().get_urls()

    def desk(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who comes, and check-in: a button for each, and the numbers as bars."""
        event = self._event(request, pk, to_change=request.method == "POST")
        if request.method == "POST":
            person = get_object_or_404(SignUp, pk=request.POST.get("sign_up"), event=event)
            (sign_up_go if person.came_at else sign_up_come)(sign_up=person)
            return redirect("admin:events_event_desk", pk)
        people = list(people_with_hosts(event))
        more = {
            "people": people,
            "unreached": unreached(person.email for person in people),
            "numbers": numbers_of(event),
            "feedback": feedback_of(event),
        }
        return self._page(request, event, "desk", _("Who comes"), more)

    def visit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The event's page as a visitor would see it, published or not."""
        return render(request, "events/event.html", previews.page_context(self._event(request, pk)))

    def mails(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Every mail of this event, as it would be said now."""
        event = self._event(request, pk)
        return self._page(request, event, "mails", _("Its mails"), {"mails": previews.mails_of(event)})

    def mail(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """One of them as HTML, alone on its page."""
        drafts = previews.mails_of(self._event(request, pk))
        if kind not in drafts:
            raise Http404
        return csp_override(MAIL_CSP)(lambda _request: HttpResponse(html_of(drafts[kind])))(request)

    def people_csv(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        event = self._event(request, pk)
        return spreadsheet(event.slug, COLUMNS, _rows(event))

    def message(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._event(request, pk, to_change=True)
        form = MessageForm(request.POST or None, counts=audiences(event))
        if form.is_valid():
            told = event_message(
                event=event,
                message_id=form.cleaned_data["message_id"],
                audience=Audience(form.cleaned_data["audience"]),
                subject=form.cleaned_data["subject"],
                words=form.cleaned_data["words"].strip(),
            )
            say_told(request, told)
            self.log_change(request, event, "Wrote to people.")
            return redirect("admin:events_event_desk", pk)
        return self._page(request, event, "message", _("Write to people"), {"form": form})

    def recording(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Publish the recording; what is said before is who would be told."""
        event = self._event(request, pk, to_change=True)
        people = event.sign_ups.filter(standing=Standing.PLACED).count()
        if request.method == "POST":
            try:
                say_told(request, recording_publish(event=event))
            except NoRecording:
                messages.warning(request, _("Say first where the recording is."))
            except TooEarly:
                messages.warning(request, _("It is not over yet, or did not take place."))
            return redirect("admin:events_event_change", pk)
        return self._page(request, event, "recording", _("Publish the recording"), {"people": people})

    def repeat(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._event(request, pk, to_change=True)
        form = RepeatForm(request.POST or None)
        if form.is_valid():
            try:
                made = event_repeat(event=event, **form.cleaned_data)
            except NoSuchTime:
                form.add_error(
                    None, _("One of the dates has no such time there: the clocks are set forward.")
                )
            else:
                words = ngettext("%d draft was made.", "%d drafts were made.", len(made)) % len(made)
                messages.success(request, words)
                return redirect("admin:events_event_changelist")
        return self._page(request, event, "repeat", _("Repeat it"), {"form": form})

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._event(request, pk, to_change=True)
        form = CancelForm(request.POST if request.method == "POST" else None)
        back = redirect("admin:events_event_change", pk)
        if not event.is_open:
            self.message_user(request, _("It is over, or cancelled already."), messages.WARNING)
            return back
        if form.is_valid():
            say_told(request, event_cancel(event=event, reason=form.cleaned_data["reason"].strip()))
            self.log_change(request, event, "Cancelled.")
            return back
        title = _("Cancel “%(title)s”") % {"title": event.title}
        return self._page(request, event, "cancel", title, {"form": form, "people": people_of(event).count()})

    def _event(self, request: HttpRequest, pk: int, *, to_change: bool = False) -> Event:
        event = get_object_or_404(Event, pk=pk)
        may = self.has_change_permission if to_change else self.has_view_permission
        if not may(request, event):
            raise PermissionDenied
        return event

    def _page(
        self, request: HttpRequest, event: Event, name: str, title: str, more: Mapping[str, object]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "original": event,
            "may_change": self.has_change_permission(request, event),
            **more,
        }
        return TemplateResponse(request, f"admin/events/event/{name}.html", context)


def _rows(event: Event) -> Iterator[tuple[str, ...]]:
    for person in people_with_hosts(event).iterator(chunk_size=500):
        yield (
            person.name,
            person.email,
            person.standing,
            person.guest_of.name if person.guest_of else "",
            person.created_at.isoformat(),
            person.confirmed_at.isoformat() if person.confirmed_at else "",
            person.came_at.isoformat() if person.came_at else "",
        )
