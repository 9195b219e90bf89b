"""The admin's list of events and their form."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from events.admin.forms import EventForm
from events.admin.pages import EventPagesAdmin, report_notified
from events.changes import update_event
from events.models import Event
from events.selectors import list_confirmed_sign_ups
from events.series import COPIED_FIELDS
from events.times import format_event_time
from kit.texts import parse_whole_number


@admin.register(Event)
class EventAdmin(EventPagesAdmin):
    form = EventForm
    list_display = ("title", "when", "stage_label", "sign_up_count")
    list_filter = ("is_published",)
    search_fields = ("title", "slug")
    ordering = ("-starts_at",)
    prepopulated_fields: ClassVar = {"slug": ["title"]}
    fieldsets = (
        (None, {"fields": ("title", "slug", "is_published")}),
        (_("When"), {"fields": ("day", "start_time", "time_zone", "minutes")}),
        (_("What"), {"fields": ("summary", "description", "language", "hosts", "module_slug", "series")}),
        (
            _("In the other language"),
            {
                "fields": ("translated_title", "translated_summary", "translated_description"),
                "description": _(
                    "People who read the site in its other language see these texts on pages, in emails and in "
                    "calendars. Without them, they see the texts above."
                ),
            },
        ),
        (_("Who"), {"fields": ("capacity", "max_guests")}),
        (_("Where"), {"fields": ("join_url",)}),
        (_("Afterwards"), {"fields": ("recording_url", "captions_file")}),
    )
    change_form_template = "admin/events/event/change_form.html"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Prefill a new event from the one being copied, or else from the latest."""
        chosen = request.GET.get("from", "")
        key = parse_whole_number(chosen, below=2**63)
        last = Event.objects.order_by("-starts_at") if key is None else Event.objects.filter(pk=key)
        model = last.first()
        typed = super().get_changeform_initial_data(request)
        return ({name: getattr(model, name) for name in COPIED_FIELDS} if model else {}) | typed

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        people = list_confirmed_sign_ups(obj).count() if obj and obj.is_open else 0
        if not people:
            return self.fieldsets
        summary = ngettext("%d person signed up.", "%d people signed up.", people) % people
        return [*self.fieldsets, (_("Notify people"), {"fields": ("notify",), "description": summary})]

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: Any) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        count = update_event(event=obj, notify=form.cleaned_data.get("notify") == "yes")
        if count:
            report_notified(request, count)

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        # Deletion sends no emails, so an event with sign-ups has to be cancelled instead.
        return super().has_delete_permission(request, obj) and not (obj and obj.sign_ups.exists())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        events: QuerySet[Event] = super().get_queryset(request)
        return events.annotate(sign_up_count=Count("sign_ups"))

    def view_on_site(self, obj: Event) -> str | None:
        return obj.get_absolute_url() if obj.is_published else None

    @admin.display(description=_("when"), ordering="starts_at")
    def when(self, event: Event) -> str:
        return format_event_time(event.starts_at, event.zone)

    @admin.display(description=_("stage"))
    def stage_label(self, event: Event) -> str:
        return str(event.stage.label)

    @admin.display(description=_("sign-ups"), ordering="sign_up_count")
    def sign_up_count(self, event: Event) -> int:
        return int(event.sign_up_count)  # type: ignore[attr-defined]
