from dataclasses import replace

import pytest
from django.utils import translation

from accounts.models import Person
from families import consents
from families.errors import NotTheirsToGive
from families.models import Consent, Link, Notice


@pytest.fixture(autouse=True)
def _nobody_has_agreed(teen: Person) -> None:
    Consent.objects.all().delete()


class TestGiving:
    def test_a_linked_parent_may(self, link: Link, parent: Person, teen: Person) -> None:
        consent = consents.consent_give(teen=teen, by=parent, country="us")
        assert consents.consent_of(teen) == consent
        assert (consent.given_as, consent.country, consent.text_hash) == (
            "parent",
            "US",
            consents.text_now().hash,
        )
        assert Notice.objects.get().person == teen

    def test_a_parent_of_somebody_else_may_not(self, parent: Person, teen: Person) -> None:
        with pytest.raises(NotTheirsToGive):
            consents.consent_give(teen=teen, by=parent, country="US")

    def test_nor_one_whose_link_has_ended(self, link: Link, parent: Person, teen: Person) -> None:
        Link.objects.update(ended_at=link.made_at, ending="teen")
        with pytest.raises(NotTheirsToGive):
            consents.consent_give(teen=teen, by=parent, country="US")

    @pytest.mark.parametrize(("country", "may"), [("US", True), ("GB", True), ("DE", False), ("", False)])
    def test_a_teen_of_15_may_where_the_age_is_13_and_not_where_it_is_16(
        self, country: str, may: bool, born_15: Person
    ) -> None:
        assert consents.may_consent_alone(born_15, country) is may
        if not may:
            with pytest.raises(NotTheirsToGive):
                consents.consent_give(teen=born_15, by=born_15, country=country)
        else:
            assert consents.consent_give(teen=born_15, by=born_15, country=country).given_as == "teen"

    def test_a_teen_whose_age_is_not_known_may_not(self, teen: Person) -> None:
        with pytest.raises(NotTheirsToGive):
            consents.consent_give(teen=teen, by=teen, country="US")

    def test_twice_gives_it_once(self, link: Link, parent: Person, teen: Person) -> None:
        first = consents.consent_give(teen=teen, by=parent, country="US")
        assert consents.consent_give(teen=teen, by=parent, country="US") == first


class TestWithdrawing:
    @pytest.mark.parametrize("who", ["parent", "teen"])
    def test_either_may_and_the_other_is_told(
        self, who: str, link: Link, parent: Person, teen: Person, request: pytest.FixtureRequest
    ) -> None:
        consents.consent_give(teen=teen, by=parent, country="US")
        Notice.objects.all().delete()
        assert consents.consent_withdraw(teen=teen, by=request.getfixturevalue(who))
        assert consents.consent_of(teen) is None
        assert Notice.objects.get().person == (teen if who == "parent" else parent)

    def test_a_stranger_may_not(self, stranger: Person, teen: Person) -> None:
        with pytest.raises(NotTheirsToGive):
            consents.consent_withdraw(teen=teen, by=stranger)

    def test_of_nothing_tells_nobody(self, link: Link, teen: Person) -> None:
        assert not consents.consent_withdraw(teen=teen, by=teen)
        assert not Notice.objects.exists()

    def test_leaves_the_evidence(self, link: Link, parent: Person, teen: Person) -> None:
        consents.consent_give(teen=teen, by=parent, country="US")
        consents.consent_withdraw(teen=teen, by=teen)
        [kept] = consents.consents_about(parent)
        assert kept.withdrawn_at


def test_new_words_ask_again(
    link: Link, parent: Person, teen: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    consents.consent_give(teen=teen, by=parent, country="US")
    new = replace(consents.text_now(), version="2027-01-01", points=("Something new.",))
    monkeypatch.setattr(consents, "text_now", lambda: new)
    assert consents.consent_of(teen) is None
    consents.consent_give(teen=teen, by=parent, country="US")
    assert Consent.objects.count() == 2


def test_changed_words_without_a_new_version_are_seen() -> None:
    """Whoever changes the words changes the version too, and then this line."""
    assert (consents.text_now().version, consents.text_now().hash[:12]) == ("2026-11-23", "727e37ad2539")


def test_the_words_are_the_same_version_in_every_language() -> None:
    english = consents.text_now()
    with translation.override("es"):
        spanish = consents.text_now()
    assert spanish.title == "Antes de abrir el tutor"
    assert spanish.version == english.version
    assert len(spanish.points) == len(english.points)
    assert spanish.hash != english.hash
