"""The help card for a verdict. Fixed words from a data file; no database, network or model is asked."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language

from guard import Category, Level, Verdict
from safeguarding.datafile import FOLDER, DataBroken, entry, read
from safeguarding.helplines import Country, country_for
from safeguarding.review import review_recorded

DEFAULT_LANGUAGE = "en"
KINDS = ("stated", "eating", "someone_else", "acute", "acute_someone_else")


@dataclass(frozen=True)
class Words:
    """The words of one kind of card, in one language."""

    heading: str
    paragraphs: tuple[str, ...]
    next: str
    truth: str
    pause: str
    leave: str
    reviewed: bool


@dataclass(frozen=True)
class Card:
    """What a teen is shown instead of an answer. `reviewed` says whether a clinician has read these words."""

    level: Level
    heading: str
    paragraphs: tuple[str, ...]
    next: str
    truth: str
    pause: str
    leave: str
    country: Country
    reviewed: bool


def card_for(verdict: Verdict, *, country: str) -> Card:
    """The card for a verdict of crisis, with the lines of `country` (ISO 3166), in the language of the page."""
    words = all_words(_language())[_kind(verdict)]
    lines = country_for(country)
    return Card(
        level=verdict.level,
        heading=words.heading,
        paragraphs=tuple(paragraph.replace("{emergency}", lines.emergency) for paragraph in words.paragraphs),
        next=words.next,
        truth=words.truth,
        pause=words.pause,
        leave=words.leave,
        country=lines,
        reviewed=words.reviewed or review_recorded(settings.CRISIS_TEXTS_REVIEW),
    )


def _kind(verdict: Verdict) -> str:
    """The card whose words fit. Danger comes before what it is about; no rule reaches level S yet."""
    about = verdict.categories
    if verdict.level == Level.ACUTE:
        return "acute_someone_else" if Category.ABOUT_SOMEONE_ELSE in about else "acute"
    if Category.ABOUT_SOMEONE_ELSE in about:
        return "someone_else"
    return "eating" if about == {Category.EATING_DISORDER} else "stated"


def languages() -> list[str]:
    """The languages that have a file of cards."""
    return sorted(file.suffixes[0].removeprefix(".") for file in FOLDER.glob("cards.*.toml"))


@cache
def all_words(language: str) -> dict[str, Words]:
    """Every kind of card in one language. Raises DataBroken, naming the file and the entry, when one is not whole."""
    file = f"cards.{language}.toml"
    data = read(file)
    return {kind: _words(data, kind, file) for kind in KINDS}


def _language() -> str:
    language = (get_language() or DEFAULT_LANGUAGE).split("-")[0]
    return language if language in languages() else DEFAULT_LANGUAGE


def _words(data: dict[str, Any], kind: str, file: str) -> Words:
    at, every_at = f"{file}, {kind}", f"{file}, every"
    text, every = entry(data, kind, dict, at=file), entry(data, "every", dict, at=file)
    paragraphs = entry(text, "paragraphs", list, at=at)
    if not all(isinstance(paragraph, str) for paragraph in paragraphs):
        raise DataBroken(f"{at}: every paragraph must be text.")
    return Words(
        heading=entry(text, "heading", str, at=at),
        paragraphs=tuple(paragraphs),
        next=entry(text, "next", str, at=at),
        truth=entry(every, "truth", str, at=every_at),
        pause=entry(every, "pause", str, at=every_at),
        leave=entry(every, "leave", str, at=every_at),
        reviewed=data.get("reviewed") is True,
    )
