"""The demo family: Noor, 15, and Sam, linked, with Sam's consent, so that the tutor is open from the start."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from families.consents import give_consent
from families.models import Link
from families.residence import record_country

AGE = 15


@transaction.atomic
def load_demo_family() -> None:
    """Create the demo family unless it was created before. Later changes are kept."""
    teen, parent = Person.objects.get(username="teen"), Person.objects.get(username="parent")
    if teen.born is None:
        today = timezone.localdate()
        Person.objects.filter(pk=teen.pk).update(born=date(today.year - AGE, max(1, today.month - 1), 1))
    if Link.objects.filter(parent=parent, teen=teen).exists():
        return
    Link.objects.create(parent=parent, teen=teen)
    teen.refresh_from_db()
    record_country(teen=teen, by=parent, country="US")
    give_consent(teen=teen, by=parent)
