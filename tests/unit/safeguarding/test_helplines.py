from pathlib import Path

import pytest
from django.test import Client

from kit.authored import InvalidFile
from safeguarding import datafile, helplines
from safeguarding.helplines import HOURS_AND_LANGUAGES, SOURCES, get_country_help, list_countries
from tests.markup import squeezed


def test_every_help_line_has_a_contact_and_a_check_date() -> None:
    for country in list_countries():
        assert country.emergency.isdecimal()
        for line in country.lines:
            contacts = [contact for contact in (line.call, line.text, line.chat) if contact]
            assert contacts
            assert all(contact.href.startswith(("tel:", "sms:", "https://")) for contact in contacts)
            assert line.hours
            assert line.languages
            assert line.source
            assert line.last_checked.year >= 2026


def test_dialed_numbers_match_the_shown_ones() -> None:
    for country in list_countries():
        for line in country.lines:
            if line.call:
                shown = "".join(filter(str.isdecimal, line.call.display))
                assert line.call.href == f"tel:{shown}"


def test_the_required_countries_are_included() -> None:
    assert [country.code for country in list_countries()] == ["US", "GB", "IE", "CA", "ES", "elsewhere"]


@pytest.mark.parametrize("code", ["ZZ", "", "u", "elsewhere"])
def test_a_country_without_help_lines_gets_the_general_ones(code: str) -> None:
    assert get_country_help(code).code == "elsewhere"


def test_country_codes_are_case_insensitive() -> None:
    assert get_country_help("us").emergency == "911"


LINE = "[US]\nemergency = '1'\n[[US.lines]]\nname='x'\n"
WHOLE = f"{LINE}hours='y'\nlanguages='z'\nsource='s'\nlast_checked=2026-11-22\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[US]\nlines = 3", "helplines.toml, line 2: “lines” in “US” is not a list"),
        ("[[US.lines]]\nchat='https://x'", "line 1: “emergency” in “US” is missing"),
        (
            f"{LINE}hours='y'\nlanguages='z'\nchat='https://x'",
            "helplines.toml, line 3: “source” in “US.lines” is m",
        ),
        (
            f"{LINE}hours='y'\nlanguages='z'\ncall={{display='1'}}",
            "line 7: “dial” in “US.lines.call” is missing",
        ),
        (WHOLE, "line 3: “x” cannot be reached. Give “call”, “text” or “chat”"),
        (
            f"{WHOLE}chat='https://x'\nhelps=['crisis', 'unsafe_home']",
            "helplines.toml, line 1: “elsewhere” is missing",
        ),
        ("not toml", "helplines.toml, line 1: This is not TOML"),
        (
            f"{WHOLE}chat='https://x'".replace("US", "elsewhere"),
            "line 1: No help line of this country helps with “unsafe_home”",
        ),
    ],
)
def test_an_error_names_the_file_the_line_and_the_entry(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helplines.toml").write_text(text)
    monkeypatch.setattr(datafile, "FOLDER", tmp_path)
    helplines.list_countries.cache_clear()
    with pytest.raises(InvalidFile, match=message):
        list_countries()
    helplines.list_countries.cache_clear()


def test_hours_languages_and_sources_are_translatable() -> None:
    shown = {
        words
        for country in list_countries()
        for line in country.lines
        for words in (line.hours, line.languages)
    }
    assert shown == set(HOURS_AND_LANGUAGES)
    assert {line.source for country in list_countries() for line in country.lines} == set(SOURCES)


def test_a_spanish_card_shows_hours_in_spanish(client: Client) -> None:
    page = client.get("/help/now", headers={"accept-language": "es"}).content.decode()
    assert "todo el día, todos los días" in page
    assert "all day" not in page
    assert "comprobado por última vez el 22 de noviembre de 2026, con el informe de seguridad" in page
    assert not [source for source in SOURCES if source in page and source != "RTVE, 2022-05-09"]


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "Text HOME to 741741"), ("es", "SMS con HOME al 741741")]
)
def test_a_texting_keyword_is_shown_in_a_full_sentence(language: str, sentence: str, client: Client) -> None:
    page = squeezed(client.get("/help/now", headers={"Accept-Language": language}).content.decode())
    assert f'<a class="button" href="sms:741741?&amp;body=HOME">{sentence}</a>' in page
