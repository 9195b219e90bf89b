"""The admin of sign-ups."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from events.models import SignUp
from events.services import leave_event
from kit.admin import NoAddAdmin, NormalizedSearchAdmin


@admin.register(SignUp)
class SignUpAdmin(NormalizedSearchAdmin[SignUp], NoAddAdmin):
    """Shows sign-ups and can delete one on request, which emails the person. Admins cannot add sign-ups."""

    list_display = ("email", "name", "event", "status", "created_at")
    list_filter = ("status", "event")
    list_select_related = ("event",)
    search_fields = ("email", "name")
    ordering = ("-created_at",)
    # Not the token: it gives access to the sign-up.
    fields = (
        "event",
        "name",
        "email",
        "status",
        "guest_of",
        "person",
        "created_at",
        "confirmed_at",
        "spot_given_at",
        "waitlisted_at",
        "offer_expires_at",
        "attended_at",
    )
    view_on_site = False

    def delete_model(self, request: HttpRequest, obj: SignUp) -> None:
        leave_event(sign_up=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SignUp]) -> None:
        for sign_up in queryset.select_related("event"):
            leave_event(sign_up=sign_up)
