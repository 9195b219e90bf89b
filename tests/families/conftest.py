from datetime import date

import pytest

from accounts.models import Person
from families.consents import give_consent
from families.models import Consent, Link
from families.residence import record_country


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    """Sam and Noor, linked."""
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def other_parent(make_person: object) -> Person:
    return Person.objects.create_user("lou", "a-long-password", role="parent", display_name="Lou")


@pytest.fixture
def born_15(teen: Person) -> Person:
    """A teen who is certainly 15."""
    today = date.today()  # noqa: DTZ011 - a month, anywhere
    teen.born = (
        date(today.year - 16, min(12, today.month + 1), 1)
        if today.month < 12
        else date(today.year - 15, 1, 1)
    )
    teen.save(update_fields=["born"])
    return teen


def agree(*, teen: Person, by: Person, country: str = "US") -> Consent:
    """Do what the consent page does: save the country, then give consent."""
    record_country(teen=teen, by=by, country=country)
    return give_consent(teen=teen, by=by)
