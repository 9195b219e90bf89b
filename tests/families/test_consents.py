import tomllib
from dataclasses import replace

import pytest
from django.utils import translation

from accounts.models import Person
from families import consents
from families.consent_texts import DATA, find_text, get_current_text, list_texts
from families.countries import get_country_name, list_country_choices, list_country_codes
from families.errors import CannotGiveConsent, CountryNotSet
from families.models import Consent, Link, Notice, Residence
from tests.families.conftest import agree


@pytest.fixture(autouse=True)
def _nobody_has_agreed(teen: Person) -> None:
    Consent.objects.all().delete()
    Residence.objects.all().delete()


class TestGiving:
    def test_a_linked_parent_may(self, link: Link, parent: Person, teen: Person) -> None:
        consent = agree(teen=teen, by=parent)
        assert consents.find_consent(teen) == consent
        assert (consent.given_as, consent.country, consent.text_hash) == (
            "parent",
            "US",
            get_current_text().hash,
        )
        assert Notice.objects.filter(person=teen).count() == 1

    def test_a_parent_of_somebody_else_may_not(self, parent: Person, teen: Person) -> None:
        with pytest.raises(CannotGiveConsent):
            agree(teen=teen, by=parent)

    def test_nor_one_whose_link_has_ended(self, link: Link, parent: Person, teen: Person) -> None:
        Link.objects.update(ended_at=link.made_at, end_reason="teen")
        with pytest.raises(CannotGiveConsent):
            agree(teen=teen, by=parent)

    @pytest.mark.parametrize(("country", "may"), [("US", True), ("GB", True), ("DE", False), ("FR", False)])
    def test_a_teen_of_15_may_where_the_age_is_13_and_not_where_it_is_16(
        self, country: str, may: bool, born_15: Person
    ) -> None:
        assert consents.can_consent_alone(born_15, country) is may
        if not may:
            with pytest.raises(CannotGiveConsent):
                agree(teen=born_15, by=born_15, country=country)
        else:
            assert agree(teen=born_15, by=born_15, country=country).given_as == "teen"

    def test_nobody_agrees_before_it_is_known_where_the_teen_lives(self, link: Link, born_15: Person) -> None:
        for person in (link.parent, born_15):
            with pytest.raises(CountryNotSet):
                consents.give_consent(teen=born_15, by=person)

    def test_a_teen_whose_age_is_not_known_may_not(self, teen: Person) -> None:
        with pytest.raises(CannotGiveConsent):
            agree(teen=teen, by=teen)

    def test_twice_gives_it_once(self, link: Link, parent: Person, teen: Person) -> None:
        first = agree(teen=teen, by=parent)
        assert agree(teen=teen, by=parent) == first


class TestWithdrawing:
    @pytest.mark.parametrize("who", ["parent", "teen"])
    def test_either_may_and_the_other_is_told(
        self, who: str, link: Link, parent: Person, teen: Person, request: pytest.FixtureRequest
    ) -> None:
        agree(teen=teen, by=parent)
        Notice.objects.all().delete()
        assert consents.withdraw_consent(teen=teen, by=request.getfixturevalue(who))
        assert consents.find_consent(teen) is None
        assert Notice.objects.get().person == (teen if who == "parent" else parent)

    def test_a_stranger_may_not(self, stranger: Person, teen: Person) -> None:
        with pytest.raises(CannotGiveConsent):
            consents.withdraw_consent(teen=teen, by=stranger)

    def test_of_nothing_tells_nobody(self, link: Link, teen: Person) -> None:
        assert not consents.withdraw_consent(teen=teen, by=teen)
        assert not Notice.objects.exists()

    def test_leaves_the_evidence(self, link: Link, parent: Person, teen: Person) -> None:
        agree(teen=teen, by=parent)
        consents.withdraw_consent(teen=teen, by=teen)
        [kept] = consents.list_consents_about(parent)
        assert kept.withdrawn_at


def test_new_words_ask_again(
    link: Link, parent: Person, teen: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(teen=teen, by=parent)
    new = replace(get_current_text(), version="2027-01-01", points=("Something new.",))
    monkeypatch.setattr(consents, "get_current_text", lambda: new)
    assert consents.find_consent(teen) is None
    agree(teen=teen, by=parent)
    assert Consent.objects.count() == 2


# Every version that was ever shown. A line is added with a new version, and never changed.
SHOWN = {
    ("2026-11-23", "en"): "727e37ad2539cff4f293b92fbea2f5240f917cd53fb17d45697f49d9806d5719",
    ("2026-11-23", "es"): "7fe9bc06c2f443bb45e2b9c7c3849b14c3a9728eacdea9c040078555f6bfdfda",
}


def test_every_version_that_was_ever_shown_can_still_be_read_word_for_word() -> None:
    assert {(text.version, text.language): text.hash for text in list_texts()} == SHOWN
    for (version, language), text_hash in SHOWN.items():
        found = find_text(version=version, text_hash=text_hash)
        assert found
        assert found.language == language


def test_a_file_says_the_version_that_its_name_says() -> None:
    for path in DATA.glob("*.toml"):
        assert tomllib.loads(path.read_text())["version"] == path.stem.rpartition(".")[0]


def test_the_words_are_the_same_version_in_every_language() -> None:
    english = get_current_text()
    with translation.override("es"):
        spanish = get_current_text()
    assert spanish.title == "Antes de abrir el tutor"
    assert spanish.version == english.version
    assert len(spanish.points) == len(english.points)
    assert spanish.hash != english.hash


class TestCountries:
    def test_are_those_of_iso_3166_and_no_others(self) -> None:
        codes = list_country_codes()
        assert len(codes) == 249
        assert {
            "US",
            "GB",
            "DE",
            "ES",
            "TW",
            "PS",
            "AQ",
        } <= codes
        assert not {"EU", "UK", "XK", "ZZ", "", "us", "**"} & codes

    @pytest.mark.parametrize(("language", "name"), [("en", "Germany"), ("es", "Alemania")])
    def test_have_a_name_in_every_language(self, language: str, name: str) -> None:
        with translation.override(language):
            choices = list_country_choices()
            assert get_country_name("DE") == name
        assert len(choices) == 249
        assert all(len(one) > 2 for _code, one in choices)

    def test_are_in_the_order_of_their_names_whatever_the_accents(self) -> None:
        names = [name for _code, name in list_country_choices()]
        assert names.index("Åland Islands") < names.index("Albania")
