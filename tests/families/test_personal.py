"""What erasing a family member leaves with the others."""

import pytest

from accounts.models import Person
from families.agreements import set_parent_pause
from families.consents import find_consent
from families.gate import ClosedReason, get_tutor_gate
from families.links import end_link
from families.models import Consent, Link, Notice
from families.personal import FAMILY, export_links
from privacy.registry import list_kinds
from privacy.services import erase_person
from tests.families.conftest import agree


@pytest.fixture
def agreed(link: Link, teen: Person, parent: Person) -> Link:
    Consent.objects.all().delete()
    agree(teen=teen, by=parent)
    set_parent_pause(link=link, paused=True)
    return link


def test_erasing_a_parent_removes_their_name(agreed: Link, teen: Person, parent: Person) -> None:
    erase_person(person=parent)
    assert not Link.objects.exists()
    assert not Notice.objects.filter(text__contains="sam").exists()
    assert Consent.objects.get().given_by_name == ""


def test_erasing_a_parent_ends_their_consent(agreed: Link, teen: Person, parent: Person) -> None:
    erase_person(person=parent)
    assert find_consent(teen) is None
    assert get_tutor_gate(teen).closed_reason == ClosedReason.COOLING_OFF
    assert "was deleted" in Notice.objects.filter(person=teen).latest("at").text


def test_evidence_of_an_ended_consent_is_kept_without_the_name(
    agreed: Link, teen: Person, parent: Person
) -> None:
    end_link(link=agreed, by=parent)
    erase_person(person=parent)
    consent = Consent.objects.get()
    assert consent.withdrawn_at
    assert consent.given_as == "parent"
    assert find_consent(teen) is None


def test_erasing_a_teen_deletes_everything(agreed: Link, teen: Person, parent: Person) -> None:
    erase_person(person=teen)
    assert not Link.objects.exists()
    assert not Consent.objects.exists()
    assert not Notice.objects.filter(person=parent, text__contains="Noor").exists()


@pytest.mark.parametrize("is_agreed", [False, True])
@pytest.mark.parametrize("who", ["teen", "parent"])
def test_an_export_says_whether_questions_stay_local(
    who: str, is_agreed: bool, link: Link, request: pytest.FixtureRequest
) -> None:
    Link.objects.update(local_only=is_agreed)
    [row] = export_links(request.getfixturevalue(who))
    assert row["local_only"] is is_agreed
    assert "local_only" in FAMILY.labels


def test_a_parents_export_omits_private_kinds() -> None:
    names = {kind.name for kind in list_kinds(for_parent=True)}
    assert names == {
        "account",
        "addresses",
        "admin-log",
        "budget-changes",
        "erased",
        "grants",
        "sessions",
        "sign-ups",
        "tries",
        "usage",
    }
