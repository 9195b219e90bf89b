"""Read-only lists for admins: counts, records of human review, shifts. Incidents are only on the pages of reviewers."""

from django.contrib import admin

from kit.admin import ReadOnlyAdmin
from safeguarding.models import HumanReview, OnCallShift, WeeklyCount


@admin.register(WeeklyCount)
class WeeklyCountAdmin(ReadOnlyAdmin):
    list_display = ("week_start", "kind", "level", "count", "protocol")
    list_filter = ("kind", "level")
    date_hierarchy = "week_start"


@admin.register(HumanReview)
class HumanReviewAdmin(ReadOnlyAdmin):
    """It is recorded on /review/settings, which says what changes for families."""

    list_display = ("recorded_at", "is_on", "organization", "responsible_name", "recorded_by_name")


@admin.register(OnCallShift)
class OnCallShiftAdmin(ReadOnlyAdmin):
    """Shifts are changed on /review/on-call."""

    list_display = ("weekday", "starts", "ends", "time_zone", "reviewer")
    list_filter = ("weekday",)
    list_select_related = ("reviewer",)
