"""Events are written here. Their start is typed as the clock of their own zone shows it."""

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import validate_time_zone
from events.changes import changes_of, event_cancel, event_change
from events.models import Event, SignUp
from events.selectors import people_of
from events.services import sign_up_leave
from events.when import NoSuchTime, instant, time_said


class EventForm(forms.ModelForm):  # type: ignore[type-arg]
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    clock = forms.TimeField(
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_(
            "As the clock in the event’s own zone shows it. A time that comes twice there, as the clocks are "
            "set back, means the first."
        ),
    )
    tell = forms.ChoiceField(
        label=_("When this changes what calendars show"),
        choices=[
            ("yes", _("Tell everybody who signed up, and bring their calendars up to date")),
            ("no", _("They need not know")),
        ],
        widget=forms.RadioSelect,
        required=False,
    )

    class Meta:
        model = Event
        fields = (
            "title",
            "slug",
            "hosts",
            "summary",
            "description",
            "time_zone",
            "minutes",
            "series",
            "capacity",
            "guests_each",
            "is_published",
            "module_slug",
            "join_url",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.starts_at:
            local = self.instance.starts_local
            self.initial.update(day=local.date(), clock=local.time())

    def clean_time_zone(self) -> str:
        # The model's own validators come after `clean`, which needs the zone.
        zone = str(self.cleaned_data["time_zone"])
        validate_time_zone(zone)
        return zone

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        day, clock, zone = (cleaned.get(name) for name in ("day", "clock", "time_zone"))
        if not (day and clock is not None and zone):
            return cleaned
        try:
            self.instance.starts_at = instant(datetime.combine(day, clock), ZoneInfo(zone))
        except NoSuchTime:
            self.add_error("clock", _("There is no such time there on that day: the clocks are set forward."))
            return cleaned
        if self.instance.starts_at > timezone.now() and cleaned.get("minutes", 0) is None:
            self.add_error("minutes", _("Say how long it will be: the calendar file needs an end."))
        return cleaned

    def full_clean(self) -> None:
        super().full_clean()
        # Now the instance is as it would be saved.
        if self.is_bound and not self.errors and self.instance.pk:
            self._require_a_word_about_people()

    def _require_a_word_about_people(self) -> None:
        event = self.instance
        people = people_of(event).count() if event.is_open else 0
        if not people:
            return
        if "is_published" in self.changed_data and not event.is_published:
            self.add_error(
                "is_published", _("People signed up. Cancel the event instead: then they are told.")
            )
        changes = changes_of(event)
        if changes and not self.cleaned_data.get("tell"):
            words = ngettext(
                "%(people)d person has this in their calendar, and would learn of a change here: %(changes)s. "
                "Say whether they are told.",
                "%(people)d people have this in their calendars, and would learn of a change here: %(changes)s. "
                "Say whether they are told.",
                people,
            )
            self.add_error("tell", words % {"people": people, "changes": ", ".join(changes)})


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=_("Why, in a sentence for everybody who signed up"),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        max_length=1000,
        required=False,
    )


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = EventForm
    list_display = ("title", "when", "is_published", "sign_up_count")
    list_filter = ("is_published",)
    search_fields = ("title", "slug")
    ordering = ("-starts_at",)
    prepopulated_fields: ClassVar = {"slug": ["title"]}
    fieldsets = (
        (None, {"fields": ("title", "slug", "is_published")}),
        (_("When"), {"fields": ("day", "clock", "time_zone", "minutes")}),
        (_("What"), {"fields": ("summary", "description", "hosts", "module_slug", "series")}),
        (_("Who"), {"fields": ("capacity", "guests_each")}),
        (_("Where"), {"fields": ("join_url",)}),
    )
    change_form_template = "admin/events/event/change_form.html"

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        people = people_of(obj).count() if obj and obj.is_open else 0
        if not people:
            return self.fieldsets
        said = ngettext("%d person signed up.", "%d people signed up.", people) % people
        return [*self.fieldsets, (_("Who is told"), {"fields": ("tell",), "description": said})]

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: Any) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        told = event_change(event=obj, is_told=form.cleaned_data.get("tell") == "yes")
        if told:
            _say_told(request, told)

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        # People who signed up would never hear of it.
        return super().has_delete_permission(request, obj) and not (obj and obj.sign_ups.exists())

    def get_urls(self) -> list[URLPattern]:
        cancel = self.admin_site.admin_view(self.cancel)
        return [path("<int:pk>/cancel/", cancel, name="events_event_cancel"), *super().get_urls()]

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = self._event_to_change(request, pk)
        form = CancelForm(request.POST if request.method == "POST" else None)
        back = redirect("admin:events_event_change", pk)
        if not event.is_open:
            self.message_user(request, _("It is over, or cancelled already."), messages.WARNING)
            return back
        if form.is_valid():
            _say_told(request, event_cancel(event=event, reason=form.cleaned_data["reason"].strip()))
            self.log_change(request, event, "Cancelled.")
            return back
        context = self.admin_site.each_context(request) | {
            "title": _("Cancel “%(title)s”") % {"title": event.title},
            "opts": self.opts,
            "original": event,
            "people": people_of(event).count(),
            "form": form,
        }
        return TemplateResponse(request, "admin/events/event/cancel.html", context)

    def _event_to_change(self, request: HttpRequest, pk: int) -> Event:
        event = get_object_or_404(Event, pk=pk)
        if not self.has_change_permission(request, event):
            raise PermissionDenied
        return event

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        events: QuerySet[Event] = super().get_queryset(request)
        return events.annotate(sign_up_count=Count("sign_ups"))

    def view_on_site(self, obj: Event) -> str | None:
        return obj.get_absolute_url() if obj.is_published else None

    @admin.display(description=_("when"), ordering="starts_at")
    def when(self, event: Event) -> str:
        return time_said(event.starts_at, event.zone)

    @admin.display(description=_("sign-ups"), ordering="sign_up_count")
    def sign_up_count(self, event: Event) -> int:
        return int(event.sign_up_count)  # type: ignore[attr-defined]


def _say_told(request: HttpRequest, told: int) -> None:
    words = ngettext("%d person is told by mail.", "%d people are told by mail.", told) % told
    messages.success(request, words)


@admin.register(SignUp)
class SignUpAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Looked at and, when somebody asks for it, deleted, which tells them. People sign up themselves."""

    list_display = ("email", "name", "event", "standing", "created_at")
    list_filter = ("standing", "event")
    list_select_related = ("event",)
    search_fields = ("email", "name")
    ordering = ("-created_at",)
    # Not the token: it is the person's own key.
    fields = (
        "event",
        "name",
        "email",
        "standing",
        "guest_of",
        "person",
        "created_at",
        "confirmed_at",
        "placed_at",
        "queued_at",
        "offer_until",
        "came_at",
    )
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SignUp | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: SignUp) -> None:
        sign_up_leave(sign_up=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SignUp]) -> None:
        for sign_up in queryset.select_related("event"):
            sign_up_leave(sign_up=sign_up)
