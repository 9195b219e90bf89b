"""The forms of the desk."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from desk.roles import ROLE_DESCRIPTIONS, StaffRole, parse_roles
from kit.email_addresses import CanonicalEmailField


class RolesField(forms.MultipleChoiceField):
    """Roles as checkboxes, each with what it is for. Its value is a list of StaffRole."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        choices = [(role.value, role.label) for role in StaffRole]
        super().__init__(choices=choices, label=_("Roles"), **options)

    def clean(self, value: Any) -> list[StaffRole]:
        return parse_roles(super().clean(value))


class RolesForm(forms.Form):
    roles = RolesField(required=False)


class InviteForm(forms.Form):
    email = CanonicalEmailField(
        label=_("Email address"),
        error_messages={
            "required": _("Type their email address."),
            "invalid": _("Type an email address like name@example.org."),
        },
    )
    language = forms.ChoiceField(label=_("Language of the email"), choices=settings.LANGUAGES)
    roles = RolesField(error_messages={"required": _("Choose at least one role.")})


def list_role_choices(chosen: list[str]) -> list[dict[str, object]]:
    """Return each role with its description and whether it is chosen, for a list of checkboxes."""
    return [
        {
            "value": role.value,
            "label": role.label,
            "description": ROLE_DESCRIPTIONS[role],
            "is_chosen": role.value in chosen,
        }
        for role in StaffRole
    ]
