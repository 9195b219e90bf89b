"""The crisis card for a verdict, from a data file. Needs no database, network or model."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from guard import Category, Level, Verdict
from safeguarding import datafile
from safeguarding.datafile import choose_page_language, read_file
from safeguarding.helplines import CRISIS, UNSAFE_HOME, CountryHelp, get_country_help
from safeguarding.review import is_review_recorded

if TYPE_CHECKING:
    from safeguarding.schemas import ReviewCardTable

FILE_PREFIX = "cards"
# Any of these takes precedence over eating.
SELF_HARM_CATEGORIES = {Category.SUICIDE, Category.SELF_HARM, Category.HOPELESSNESS}
SAFETY_CATEGORIES = {Category.UNSAFE_HOME, Category.EXPLOITATION}
CARD_KINDS = (
    "hints", "stated", "eating", "someone_else", "acute", "acute_someone_else",
    "unsafe_home", "unsafe_home_someone_else", "exploitation",
)  # fmt: skip


@dataclass(frozen=True)
class CardText:
    """The text of one kind of card in one language."""

    heading: str
    paragraphs: tuple[str, ...]
    next_step: str
    disclosure: str
    pause: str
    quick_exit: str
    reviewed: bool


@dataclass(frozen=True, kw_only=True)
class CardReview:
    """What is known about the people who may read the message of a card (safeguarding.card_review).

    `next_on_call` is the time at which someone is next on call, as the teen reads it, or "". At S (`is_for_lead`) only
    the responsible person and the deputies may read it; then this is about them. `has_readers` is False if no one who
    may read it has an account.
    """

    organization: str
    is_for_lead: bool = False
    has_readers: bool = True
    is_closed: bool
    is_someone_on_call: bool
    next_on_call: str
    may_tell_parent: bool


@dataclass(frozen=True, kw_only=True)
class ShownReview:
    """What a card says about the people who may read its message. `link` leads to the teen's own page."""

    paragraphs: tuple[str, ...]
    link: str


@dataclass(frozen=True)
class CrisisCard:
    """What a teen is shown instead of an answer. `reviewed` tells whether a clinician has read the text.

    `review` is None if no one reads the message.
    """

    level: Level
    heading: str
    paragraphs: tuple[str, ...]
    next_step: str
    disclosure: str
    pause: str
    quick_exit: str
    country: CountryHelp
    reviewed: bool
    review: ShownReview | None = None


def build_card(
    verdict: Verdict, *, country: str, review: CardReview | None = None, says_who_reads: bool = True
) -> CrisisCard:
    """Build the card for a verdict of at least HINTS in the page's language, with help lines of `country` (ISO 3166).

    For an unsafe home, and for a hint of one, the help lines are those that protect children. `review` is given if
    people may read the message. Without `says_who_reads` the card says nothing about that: it is not known, or not for
    this reader.
    """
    language = choose_page_language(FILE_PREFIX)
    words = load_card_texts(language)[_choose_card_kind(verdict)]
    is_safety_hint = verdict.level == Level.HINTS and is_about_safety(verdict.categories)
    need = UNSAFE_HOME if verdict.level == Level.UNSAFE_HOME or is_safety_hint else CRISIS
    lines = get_country_help(country).for_need(need)
    return CrisisCard(
        level=verdict.level,
        heading=words.heading,
        paragraphs=tuple(paragraph.replace("{emergency}", lines.emergency) for paragraph in words.paragraphs),
        next_step=words.next_step,
        disclosure=_build_disclosure(words, language, review, says_who_reads=says_who_reads),
        pause=words.pause,
        quick_exit=words.quick_exit,
        country=lines,
        reviewed=words.reviewed or is_review_recorded(settings.CRISIS_TEXTS_REVIEW),
        review=_build_review(language, review, lines.emergency) if review and says_who_reads else None,
    )


def _build_disclosure(
    words: CardText, language: str, review: CardReview | None, *, says_who_reads: bool
) -> str:
    if not says_who_reads:
        return load_review_texts(language).program
    if review is None:
        return words.disclosure
    texts = load_review_texts(language)
    disclosure = texts.lead_disclosure if review.is_for_lead else texts.disclosure
    return disclosure.replace("{organization}", review.organization)


def _build_review(language: str, review: CardReview, emergency: str) -> ShownReview:
    texts = load_review_texts(language)
    if review.is_closed:
        return ShownReview(
            paragraphs=(texts.closed.replace("{organization}", review.organization),), link=texts.link
        )
    now = _choose_on_call_text(texts, review)
    filled = {"when": review.next_on_call, "emergency": emergency, "organization": review.organization}
    for name, value in filled.items():
        now = now.replace(f"{{{name}}}", value)
    told = texts.parent if review.may_tell_parent else texts.no_parent
    return ShownReview(paragraphs=(now, told), link=texts.link)


def _choose_on_call_text(texts: "ReviewCardTable", review: CardReview) -> str:
    if not review.has_readers:
        return texts.no_reader
    if review.is_someone_on_call:
        return texts.lead_on_call if review.is_for_lead else texts.on_call
    if review.next_on_call:
        return texts.lead_next if review.is_for_lead else texts.next
    return texts.lead_none_planned if review.is_for_lead else texts.none_planned


def _choose_card_kind(verdict: Verdict) -> str:
    """Choose the card by the level first, then by what it is about."""
    categories = verdict.categories
    is_for_another = Category.ABOUT_SOMEONE_ELSE in categories
    if verdict.level == Level.ACUTE:
        return "acute_someone_else" if is_for_another else "acute"
    if verdict.level == Level.UNSAFE_HOME:
        if is_for_another:
            return "unsafe_home_someone_else"
        is_at_home = Category.UNSAFE_HOME in categories
        return "exploitation" if Category.EXPLOITATION in categories and not is_at_home else "unsafe_home"
    if verdict.level == Level.HINTS:
        return "hints"
    if is_for_another:
        return "someone_else"
    return "eating" if is_about_eating(categories) else "stated"


def is_about_eating(categories: Collection[Category]) -> bool:
    """Return whether eating is the only concern."""
    return Category.EATING_DISORDER in categories and not SELF_HARM_CATEGORIES & set(categories)


def is_about_safety(categories: Collection[Category]) -> bool:
    """Return whether the concern is what others do to the person."""
    distinct = set(categories)
    return bool(distinct & SAFETY_CATEGORIES) and not SELF_HARM_CATEGORIES & distinct


def list_card_languages() -> list[str]:
    """List the languages that have a file of cards."""
    return datafile.list_languages(FILE_PREFIX)


@cache
def load_review_texts(language: str) -> "ReviewCardTable":
    """Load what cards say where people review crises. Raises InvalidFile like `load_card_texts`."""
    from safeguarding.schemas import CardsFile  # noqa: PLC0415 - it imports pydantic

    return read_file(f"{FILE_PREFIX}.{language}.toml", CardsFile).review


@cache
def load_card_texts(language: str) -> dict[str, CardText]:
    """Load every kind of card in one language. Raises kit.authored.InvalidFile with every error in its file."""
    from safeguarding.schemas import CardsFile  # noqa: PLC0415 - it imports pydantic

    file = read_file(f"{FILE_PREFIX}.{language}.toml", CardsFile)
    every = file.every
    return {
        kind: CardText(
            heading=card.heading,
            paragraphs=card.paragraphs,
            next_step=card.next_step,
            disclosure=every.disclosure,
            pause=card.pause or every.pause,
            quick_exit=every.quick_exit,
            reviewed=file.reviewed,
        )
        for kind in CARD_KINDS
        for card in [getattr(file, kind)]
    }
