from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.zone_fields import ZoneField, get_zone_field
from kit.admin import NoAddAdmin, NormalizedSearchAdmin
from privacy.services import LastAdmin, erase_person, is_last_admin


class PersonCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta(AdminUserCreationForm.Meta):
        model = Person
        fields = ("username", "role")


class PersonChangeForm(UserChangeForm):  # type: ignore[type-arg]
    time_zone = ZoneField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "time_zone" in self.fields:
            get_zone_field(self).offer_first([self.instance.time_zone])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("is_active") and is_last_admin(self.instance):
            raise forms.ValidationError(
                _("This is the last admin with full access. Give someone else full access first.")
            )
        return cleaned


@admin.register(Person)
class PersonAdmin(NormalizedSearchAdmin[Person], UserAdmin):  # type: ignore[type-arg]
    """People. What staff may do is changed on the desk's page of the team alone, which records it (ADR 66)."""

    list_display = ("username", "display_name", "role", "is_active", "joined_at")
    list_filter = ("role", "is_active", "is_staff")
    search_fields = ("username", "display_name", "email")
    ordering = ("username",)
    readonly_fields = ("joined_at", "last_login", "born")
    form = PersonChangeForm
    add_form = PersonCreationForm
    fieldsets = (
        (None, {"fields": ("username", "password", "role")}),
        (_("Profile"), {"fields": ("display_name", "email", "time_zone")}),
        (_("Access"), {"fields": ("is_active",)}),
        (_("Dates"), {"fields": ("born", "last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "role", "usable_password", "password1", "password2")}),)

    def get_deleted_objects(
        self, objs: Iterable[Person], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Allow erasing people with all their data. Django's own list would refuse rows that admins can't delete."""
        people = list(objs)
        protected = [str(person) for person in people if person == request.user or is_last_admin(person)]
        return [str(person) for person in people], {str(_("people")): len(people)}, set(), protected

    def delete_model(self, request: HttpRequest, obj: Person) -> None:
        self.delete_queryset(request, Person.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        """Erase each person as their own data page does, including emails, sign-ups and sessions, and
        their name in the titles of the admin log."""
        for person in queryset.order_by("pk"):
            try:
                erase_person(person=person)
            except LastAdmin as error:
                raise PermissionDenied from error


# Roles are the groups (desk.roles).
admin.site.unregister(Group)
# Sessions are private, even from admins. allauth registers this page.
admin.site.unregister(UserSession)
# Replaced by the page below, which never shows the secret.
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(NoAddAdmin):
    """Second factors. An admin can remove one for a person who lost it; the secret is never shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")
