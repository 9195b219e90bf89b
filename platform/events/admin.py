"""Events are written here. Their start is typed as the clock of their own zone shows it."""

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from events.models import Event, SignUp
from events.when import NoSuchTime, instant, time_said


class EventForm(forms.ModelForm):  # type: ignore[type-arg]
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    clock = forms.TimeField(
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_(
            "As the clock in the event’s own zone shows it. A time that comes twice there, as the clocks are "
            "set back, means the first. Nobody who signed up is told of a change."
        ),
    )

    class Meta:
        model = Event
        fields = (
            "title",
            "slug",
            "summary",
            "description",
            "time_zone",
            "minutes",
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
        (_("What"), {"fields": ("summary", "description", "module_slug")}),
        (_("Where"), {"fields": ("join_url",)}),
    )

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


@admin.register(SignUp)
class SignUpAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Looked at and, when somebody asks for it, deleted. People sign up themselves, so that the mail goes out."""

    list_display = ("email", "name", "event", "created_at")
    list_filter = ("event",)
    list_select_related = ("event",)
    search_fields = ("email", "name")
    ordering = ("-created_at",)
    # Not the token: it is the person's own key.
    fields = ("event", "name", "email", "person", "created_at", "confirmations", "confirmed_at")
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SignUp | None = None) -> bool:
        return False
