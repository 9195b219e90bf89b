"""A teen's second trusted adult. Only the teen's own page and, later, the safeguarding desk read this."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from families.models import TrustedAdult


def find_trusted_adult(teen: Person) -> TrustedAdult | None:
    """Whom the teen named; None also while it is closed (families.password_help)."""
    named = TrustedAdult.objects.filter(teen=teen)
    return (named.filter(named_at__gt=teen.sealed_before) if teen.sealed_before else named).first()


@transaction.atomic
def save_trusted_adult(*, teen: Person, name: str, contact: str) -> TrustedAdult:
    """Name somebody, or somebody else. Nobody is told: not the parent, and not the adult."""
    named, _made = TrustedAdult.objects.update_or_create(
        teen=teen, defaults={"name": name, "contact": contact, "named_at": timezone.now()}
    )
    return named


@transaction.atomic
def delete_trusted_adult(*, teen: Person) -> None:
    TrustedAdult.objects.filter(teen=teen).delete()
