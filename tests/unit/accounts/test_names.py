"""One rule for names: generous to the names of the world, firm against what is no name."""

import pytest
from django.core.exceptions import ValidationError

from accounts.names import NO_ADDRESS, ONE_LINE, TOO_LONG, clean_name, count_seen
from kit.links import break_links, has_link

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
def test_people_are_called_all_kinds_of_things(name: str) -> None:
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
def test_what_cannot_be_seen_makes_no_second_name(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Prize: evil-win.com/claim", NO_ADDRESS),
        ("https://evil.example/prize", NO_ADDRESS),
        ("WWW.spam.example", NO_ADDRESS),
        ("kim@example.org", NO_ADDRESS),
        ("ｅｖｉｌ．ｃｏｍ", NO_ADDRESS),
        ("evil。com", NO_ADDRESS),
        ("ev\u200bil.c\u200bom", NO_ADDRESS),
        ("пример.рф", NO_ADDRESS),
        ("Bit.Ly", NO_ADDRESS),
        ("t.me/x", NO_ADDRESS),
        ("foo.abbott/x", NO_ADDRESS),
        ("xn--a.xn--p1ai", NO_ADDRESS),
        ("192.168.0.1", NO_ADDRESS),
        ("mailto:kim", NO_ADDRESS),
        ("Kim (evil.com), Jr.", NO_ADDRESS),
        ("Call 555 0100 now", NO_ADDRESS),
        ("Kim\nBuy this", ONE_LINE),
        ("Kim\x00", ONE_LINE),
        ("Kim\x1b[2J", ONE_LINE),
        ("Kim \u202etxet", ONE_LINE),
        ("Kim\u2028next", ONE_LINE),
        ("\u0301Kim", ONE_LINE),
        ("K" + "\u0335" * 5, ONE_LINE),
        ("...", ONE_LINE),
        ("Kim\ue000", ONE_LINE),
        ("Kim\U000e0041", ONE_LINE),
        ("K" * 61, TOO_LONG),
        (FAMILY * 40, TOO_LONG),
    ],
)
def test_what_is_no_name_is_refused_in_a_sentence(typed: str, said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        clean_name(typed)
    assert refusal.value.messages == [str(said)]


def test_length_is_what_people_see() -> None:
    assert count_seen(FAMILY) == count_seen("é̱") == count_seen("🇪🇸") == count_seen("👋🏽") == 1
    assert count_seen("نورا") == 4
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
def test_quoted_in_a_mail_no_words_become_a_link(typed: str) -> None:
    assert has_link(typed)
    quoted = break_links(f"Prize: {typed}, now")
    assert not has_link(quoted)
    assert break_links(quoted) == quoted
    assert break_links("J. R. R. O’Neil, Jr.: a/b") == "J. R. R. O’Neil, Jr.: a/b"


@pytest.mark.parametrize("said", ["Until 6:50 p.m. it is closed.", "It refills at 7 a.m., Los Angeles time."])
def test_a_time_of_day_is_no_link(said: str) -> None:
    assert break_links(said) == said
