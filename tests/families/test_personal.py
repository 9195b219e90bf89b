"""What erasing one of a family leaves with the other."""

import pytest

from accounts.models import Person
from families.agreements import pause_set
from families.consents import consent_of
from families.gate import Closed, gate_of
from families.links import link_end
from families.models import Consent, Link, Notice
from privacy.registry import kinds
from privacy.services import person_erase
from tests.families.conftest import agree


@pytest.fixture
def agreed(link: Link, teen: Person, parent: Person) -> Link:
    Consent.objects.all().delete()
    agree(teen=teen, by=parent)
    pause_set(link=link, paused=True)
    return link


def test_a_parent_leaves_no_name_behind(agreed: Link, teen: Person, parent: Person) -> None:
    person_erase(person=parent)
    assert not Link.objects.exists()
    assert not Notice.objects.filter(words__contains="sam").exists()
    assert Consent.objects.get().given_by_name == ""


def test_nobody_answers_for_the_teen_any_more(agreed: Link, teen: Person, parent: Person) -> None:
    person_erase(person=parent)
    assert consent_of(teen) is None
    assert gate_of(teen).closed == Closed.COOLING_OFF
    assert "was deleted" in Notice.objects.filter(person=teen).latest("at").words


def test_but_the_evidence_of_a_consent_that_ended_with_the_link(
    agreed: Link, teen: Person, parent: Person
) -> None:
    link_end(link=agreed, by=parent)
    person_erase(person=parent)
    consent = Consent.objects.get()
    assert consent.withdrawn_at
    assert consent.given_as == "parent"
    assert consent_of(teen) is None


def test_a_teen_takes_everything_along(agreed: Link, teen: Person, parent: Person) -> None:
    person_erase(person=teen)
    assert not Link.objects.exists()
    assert not Consent.objects.exists()
    assert not Notice.objects.filter(person=parent, words__contains="Noor").exists()


def test_a_parents_export_leaves_private_kinds_out() -> None:
    names = {kind.name for kind in kinds(for_parent=True)}
    assert names == {
        "account",
        "addresses",
        "admin-log",
        "erased",
        "grants",
        "sessions",
        "sign-ups",
        "tries",
        "usage",
    }
