"""An event's extra admin pages: attendees and check-in, previews, messages, repeat, recording and cancel."""

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
from events.changes import cancel_event
from events.errors import NoRecording, TooEarly
from events.follow_up import publish_recording
from events.messages import MessageAudience, count_audiences, send_message
from events.models import Event, SignUp, SignUpStatus
from events.selectors import list_confirmed_sign_ups, list_feedback, list_sign_ups_with_hosts
from events.series import repeat_event
from events.services import record_attendance, undo_attendance
from events.statistics import build_bars
from events.times import NoSuchTime
from kit.admin import NormalizedSearchAdmin
from kit.spreadsheets import build_csv_response
from mail.messages import render_email_html
from mail.selectors import list_unreachable_addresses

CSV_COLUMNS = ("name", "email", "status", "guest_of", "signed_up", "confirmed", "attended")
# Emails have inline styles, as email clients require. Nothing else may be loaded.
EMAIL_CSP = {"default-src": [CSP.NONE], "style-src": [CSP.UNSAFE_INLINE], "frame-ancestors": [CSP.NONE]}


def report_notified(request: HttpRequest, count: int) -> None:
    """Tell the admin how many people will get an email."""
    message = ngettext("%d person will get an email.", "%d people will get an email.", count) % count
    messages.success(request, message)


class EventPagesAdmin(NormalizedSearchAdmin[Event]):
    """Adds pages to an event's admin. Viewing needs the view permission, and acting the change permission."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., Any]] = {
            "people": self.people,
            "visit": self.visit,
            "emails": self.emails,
            "emails/<slug:kind>": self.email,
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

    def people(self, request: HttpRequest, pk: int) -> HttpResponse:
        """List the people with a check-in button for each, the counts as bars, and the feedback."""
        event = self._get_event(request, pk, to_change=request.method == "POST")
        if request.method == "POST":
            person = get_object_or_404(SignUp, pk=request.POST.get("sign_up"), event=event)
            (undo_attendance if person.attended_at else record_attendance)(sign_up=person)
            return redirect("admin:events_event_people", pk)
        people = list(list_sign_ups_with_hosts(event))
        more = {
            "people": people,
            "unreached": list_unreachable_addresses(person.email for person in people),
            "bars": build_bars(event),
            "feedback": list_feedback(event),
        }
        return self._render_page(request, event, "people", _("Attendees"), more)

    def visit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the event's page as a visitor sees it, published or not."""
        return render(request, "events/event.html", previews.build_page_context(self._get_event(request, pk)))

    def emails(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show every email of this event as it would be sent now."""
        event = self._get_event(request, pk)
        return self._render_page(
            request, event, "emails", _("Emails"), {"emails": previews.build_sample_emails(event)}
        )

    def email(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """Show one email as HTML, on a page of its own."""
        emails = previews.build_sample_emails(self._get_event(request, pk))
        if kind not in emails:
            raise Http404
        return csp_override(EMAIL_CSP)(lambda _request: HttpResponse(render_email_html(emails[kind])))(
            request
        )

    def people_csv(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        event = self._get_event(request, pk)
        return build_csv_response(event.slug, CSV_COLUMNS, _build_rows(event))

    def message(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._get_event(request, pk, to_change=True)
        form = MessageForm(request.POST or None, counts=count_audiences(event))
        if form.is_valid():
            count = send_message(
                event=event,
                message_id=form.cleaned_data["message_id"],
                audience=MessageAudience(form.cleaned_data["audience"]),
                subject=form.cleaned_data["subject"],
                body=form.cleaned_data["body"].strip(),
            )
            report_notified(request, count)
            self.log_change(request, event, "Wrote to people.")
            return redirect("admin:events_event_people", pk)
        return self._render_page(request, event, "message", _("Send a message"), {"form": form})

    def recording(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Publish the recording. The GET shows how many people would be emailed."""
        event = self._get_event(request, pk, to_change=True)
        people = event.sign_ups.filter(status=SignUpStatus.GOING).count()
        if request.method == "POST":
            try:
                report_notified(request, publish_recording(event=event))
            except NoRecording:
                messages.warning(request, _("Add the link to the recording first."))
            except TooEarly:
                messages.warning(request, _("The event isn’t over yet, or it was cancelled."))
            return redirect("admin:events_event_change", pk)
        return self._render_page(request, event, "recording", _("Publish the recording"), {"people": people})

    def repeat(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._get_event(request, pk, to_change=True)
        form = RepeatForm(request.POST or None)
        if form.is_valid():
            try:
                created = repeat_event(event=event, **form.cleaned_data)
            except NoSuchTime:
                form.add_error(
                    None, _("On one of these dates that time doesn’t exist, because the clocks go forward.")
                )
            else:
                message = ngettext("%d draft was created.", "%d drafts were created.", len(created)) % len(
                    created
                )
                messages.success(request, message)
                return redirect("admin:events_event_changelist")
        return self._render_page(request, event, "repeat", _("Repeat this event"), {"form": form})

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._get_event(request, pk, to_change=True)
        form = CancelForm(request.POST if request.method == "POST" else None)
        back = redirect("admin:events_event_change", pk)
        if not event.is_open:
            self.message_user(request, _("This event is over or already cancelled."), messages.WARNING)
            return back
        if form.is_valid():
            report_notified(request, cancel_event(event=event, reason=form.cleaned_data["reason"].strip()))
            self.log_change(request, event, "Cancelled.")
            return back
        title = _("Cancel “%(title)s”") % {"title": event.title}
        return self._render_page(
            request, event, "cancel", title, {"form": form, "people": list_confirmed_sign_ups(event).count()}
        )

    def _get_event(self, request: HttpRequest, pk: int, *, to_change: bool = False) -> Event:
        event = get_object_or_404(Event, pk=pk)
        may = self.has_change_permission if to_change else self.has_view_permission
        if not may(request, event):
            raise PermissionDenied
        return event

    def _render_page(
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


def _build_rows(event: Event) -> Iterator[tuple[str, ...]]:
    for person in list_sign_ups_with_hosts(event).iterator(chunk_size=500):
        yield (
            person.name,
            person.email,
            person.status,
            person.guest_of.name if person.guest_of else "",
            person.created_at.isoformat(),
            person.confirmed_at.isoformat() if person.confirmed_at else "",
            person.attended_at.isoformat() if person.attended_at else "",
        )
