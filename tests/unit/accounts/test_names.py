"""One rule for names: it accepts names from around the world and refuses what isn't a name."""

import pytest
from django.core.exceptions import ValidationError

from accounts.names import ADDRESS_ERROR, ONE_LINE_ERROR, TOO_LONG_ERROR, clean_name, count_visible_characters
from kit.hyperlinks import break_hyperlinks, has_hyperlink

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    "name",
    [
        "Noor",
        "李小龍",
        "علی\u200cرضا",  # Persian, with its non-joiner
        "ශ\u0dca\u200dරී",  # Sinhala, with a joiner behind a virama
        "Nguyễn Thị Ngọc Ánh",
        "O‘Neil",
        "Anne-Marie O’Neil 3rd",
        "Sam Smith, Jr.",
        "Anna (Anya)",
        "J.R.R. Tolkien",
        "St.John",
        "Dr.Who",
        "Mary Smith M.Sc.",
        "Dr.Li",
        "X Æ A-12",
        "Kim / Lee",
        "Kim2009",
        "葛\U000e0100城",  # the old form of a letter
        f"{FAMILY} the Lees",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Isla",
        "Zoë & Jim",
        "שָׁלוֹם",
    ],
)
def test_unusual_names_are_accepted(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Zoe\u0308", "Zoë"),
        ("\u3000李\u3000小龍 ", "李 小龍"),
        ("Kim\u00a0\tLee", "Kim Lee"),
        ("K\u200di\u200cm", "Kim"),
        ("\u2068Kim\u2069\u200f\u200b", "Kim"),
        ("Kim\u2800\u3164", "Kim"),
        ("", ""),
    ],
)
def test_invisible_characters_do_not_make_names_differ(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("Prize: evil-win.com/claim", ADDRESS_ERROR),
        ("https://evil.example/prize", ADDRESS_ERROR),
        ("WWW.spam.example", ADDRESS_ERROR),
        ("kim@example.org", ADDRESS_ERROR),
        ("ｅｖｉｌ．ｃｏｍ", ADDRESS_ERROR),
        ("evil。com", ADDRESS_ERROR),
        ("ev\u200bil.c\u200bom", ADDRESS_ERROR),
        ("пример.рф", ADDRESS_ERROR),
        ("Bit.Ly", ADDRESS_ERROR),
        ("t.me/x", ADDRESS_ERROR),
        ("foo.abbott/x", ADDRESS_ERROR),
        ("xn--a.xn--p1ai", ADDRESS_ERROR),
        ("192.168.0.1", ADDRESS_ERROR),
        ("mailto:kim", ADDRESS_ERROR),
        ("Kim (evil.com), Jr.", ADDRESS_ERROR),
        ("Call 555 0100 now", ADDRESS_ERROR),
        ("Kim\nBuy this", ONE_LINE_ERROR),
        ("Kim\x00", ONE_LINE_ERROR),
        ("Kim\x1b[2J", ONE_LINE_ERROR),
        ("Kim \u202etxet", ONE_LINE_ERROR),
        ("Kim\u2028next", ONE_LINE_ERROR),
        ("\u0301Kim", ONE_LINE_ERROR),
        ("K" + "\u0335" * 5, ONE_LINE_ERROR),
        ("...", ONE_LINE_ERROR),
        ("Kim\ue000", ONE_LINE_ERROR),
        ("Kim\U000e0041", ONE_LINE_ERROR),
        ("K" * 61, TOO_LONG_ERROR),
        (FAMILY * 40, TOO_LONG_ERROR),
    ],
)
def test_an_invalid_name_is_refused_with_an_explanation(typed: str, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        clean_name(typed)
    assert raised.value.messages == [str(message)]


def test_length_is_counted_in_visible_characters() -> None:
    assert (
        count_visible_characters(FAMILY)
        == count_visible_characters("é̱")
        == count_visible_characters("🇪🇸")
        == count_visible_characters("👋🏽")
        == 1
    )
    assert count_visible_characters("نورا") == 4
    assert clean_name("ngọ̈" * 20)


@pytest.mark.parametrize(
    "typed",
    [
        "https://evil.example/prize",
        "evil-win.com/claim",
        "a@b.com",
        "www.x.yz",
        "evil。com",
        "tel:555",
        "a.b.c.de",
    ],
)
def test_a_name_never_becomes_a_link_in_an_email(typed: str) -> None:
    assert has_hyperlink(typed)
    quoted = break_hyperlinks(f"Prize: {typed}, now")
    assert not has_hyperlink(quoted)
    assert break_hyperlinks(quoted) == quoted
    assert break_hyperlinks("J. R. R. O’Neil, Jr.: a/b") == "J. R. R. O’Neil, Jr.: a/b"


@pytest.mark.parametrize("text", ["Until 6:50 p.m. it is closed.", "It refills at 7 a.m., Los Angeles time."])
def test_a_time_of_day_does_not_become_a_link(text: str) -> None:
    assert break_hyperlinks(text) == text
