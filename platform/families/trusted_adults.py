"""A teen's trusted adult. Only the teen's own page reads it."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from families.models import TrustedAdult


def find_trusted_adult(teen: Person) -> TrustedAdult | None:
    """Return the teen's trusted adult, or None; None also while it is sealed (families.password_help)."""
    named = TrustedAdult.objects.filter(teen=teen)
    return (named.filter(named_at__gt=teen.sealed_before) if teen.sealed_before else named).first()


@transaction.atomic
def save_trusted_adult(*, teen: Person, name: str, contact: str) -> TrustedAdult:
    """Save or replace the trusted adult. No one is notified: not the parent, not the adult."""
    trusted_adult, _is_new = TrustedAdult.objects.update_or_create(
        teen=teen, defaults={"name": name, "contact": contact, "named_at": timezone.now()}
    )
    return trusted_adult


@transaction.atomic
def delete_trusted_adult(*, teen: Person) -> None:
    """Delete the trusted adult, if there is one."""
    TrustedAdult.objects.filter(teen=teen).delete()
