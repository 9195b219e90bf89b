"""The roles of staff: permission groups with the least that each job needs (ADR 66).

The groups are written after every migration, so that they are what this list says. An owner has full access: Django's
superuser, who needs no group.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import models, transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person


class StaffRole(models.TextChoices):
    """What someone does for the organization. The values are the names of the groups."""

    EVENT_HOST = "event host", _("event host")
    BUDGET_KEEPER = "budget keeper", _("budget keeper")
    SAFEGUARDING = "safeguarding", _("safeguarding")
    CONTENT = "content", _("content")
    OWNER = "owner", _("owner")


ROLE_DESCRIPTIONS: dict[StaffRole, str | Promise] = {
    StaffRole.EVENT_HOST: _("Adds and changes events, sees who signed up, checks people in, writes to them."),
    StaffRole.BUDGET_KEEPER: _(
        "Sees what the tutor costs; changes plans and budgets, and gives grants. Reads no chat."
    ),
    StaffRole.SAFEGUARDING: _(
        "Reviews crises, once the organization has recorded that people do, and the answers that were reported."
    ),
    StaffRole.CONTENT: _("Sees how modules are used, and previews lessons and briefings."),
    StaffRole.OWNER: _("Everything, also people, models, human review and these roles."),
}
# The owner's are all there are.
ROLE_PERMISSIONS: dict[StaffRole, tuple[str, ...]] = {
    StaffRole.EVENT_HOST: (
        "events.view_event",
        "events.add_event",
        "events.change_event",
        "events.delete_event",
        "events.view_signup",
    ),
    StaffRole.BUDGET_KEEPER: (
        "budgets.view_audit",
        "budgets.view_budget",
        "budgets.change_budget",
        "budgets.view_budgetalert",
        "budgets.view_budgetchange",
        "budgets.view_budgetowner",
        "budgets.change_budgetowner",
        "budgets.view_forecast",
        "budgets.view_grant",
        "budgets.add_grant",
        "budgets.view_hold",
        "budgets.view_ledgerentry",
        "budgets.view_overrun",
        "budgets.view_period",
        "budgets.view_plan",
        "budgets.add_plan",
        "budgets.change_plan",
        "budgets.view_usagerecord",
        "chat.view_modeloutage",
        "chat.view_turnroute",
        "routing.view_tutormodel",
    ),
    StaffRole.SAFEGUARDING: (
        "chat.view_report",
        "chat.change_report",
        "chat.view_reportcount",
        "safeguarding.review_incident",
        "safeguarding.view_humanreview",
        "safeguarding.view_oncallshift",
        "safeguarding.view_weeklycount",
    ),
    StaffRole.CONTENT: ("courses.view_module",),
}


@transaction.atomic
def write_role_groups(**_sent: Any) -> None:
    """Create the roles' groups and give each exactly its permissions. Idempotent; a handler of `post_migrate`.

    Raises Permission.DoesNotExist for a permission that no model has.
    """
    wanted = {name for names in ROLE_PERMISSIONS.values() for name in names}
    found = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type").filter(
            codename__in=[name.partition(".")[2] for name in wanted]
        )
    }
    if unknown := sorted(wanted - found.keys()):
        raise Permission.DoesNotExist(f"No model has these permissions: {', '.join(unknown)}.")
    for role, names in ROLE_PERMISSIONS.items():
        group, _is_new = Group.objects.get_or_create(name=role.value)
        group.permissions.set([found[name] for name in names])


def list_roles(person: Person) -> list[StaffRole]:
    """Return a person's roles in the order of StaffRole. Uses what `prefetch_related("groups")` has read."""
    names = {group.name for group in person.groups.all()}
    return [
        role
        for role in StaffRole
        if (person.is_superuser if role is StaffRole.OWNER else role.value in names)
    ]


def parse_roles(names: Iterable[str]) -> list[StaffRole]:
    """Return the roles with these values, each once and in order. Unknown ones are left out."""
    known = set(names)
    return [role for role in StaffRole if role.value in known]


def build_staff_filter() -> Q:
    """Return a filter for people who may open any page for staff."""
    return Q(is_staff=True, is_active=True)
