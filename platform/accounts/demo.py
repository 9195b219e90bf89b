"""The demo's accounts. Their passwords are public, so they must never exist on a public site."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, Role


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    username: str
    password: str
    display_name: str
    role: Role
    who: str | Promise


DEMO_PEOPLE = (
    DemoPerson(
        username="teen",
        password="lamp-and-two-cups",  # noqa: S106
        display_name="Noor",
        role=Role.TEEN,
        who=_("a teen, 15, who asks the tutor"),
    ),
    DemoPerson(
        username="parent",
        password="table-for-two-chairs",  # noqa: S106
        display_name="Sam",
        role=Role.PARENT,
        who=_("Noor’s parent, who can also ask the tutor"),
    ),
    DemoPerson(
        username="admin",
        password="keys-to-the-kitchen",  # noqa: S106
        display_name="Ana",
        role=Role.ADMIN,
        who=_("an admin, who manages people and budgets"),
    ),
)


def is_demo_password(password: str) -> bool:
    """Return whether this is a password from the demo's sign-in page.

    Outside demo mode it must not open an account (ADR 45).
    """
    return any(constant_time_compare(password, demo.password) for demo in DEMO_PEOPLE)


@transaction.atomic
def load_demo_people() -> list[Person]:
    """Create the demo people, or restore their names and passwords. Idempotent.

    Raises ImproperlyConfigured outside demo mode.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("Demo people belong to demo mode: their passwords are public.")
    return [_load_demo_person(demo) for demo in DEMO_PEOPLE]


def _load_demo_person(demo: DemoPerson) -> Person:
    is_admin = demo.role == Role.ADMIN
    person, _created = Person.objects.update_or_create(
        username=demo.username,
        defaults={
            "display_name": demo.display_name,
            "role": demo.role,
            "is_active": True,
            "is_staff": is_admin,
            "is_superuser": is_admin,
        },
    )
    if not person.check_password(demo.password):
        person.set_password(demo.password)
        person.save(update_fields=["password"])
    return person
