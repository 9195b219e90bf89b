"""The texts of the crisis cards: fixed, fitting, and true of this site."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from pytest_django import Settings

from guard import Category, Level, Verdict, judge_input
from kit.authored import InvalidFile
from safeguarding import datafile
from safeguarding.cards import (
    CARD_KINDS,
    CardReview,
    CrisisCard,
    build_card,
    list_card_languages,
    load_card_texts,
)
from safeguarding.checks import check_texts
from safeguarding.datafile import FOLDER
from safeguarding.helplines import UNSAFE_HOME
from tests.markup import squeezed

ABOUT = Category.ABOUT_SOMEONE_ELSE
FRIEND = frozenset({Category.SUICIDE, ABOUT})
VERDICTS = {
    "hints": Verdict(Level.HINTS, frozenset({Category.HOPELESSNESS})),
    "unsafe_home": Verdict(Level.UNSAFE_HOME, frozenset({Category.UNSAFE_HOME})),
    "unsafe_home_someone_else": Verdict(Level.UNSAFE_HOME, frozenset({Category.UNSAFE_HOME, ABOUT})),
    "exploitation": Verdict(Level.UNSAFE_HOME, frozenset({Category.EXPLOITATION})),
    "stated": Verdict(Level.STATED, frozenset({Category.SUICIDE})),
    "eating": Verdict(Level.STATED, frozenset({Category.EATING_DISORDER})),
    "someone_else": Verdict(Level.STATED, FRIEND),
    "acute": Verdict(Level.ACUTE, frozenset({Category.SUICIDE})),
    "acute_someone_else": Verdict(Level.ACUTE, FRIEND),
}


PROTECTING = ("tel:18004224453", "sms:18004224453")


def read_card(card: CrisisCard) -> str:
    return " ".join(
        [card.heading, *card.paragraphs, card.next_step, card.disclosure, card.pause, card.quick_exit]
    )


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", CARD_KINDS)
def test_every_kind_has_its_own_text_in_every_language(kind: str, language: str) -> None:
    words = load_card_texts(language)[kind]
    with translation.override(language):
        card = build_card(VERDICTS[kind], country="US")
    assert (card.heading, card.next_step) == (words.heading, words.next_step)
    assert len(" ".join(card.paragraphs).split()) <= 80


def test_a_language_without_a_file_gets_english() -> None:
    with translation.override("cy"):
        assert build_card(VERDICTS["stated"], country="GB").quick_exit == "Leave this page quickly"


@pytest.mark.parametrize("beside", [Category.DISTRESS, Category.BULLYING, Category.MEDICAL])
def test_eating_takes_precedence_over_lesser_categories(beside: Category) -> None:
    about = frozenset({Category.EATING_DISORDER, beside})
    assert "eating has become hard" in build_card(Verdict(Level.STATED, about), country="US").paragraphs[0]


@pytest.mark.parametrize("kind", ["acute", "acute_someone_else", "someone_else"])
@pytest.mark.parametrize(("country", "number"), [("US", "911"), ("GB", "999"), ("ES", "112"), ("ZZ", "112")])
def test_acute_cards_show_the_countrys_emergency_number(kind: str, country: str, number: str) -> None:
    assert number in " ".join(build_card(VERDICTS[kind], country=country).paragraphs)


def test_self_harm_takes_precedence_over_eating() -> None:
    both = Verdict(Level.STATED, frozenset({Category.EATING_DISORDER, Category.SELF_HARM}))
    assert "hurting yourself" in build_card(both, country="US").paragraphs[0]


@pytest.mark.parametrize("kind", CARD_KINDS)
def test_the_texts_follow_their_rules(kind: str) -> None:
    text = read_card(build_card(VERDICTS[kind], country="US"))
    for never in ("!", "secret", "watch", "promise", "committed", "pills", "bridge", "monitor"):
        assert never not in text
    assert "has not told anyone" in text


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_card_text_triggers_a_card(language: str) -> None:
    with translation.override(language):
        for verdict in VERDICTS.values():
            assert judge_input(read_card(build_card(verdict, country="US"))).level < Level.ACUTE


@pytest.mark.parametrize("kind", CARD_KINDS)
def test_the_card_is_rendered_in_order(kind: str) -> None:
    card = build_card(VERDICTS[kind], country="US")
    page = squeezed(render_to_string("safeguarding/card.html", {"card": card}))
    assert '<section class="card-crisis" aria-labelledby=' in page
    assert page.count("<h2") == 1
    lines = ("tel:988", "sms:988", "https://988lifeline.org/chat/", "sms:741741?&amp;body=HOME")
    for link in PROTECTING if card.level == Level.UNSAFE_HOME else lines:
        assert f'href="{link}"' in page
    assert ('class="button" href="tel:911"' in page) is (card.level == Level.ACUTE)
    assert re.search(r'class="quick-exit" href="/help/leave" rel="noreferrer noopener"', page)
    assert 'data-exit="https://www.wikipedia.org/"' in page
    assert "not yet been reviewed by a clinician" in page


@pytest.mark.parametrize("country", ["US", "GB", "IE", "CA", "ES", "ZZ"])
def test_an_unsafe_home_gets_lines_that_protect_children(country: str) -> None:
    lines = build_card(VERDICTS["unsafe_home"], country=country).country.lines
    assert lines
    assert all(UNSAFE_HOME in line.helps for line in lines)


def test_a_help_line_for_abuse_is_not_on_other_cards() -> None:
    names = [line.name for line in build_card(VERDICTS["stated"], country="US").country.lines]
    assert names == ["988 Suicide & Crisis Lifeline", "Crisis Text Line"]


def test_the_unsafe_home_card_asks_whether_it_is_safe_to_talk() -> None:
    text = read_card(build_card(VERDICTS["unsafe_home"], country="US"))
    assert "Is it safe to talk?" in text
    assert "Who feels safe" in text
    assert "tutor rests" not in text


def test_acute_danger_takes_precedence_over_an_unsafe_home() -> None:
    both = Verdict(Level.ACUTE, frozenset({Category.UNSAFE_HOME, Category.SUICIDE}))
    assert build_card(both, country="US").heading == "Call your emergency number now"


class TestHumanReview:
    """Where people of an organization may read the message."""

    def build(self, **fields: Any) -> CrisisCard:
        unread = CardReview(
            organization="Harbor Youth", is_closed=False, is_someone_on_call=False, next_on_call="",
            may_tell_parent=True,
        )  # fmt: skip
        return build_card(VERDICTS["stated"], country="GB", review=replace(unread, **fields))

    def read(self, card: CrisisCard) -> str:
        assert card.review
        return " ".join([read_card(card), *card.review.paragraphs, card.review.link])

    @pytest.mark.parametrize("language", ["en", "es"])
    @pytest.mark.parametrize(
        "fields",
        [
            {"is_someone_on_call": True},
            {"next_on_call": "Tuesday, 9 a.m., Madrid time"},
            {},
            {"is_closed": True},
            {"may_tell_parent": False},
        ],
    )
    def test_its_words_follow_the_rules_and_are_filled_in(
        self, fields: dict[str, Any], language: str
    ) -> None:
        with translation.override(language):
            text = self.read(self.build(**fields))
        for never in ("!", "secret", "watch", "promise", "monitor", "{", "No one has read", "Nadie ha leído"):
            assert never not in text
        assert "Harbor Youth" in text
        assert judge_input(text).level < Level.ACUTE

    def test_it_never_implies_that_someone_is_there_when_no_one_is(self) -> None:
        text = self.read(self.build(next_on_call="Tuesday, 9 a.m., Madrid time"))
        assert "No one is on call now. Someone is on call again from Tuesday, 9 a.m., Madrid time." in text
        assert "call 999" in text

    def test_its_words_are_marked_as_unreviewed(self) -> None:
        page = squeezed(render_to_string("safeguarding/card.html", {"card": self.build()}))
        assert "not yet been reviewed by a clinician" in page
        assert page.index("help-lines") < page.index("card-review") < page.index("card-small")

    def test_a_card_that_does_not_say_who_reads_promises_nothing(self) -> None:
        card = build_card(VERDICTS["stated"], country="US", says_who_reads=False)
        assert card.disclosure == "This card comes from a program."
        assert card.review is None


class TestReview:
    def test_the_files_are_marked_as_unreviewed(self) -> None:
        for language in list_card_languages():
            assert tomllib.loads((FOLDER / f"cards.{language}.toml").read_text())["reviewed"] is False

    def test_a_recorded_review_removes_the_note(self, settings: Settings) -> None:
        settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
        card = build_card(VERDICTS["stated"], country="US")
        assert card.reviewed
        assert "clinician" not in render_to_string("safeguarding/card.html", {"card": card})


class TestBrokenFiles:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.setattr(datafile, "FOLDER", tmp_path)
        load_card_texts.cache_clear()
        yield tmp_path
        load_card_texts.cache_clear()

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("\nreviewed = false", "\nreviewed =", r"cards\.en\.toml, line 8: This is not TOML"),
            ("[acute]", "[acutely]", r"cards\.en\.toml, line 1: “acute” is missing"),
            ("[every]", "[some]", r"cards\.en\.toml, line 1: “every” is missing"),
            (
                'next_step = "You can',
                'nxt = "You can',
                r"cards\.en\.toml, line 35: “next_step” in “acute” is missing",
            ),
            (
                '  "It sounds as if you are',
                '  7, "It sounds as if you are',
                "line 38: Entry 1 of “paragraphs” in “acute” is not a text",
            ),
            ("disclosure =", "lie =", r"cards\.en\.toml, line 90: “disclosure” in “every” is missing"),
        ],
    )
    def test_an_error_names_the_file_the_line_and_the_entry(
        self, old: str, new: str, message: str, folder: Path
    ) -> None:
        whole = (FOLDER / "cards.en.toml").read_text()
        assert old in whole
        (folder / "cards.en.toml").write_text(whole.replace(old, new, 1))
        with pytest.raises(InvalidFile, match=message):
            load_card_texts("en")
        assert "safeguarding.E001" in {error.id for error in check_texts()}

    def test_a_missing_file_is_named(self) -> None:
        with pytest.raises(InvalidFile, match=r"cards\.en\.toml, line 1: It cannot be read"):
            load_card_texts("en")


def test_the_shipped_files_are_valid() -> None:
    assert check_texts() == []
