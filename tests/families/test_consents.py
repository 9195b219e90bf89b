import tomllib
from dataclasses import replace

import pytest
from django.utils import translation

from accounts.models import Person
from families import consent_texts, consents
from families.consent_texts import DATA, find_text, get_current_text, list_texts
from families.countries import get_country_name, list_country_choices, list_country_codes
from families.errors import CannotGiveConsent, CountryNotSet
from families.models import Consent, Link, Notice, Residence
from tests.families.conftest import agree


@pytest.fixture(autouse=True)
def _without_consent(teen: Person) -> None:
    Consent.objects.all().delete()
    Residence.objects.all().delete()


class TestGiving:
    def test_is_allowed_for_a_linked_parent(self, link: Link, parent: Person, teen: Person) -> None:
        consent = agree(teen=teen, by=parent)
        assert consents.find_consent(teen) == consent
        assert (consent.given_as, consent.country, consent.text_hash) == (
            "parent",
            "US",
            get_current_text().hash,
        )
        assert Notice.objects.filter(person=teen).count() == 1

    def test_is_refused_for_an_unlinked_parent(self, parent: Person, teen: Person) -> None:
        with pytest.raises(CannotGiveConsent):
            agree(teen=teen, by=parent)

    def test_is_refused_after_the_link_has_ended(self, link: Link, parent: Person, teen: Person) -> None:
        Link.objects.update(ended_at=link.created_at, end_reason="teen")
        with pytest.raises(CannotGiveConsent):
            agree(teen=teen, by=parent)

    @pytest.mark.parametrize(("country", "may"), [("US", True), ("GB", True), ("DE", False), ("FR", False)])
    def test_depends_on_the_countrys_age_for_a_teen_of_15(
        self, country: str, may: bool, born_15: Person
    ) -> None:
        assert consents.can_consent_alone(born_15, country) is may
        if not may:
            with pytest.raises(CannotGiveConsent):
                agree(teen=born_15, by=born_15, country=country)
        else:
            assert agree(teen=born_15, by=born_15, country=country).given_as == "teen"

    def test_requires_the_teens_country(self, link: Link, born_15: Person) -> None:
        for person in (link.parent, born_15):
            with pytest.raises(CountryNotSet):
                consents.give_consent(teen=born_15, by=person)

    def test_is_refused_for_a_teen_of_unknown_age(self, teen: Person) -> None:
        with pytest.raises(CannotGiveConsent):
            agree(teen=teen, by=teen)

    def test_twice_returns_the_same_consent(self, link: Link, parent: Person, teen: Person) -> None:
        first = agree(teen=teen, by=parent)
        assert agree(teen=teen, by=parent) == first


class TestWithdrawing:
    @pytest.mark.parametrize("who", ["parent", "teen"])
    def test_is_allowed_for_either_side_and_notifies_the_other(
        self, who: str, link: Link, parent: Person, teen: Person, request: pytest.FixtureRequest
    ) -> None:
        agree(teen=teen, by=parent)
        Notice.objects.all().delete()
        assert consents.withdraw_consent(teen=teen, by=request.getfixturevalue(who))
        assert consents.find_consent(teen) is None
        assert Notice.objects.get().person == (teen if who == "parent" else parent)

    def test_is_refused_for_a_stranger(self, stranger: Person, teen: Person) -> None:
        with pytest.raises(CannotGiveConsent):
            consents.withdraw_consent(teen=teen, by=stranger)

    def test_without_consent_notifies_no_one(self, link: Link, teen: Person) -> None:
        assert not consents.withdraw_consent(teen=teen, by=teen)
        assert not Notice.objects.exists()

    def test_keeps_the_evidence(self, link: Link, parent: Person, teen: Person) -> None:
        agree(teen=teen, by=parent)
        consents.withdraw_consent(teen=teen, by=teen)
        [kept] = consents.list_consents_about(parent)
        assert kept.withdrawn_at


def test_a_new_version_asks_again(
    link: Link, parent: Person, teen: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(teen=teen, by=parent)
    new = replace(get_current_text(), version="2027-01-01", points=("Something new.",))
    for module in (consent_texts, consents):
        monkeypatch.setattr(module, "get_current_text", lambda: new)
    assert consents.find_consent(teen) is None
    agree(teen=teen, by=parent)
    assert Consent.objects.count() == 2


# Every published version. Add a line for a new version; never change one.
SHOWN = {
    ("2026-11-23", "en"): "727e37ad2539cff4f293b92fbea2f5240f917cd53fb17d45697f49d9806d5719",
    ("2026-11-23", "es"): "7fe9bc06c2f443bb45e2b9c7c3849b14c3a9728eacdea9c040078555f6bfdfda",
    ("2026-11-30", "en"): "452758c4b5f20884faeef56740a577e5ac7f47470eb3c59dafe521ffcd89d3f7",
    ("2026-11-30", "es"): "c07d0591f5120953c14ddf7bf7aa6671b66fcd74e43a1592e963c8060bd14a0a",
}


def test_every_published_version_can_still_be_read() -> None:
    assert {(text.version, text.language): text.hash for text in list_texts()} == SHOWN
    for (version, language), text_hash in SHOWN.items():
        consent_text = find_text(version=version, text_hash=text_hash)
        assert consent_text
        assert consent_text.language == language


def test_a_files_version_matches_its_name() -> None:
    for path in DATA.glob("*.toml"):
        assert tomllib.loads(path.read_text())["version"] == path.stem.rpartition(".")[0]


def test_every_language_has_the_same_version() -> None:
    english = get_current_text()
    with translation.override("es"):
        spanish = get_current_text()
    assert spanish.title == "Antes de abrir el tutor"
    assert spanish.version == english.version
    assert len(spanish.points) == len(english.points)
    assert spanish.hash != english.hash


class TestCountries:
    def test_are_exactly_those_of_iso_3166(self) -> None:
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
        assert all(len(name) > 2 for _code, name in choices)

    def test_are_sorted_by_name_without_accents(self) -> None:
        names = [name for _code, name in list_country_choices()]
        assert names.index("Åland Islands") < names.index("Albania")
