"""Help lines by country, from `data/helplines.toml`."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.utils.translation import gettext_noop

from kit.authored import InvalidFile
from safeguarding.datafile import read_file

if TYPE_CHECKING:
    from safeguarding.schemas import HelpLineTable, TextTable

FILE = "helplines.toml"
# Hours and languages in the file, repeated for the translation catalog, which is made from code and templates.
HOURS_AND_LANGUAGES = (
    gettext_noop("all day, every day"),
    gettext_noop("for young people, all day, every day"),
    gettext_noop("for LGBTQ young people, all day, every day"),
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
    gettext_noop("The Advocate, 2019-04-30, and a stored page of theodysseyonline.com"),
)
ELSEWHERE = "elsewhere"
CRISIS, UNSAFE_HOME, IDENTITY = "crisis", "unsafe_home", "identity"


@dataclass(frozen=True)
class HelpLineContact:
    """One way to reach a help line: a link, and how to show it.

    `keyword` is the text to send, or "" if any text is fine.
    """

    href: str
    display: str
    keyword: str = ""


@dataclass(frozen=True)
class HelpLine:
    """One help line. `languages` is how the card names the languages spoken there.

    `helps` names the needs it serves: CRISIS, UNSAFE_HOME, IDENTITY.
    """

    name: str
    hours: str
    languages: str
    call: HelpLineContact | None
    text: HelpLineContact | None
    chat: HelpLineContact | None
    source: str
    last_checked: date
    helps: frozenset[str]


@dataclass(frozen=True)
class CountryHelp:
    """A country's help lines and its emergency number. `code` is its ISO 3166 code, or "elsewhere"."""

    code: str
    emergency: str
    lines: tuple[HelpLine, ...]

    @property
    def identity_line(self) -> HelpLine:
        """The line for someone who is coming out: one for that, else one that is for children, else the first."""
        return max(self.lines, key=lambda line: (IDENTITY in line.helps, UNSAFE_HOME in line.helps))

    def for_need(self, need: str) -> "CountryHelp":
        """Return a copy with only the help lines for this need. There is at least one."""
        return replace(self, lines=tuple(line for line in self.lines if need in line.helps))


@cache
def list_countries() -> tuple[CountryHelp, ...]:
    """Return every country, in the order of the file. Raises kit.authored.InvalidFile with every error in it."""
    from safeguarding.schemas import HelpLinesFile  # noqa: PLC0415 - it imports pydantic

    countries = read_file(FILE, HelpLinesFile).root
    return tuple(
        CountryHelp(code, country.emergency, tuple(map(_build_line, country.lines)))
        for code, country in countries.items()
    )


# Shown if the file cannot be used: then the tutor is closed (safeguarding.readiness), and help is not.
WITHOUT_FILE = CountryHelp(
    ELSEWHERE,
    "112",
    (
        HelpLine(
            name="Find a Helpline",
            hours="a directory of help lines by country",
            languages="many languages",
            call=None,
            text=None,
            chat=HelpLineContact("https://findahelpline.com/", "findahelpline.com"),
            source="the safety brief of 2026-11-22",
            last_checked=date(2026, 11, 22),
            helps=frozenset({CRISIS, UNSAFE_HOME}),
        ),
    ),
)


def list_usable_countries() -> tuple[CountryHelp, ...]:
    """Return every country, or a directory of help lines if the file cannot be used."""
    try:
        return list_countries()
    except InvalidFile:
        return (WITHOUT_FILE,)


def get_country_help(code: str) -> CountryHelp:
    """Return the help of the country with this code, or else that for all other countries."""
    by_code = {country.code: country for country in list_usable_countries()}
    return by_code.get(code.upper(), by_code[ELSEWHERE])


def _build_line(line: "HelpLineTable") -> HelpLine:
    call, text, chat = line.call, line.text, line.chat
    return HelpLine(
        name=line.name,
        hours=line.hours,
        languages=line.languages,
        call=HelpLineContact(f"tel:{call.dial}", call.display) if call else None,
        text=HelpLineContact(_build_sms_link(text), text.display, text.keyword) if text else None,
        chat=HelpLineContact(chat, chat.removeprefix("https://").split("/")[0]) if chat else None,
        source=line.source,
        last_checked=line.last_checked,
        helps=frozenset(line.helps),
    )


def _build_sms_link(text: "TextTable") -> str:
    return f"sms:{text.to}" + (f"?&body={quote(text.keyword)}" if text.keyword else "")
