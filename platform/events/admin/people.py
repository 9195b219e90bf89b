"""Who signed up, one by one."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from events.models import SignUp
from events.services import sign_up_leave
from kit.admin import NotAddedAdmin, TextSearchAdmin


@admin.register(SignUp)
class SignUpAdmin(TextSearchAdmin[SignUp], NotAddedAdmin):
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

    def delete_model(self, request: HttpRequest, obj: SignUp) -> None:
        sign_up_leave(sign_up=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SignUp]) -> None:
        for sign_up in queryset.select_related("event"):
            sign_up_leave(sign_up=sign_up)
