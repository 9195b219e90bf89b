"""Help lines by country, from `data/helplines.toml`."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_noop

from safeguarding.datafile import TextFileError, get_entry, read_file

FILE = "helplines.toml"
# Hours and languages in the file, repeated for the translation catalog, which is made from code and templates.
HOURS_AND_LANGUAGES = (
    gettext_noop("all day, every day"),
    gettext_noop("for young people, all day, every day"),
    gettext_noop("for everyone under 19"),
    gettext_noop("for everyone under 18, all day, every day"),
    gettext_noop("for children and teens, all day, every day"),
    gettext_noop("a directory of help lines for children"),
    gettext_noop("a directory of help lines by country"),
    gettext_noop("English"),
    gettext_noop("Spanish"),
    gettext_noop("English, Spanish"),
    gettext_noop("English, French"),
    gettext_noop("English, and many others with an interpreter"),
    gettext_noop("many languages"),
)
# The sources of the facts, likewise.
SOURCES = (
    gettext_noop("the safety brief of 2026-11-22"),
    gettext_noop("stored copies of childhelphotline.org and thehopeline.com"),
    gettext_noop("a column by Childline in the Sunderland Echo, 2022-08-28"),
    gettext_noop("news reports on Childline by ISPCC, 2019 and 2020"),
    gettext_noop("the Government of Canada’s announcement of 2023-11-17"),
    gettext_noop("a stored copy of kidshelpphone.ca, and CBC, 2018-11-07"),
    gettext_noop("stored copies of thehopeline.com and mochildcareaware.org"),
    gettext_noop("RTVE, 2022-05-09"),
    gettext_noop("stored copies of anar.org, 2018, and asociacionhontanar.org, 2020"),
    gettext_noop("its reports on the years 2018 to 2023"),
)
ELSEWHERE = "elsewhere"
CRISIS, UNSAFE_HOME = "crisis", "unsafe_home"


@dataclass(frozen=True)
class Contact:
    """One way to reach a help line: a link, and how to show it.

    `word` is the text to send, or "" if any text is fine.
    """

    href: str
    shown: str
    word: str = ""


@dataclass(frozen=True)
class HelpLine:
    """One help line. `languages` is how the card names the languages spoken there.

    `helps` names the needs it serves: CRISIS, UNSAFE_HOME or both.
    """

    name: str
    hours: str
    languages: str
    call: Contact | None
    text: Contact | None
    chat: Contact | None
    source: str
    last_checked: date
    helps: frozenset[str]


@dataclass(frozen=True)
class CountryHelp:
    """A country's help lines and its emergency number. `code` is its ISO 3166 code, or "elsewhere"."""

    code: str
    emergency: str
    lines: tuple[HelpLine, ...]

    def for_need(self, need: str) -> "CountryHelp":
        """Return a copy with only the help lines for this need. There is at least one."""
        return replace(self, lines=tuple(line for line in self.lines if need in line.helps))


@cache
def list_countries() -> tuple[CountryHelp, ...]:
    """Return every country in file order. Raises TextFileError if an entry is incomplete."""
    found = tuple(_read_country(code, data) for code, data in read_file(FILE).items())
    if not any(country.code == ELSEWHERE for country in found):
        raise TextFileError(f"{FILE}: “{ELSEWHERE}” must be given, for all other countries.")
    for country in found:
        for need in (CRISIS, UNSAFE_HOME):
            if not country.for_need(need).lines:
                raise TextFileError(f"{FILE}, {country.code}: one line at least must help with “{need}”.")
    return found


def get_country_help(code: str) -> CountryHelp:
    """Return the help lines for a country code, or those for everywhere else."""
    by_code = {country.code: country for country in list_countries()}
    return by_code.get(code.upper(), by_code[ELSEWHERE])


def _read_country(code: str, data: dict[str, Any]) -> CountryHelp:
    at = f"{FILE}, {code}"
    lines = get_entry(data, "lines", list, at=at)
    return CountryHelp(
        code=code,
        emergency=get_entry(data, "emergency", str, at=at),
        lines=tuple(_read_line(line, f"{at}, line {number}") for number, line in enumerate(lines, 1)),
    )


def _read_line(data: dict[str, Any], at: str) -> HelpLine:
    call, text, chat = data.get("call"), data.get("text"), data.get("chat")
    if not (call or text or chat):
        raise TextFileError(f"{at}: it must have “call”, “text” or “chat”.")
    return HelpLine(
        name=get_entry(data, "name", str, at=at),
        hours=get_entry(data, "hours", str, at=at),
        languages=get_entry(data, "languages", str, at=at),
        call=Contact(f"tel:{get_entry(call, 'dial', str, at=at)}", get_entry(call, "shown", str, at=at))
        if call
        else None,
        text=Contact(_build_sms_link(text, at), get_entry(text, "shown", str, at=at), text.get("body", ""))
        if text
        else None,
        chat=Contact(chat, chat.removeprefix("https://").split("/")[0]) if chat else None,
        source=get_entry(data, "source", str, at=at),
        last_checked=get_entry(data, "last_checked", date, at=at),
        helps=frozenset(data.get("helps", [CRISIS])),
    )


def _build_sms_link(data: dict[str, Any], at: str) -> str:
    body = data.get("body")
    return f"sms:{get_entry(data, 'to', str, at=at)}" + (f"?&body={quote(body)}" if body else "")
