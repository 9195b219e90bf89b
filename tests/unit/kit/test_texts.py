"""A text is stored in the same form, however it was typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.texts import normalize_line, normalize_text, parse_whole_number

FAMILY = "👩\u200d👩\u200d👧"
PERSIAN = "می\u200cخواهم"
HEBREW = "\u200fשלום (hi)\u200e"


class TestText:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
    def test_every_end_of_a_line_is_the_same(self, end: str) -> None:
        assert normalize_text(f"one{end}two") == "one\ntwo"

    def test_two_ends_are_two(self) -> None:
        assert normalize_text("one\r\n\r\ntwo\n\rthree") == "one\n\ntwo\n\nthree"

    @pytest.mark.parametrize("word", ["¿Qué pasó, niño?", "Việt Nam", "한국어", "Ελλάδα ώρα", "हिन्दी क़"])
    def test_letters_are_composed(self, word: str) -> None:
        assert normalize_text(unicodedata.normalize("NFD", word)) == unicodedata.normalize("NFC", word)

    @pytest.mark.parametrize("text", [FAMILY, PERSIAN, HEBREW, "tab\tstop", "  spaced  ", "½ ﬁ x²"])
    def test_what_languages_need_stays(self, text: str) -> None:
        assert normalize_text(text) == text

    @pytest.mark.parametrize(
        ("text", "becomes"),
        [
            ("one\0two", "one two"),
            ("\x1b[31mred", " [31mred"),
            ("home\u00adwork", "homework"),
            ("\ufeffbegin", "begin"),
            ("half \ud83d of it", "half \ufffd of it"),
        ],
    )
    def test_what_says_nothing_goes(self, text: str, becomes: str) -> None:
        assert normalize_text(text) == becomes

    @given(st.text(st.characters(exclude_categories=())))
    def test_twice_is_once_and_any_text_can_be_stored(self, text: str) -> None:
        once = normalize_text(text)
        assert normalize_text(once) == once
        assert "\0" not in once.encode().decode()


def test_a_line_has_single_spaces() -> None:
    assert normalize_line(" an\r\nevening \t with  Jose\u0301 ") == "an evening with José"


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("99", 99), ("007", 7)])
def test_plain_digits_are_a_number(text: str, number: int) -> None:
    assert parse_whole_number(text, below=100) == number


@pytest.mark.parametrize("text", ["", "100", "-1", "+1", "1.0", " 1", "1_0", "١", "²", "x", "9" * 5000])
def test_anything_else_is_none(text: str) -> None:
    assert parse_whole_number(text, below=100) is None
