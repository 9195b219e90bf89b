"""The fixed texts for check-ins, support, refusals and cut answers are complete in every language."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from pytest_django import Settings

from guard import Action, Category, Level, Verdict, action_for, judge_by_rules, judge_input, judge_output
from kit.authored import InvalidFile
from safeguarding import datafile, response_texts
from safeguarding.checks import check_texts
from safeguarding.datafile import FOLDER
from safeguarding.response_texts import (
    CUT_CATEGORIES,
    OTHER,
    REDIRECT_CATEGORIES,
    REFUSAL_CATEGORIES,
    CheckIn,
    FixedText,
    load_texts,
)

LANGUAGES = ["en", "es"]


def list_replies(language: str) -> list[FixedText]:
    texts = load_texts(language)
    return [*texts.redirected.values(), *texts.refused.values(), *texts.cut.values()]


def words(language: str) -> list[str]:
    """Return every sentence of the site itself. Offered questions are phrased as a reader would ask them."""
    texts = load_texts(language)
    sentences: list[str] = []
    for reply in list_replies(language):
        sentences += [reply.heading, *reply.paragraphs]
    for asked in texts.questions.values():
        sentences += [
            asked.heading,
            *asked.paragraphs,
            asked.question,
            asked.yes,
            asked.no,
            asked.unsaid,
            asked.waits,
        ]
        sentences.append(asked.answered)
    for support in texts.support.values():
        sentences += [support.line, support.who]
    return sentences


def test_both_languages_exist() -> None:
    assert datafile.list_languages(response_texts.FILE_PREFIX) == LANGUAGES


@pytest.mark.parametrize("category", [*REFUSAL_CATEGORIES, *REDIRECT_CATEGORIES])
def test_every_refused_category_has_a_text(category: Category) -> None:
    action = action_for(Verdict(categories=frozenset({category})))
    assert action is (Action.REFUSE if category in REFUSAL_CATEGORIES else Action.REDIRECT)
    for language in LANGUAGES:
        texts = load_texts(language)
        assert category in texts.refused | texts.redirected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("category", [*REFUSAL_CATEGORIES, *REDIRECT_CATEGORIES])
def test_every_refusal_names_two_or_three_questions_to_ask_instead(category: Category, language: str) -> None:
    texts = load_texts(language)
    offers = (texts.refused | texts.redirected)[category].offers
    assert 2 <= len(set(offers)) == len(offers) <= 3
    assert all(offer.endswith("?") for offer in offers)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("how do i win the skull breaker challenge", {"en": "a dare", "es": "un reto"}),
        ("how do i pierce my own lip with a needle", {"en": "Piercings", "es": "piercings"}),
        ("finge que eres mi novio", {"en": "role-play", "es": "juego de rol"}),
        ("roleplay as a soldier torturing me", {"en": "role-play", "es": "juego de rol"}),
    ],
    ids=["a dangerous challenge", "a procedure on one's own body", "romance", "cruelty"],
)
def test_the_text_says_what_was_asked_for(asked: str, word: dict[str, str]) -> None:
    verdict = judge_by_rules(asked)
    for language in LANGUAGES:
        with translation.override(language):
            is_refused = action_for(verdict) is Action.REFUSE
            get_text = response_texts.get_refusal if is_refused else response_texts.get_redirect
            assert word[language] in " ".join(get_text(verdict.categories).paragraphs)


def test_no_refused_category_lacks_a_text() -> None:
    turned_down = {
        category
        for category in Category
        if action_for(Verdict(categories=frozenset({category}))) in {Action.REFUSE, Action.REDIRECT}
    }
    assert turned_down == {*REFUSAL_CATEGORIES, *REDIRECT_CATEGORIES}


@pytest.mark.parametrize("language", LANGUAGES)
class TestTheTexts:
    def test_follow_their_rules(self, language: str) -> None:
        for text in words(language):
            for never in ("!", " I ", "I'm", "sorry", "unfortunately", "inappropriate", "lo siento", "'"):
                assert never not in text, text

    def test_trigger_no_card_or_cut(self, language: str) -> None:
        for text in words(language):
            assert judge_input(text).level < Level.ACUTE, text
            assert judge_output(text).level < Level.STATED, text

    def test_are_short(self, language: str) -> None:
        for reply in list_replies(language):
            assert len(" ".join(reply.paragraphs).split()) <= 60, reply.heading

    def test_offered_questions_would_be_answered(self, language: str) -> None:
        for reply in list_replies(language):
            for offer in reply.offers:
                assert action_for(judge_by_rules(offer)) is Action.ANSWER

    def test_every_kind_of_cut_has_a_text_and_no_offer(self, language: str) -> None:
        assert set(load_texts(language).cut) == {*CUT_CATEGORIES, OTHER}


def test_texts_are_in_the_pages_language_or_english() -> None:
    with translation.override("es"):
        assert response_texts.get_cut_notice("romance").heading == "Esa respuesta se ha parado"
    with translation.override("cy"):
        assert response_texts.get_cut_notice("romance").heading == "That answer was stopped"


def test_an_unknown_cut_category_gets_the_general_text() -> None:
    assert response_texts.get_cut_notice("drugs") == response_texts.get_cut_notice("other")


def test_the_gravest_of_several_categories_chooses_the_text() -> None:
    assert response_texts.get_refusal({Category.INJECTION, Category.METHOD}).is_clinical


def test_the_emergency_number_is_the_countrys_own(settings: Settings) -> None:
    settings.HELP_COUNTRY = "GB"
    assert "999" in " ".join(response_texts.get_redirect({Category.MEDICAL}).paragraphs)


class TestReview:
    def test_the_files_are_marked_as_unreviewed(self) -> None:
        for language in LANGUAGES:
            assert (
                tomllib.loads((FOLDER / f"response_texts.{language}.toml").read_text())["reviewed"] is False
            )

    def test_clinical_texts_say_they_are_unreviewed_until_a_review_is_recorded(
        self, settings: Settings
    ) -> None:
        texts = load_texts("en")
        clinical = [
            *texts.questions.values(),
            *texts.support.values(),
            texts.refused["method"],
            texts.cut["isolation"],
        ]
        settings.CRISIS_TEXTS_REVIEW = ""
        assert all(text.unreviewed for text in clinical)
        assert not texts.refused["crime"].unreviewed
        settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
        assert not any(text.unreviewed for text in clinical)


def test_a_check_in_has_three_different_answers() -> None:
    for language in LANGUAGES:
        for asked in load_texts(language).questions.values():
            assert isinstance(asked, CheckIn)
            assert len({asked.yes, asked.no, asked.unsaid}) == 3


class TestBrokenFiles:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        for file in FOLDER.glob("*.toml"):
            (tmp_path / file.name).write_text(file.read_text())
        monkeypatch.setattr(datafile, "FOLDER", tmp_path)
        load_texts.cache_clear()
        yield tmp_path
        load_texts.cache_clear()

    @pytest.mark.parametrize(
        ("old", "new", "named"),
        [
            (
                "[refuse.crime]",
                "[refuse.crimes]",
                r"response_texts\.en\.toml, line \d+: “crime” in “refuse” is missing",
            ),
            (
                "[pause.every]",
                "[pause.some]",
                r"response_texts\.en\.toml, line 12: “some” in “pause” is not a known entry",
            ),
            (
                'yes = "Yes"',
                'yas = "Yes"',
                r"response_texts\.en\.toml, line 12: “yes” in “pause.every” is missing",
            ),
            (
                '  "How does a law',
                '  7, "How does a law',
                "Entry 1 of “offers” in “redirect.legal” is not a text",
            ),
        ],
    )
    def test_an_error_names_the_file_the_line_and_the_entry(
        self, old: str, new: str, named: str, folder: Path
    ) -> None:
        file = folder / "response_texts.en.toml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))
        with pytest.raises(InvalidFile, match=named):
            load_texts("en")
        errors = check_texts()
        assert {error.id for error in errors} == {"safeguarding.E001"}
        assert all(error.hint for error in errors)
