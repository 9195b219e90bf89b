"""Fixed texts for refusals, redirects, cut answers, check-ins and support, from data files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings

from guard import Category
from safeguarding.cards import is_about_eating, is_about_safety
from safeguarding.datafile import choose_page_language, get_entry, paragraphs, read_file
from safeguarding.helplines import get_country_help
from safeguarding.review import is_review_recorded

FAMILY = "acts"
# If there are several categories, the first in this order chooses the text.
REFUSAL_CATEGORIES = (
    Category.METHOD, Category.SEXUAL, Category.VIOLENCE, Category.HATE, Category.DRUGS, Category.CRIME,
    Category.INJECTION,
)  # fmt: skip
REDIRECT_CATEGORIES = (Category.MEDICAL, Category.LEGAL, Category.COMPANION)
CUT_CATEGORIES = (
    Category.METHOD, Category.ENCOURAGEMENT, Category.SEXUAL, Category.ISOLATION, Category.SECRETS, Category.ROMANCE,
    Category.CLAIMS_HUMAN, Category.HATE, Category.FLATTERY,
)  # fmt: skip
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class ReviewedText:
    """A text. `is_clinical` means that a clinician should review it and the file does not say that one did."""

    is_clinical: bool

    @property
    def unreviewed(self) -> bool:
        """Whether the page has to say that the text was not reviewed."""
        return self.is_clinical and not is_review_recorded(settings.CRISIS_TEXTS_REVIEW)


@dataclass(frozen=True, kw_only=True)
class FixedReply(ReviewedText):
    """A reply instead of an answer. `lesson` is the key of a passage that fits, or ""."""

    heading: str
    paragraphs: tuple[str, ...]
    offers: tuple[str, ...] = ()
    lesson: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckIn(ReviewedText):
    """The question of a pause, and its three answers."""

    heading: str
    paragraphs: tuple[str, ...]
    question: str
    yes: str
    no: str
    unsaid: str
    waits: str
    answered: str


@dataclass(frozen=True, kw_only=True)
class SupportLines(ReviewedText):
    """The line above an answer and the line below it."""

    line: str
    who: str


@dataclass(frozen=True)
class ResponseTexts:
    """All texts of one language."""

    questions: dict[str, CheckIn]
    support: dict[str, SupportLines]
    redirected: dict[str, FixedReply]
    refused: dict[str, FixedReply]
    cut: dict[str, FixedReply]


def get_refusal(categories: Iterable[Category]) -> FixedReply:
    return _fill_in_country(_load_page_texts().refused[_choose_first(REFUSAL_CATEGORIES, categories)])


def get_redirect(categories: Iterable[Category]) -> FixedReply:
    return _fill_in_country(_load_page_texts().redirected[_choose_first(REDIRECT_CATEGORIES, categories)])


def get_cut_notice(category: str) -> FixedReply:
    """Return the text for an answer that was cut because of `category`, or the general text."""
    cut = _load_page_texts().cut
    return cut.get(category, cut[OTHER])


def get_check_in(categories: Iterable[Category]) -> CheckIn:
    about, questions = set(categories), _load_page_texts().questions
    if is_about_safety(about):
        return questions["unsafe"]
    if Category.ABOUT_SOMEONE_ELSE in about:
        return questions["someone_else"]
    return questions["eating" if is_about_eating(about) else "hopeless"]


def get_support_lines(categories: Iterable[Category]) -> SupportLines:
    about, support = set(categories), _load_page_texts().support
    if Category.ABOUT_SOMEONE_ELSE in about:
        return support["someone_else"]
    return support["bullied" if Category.BULLYING in about else "burdened"]


def choose_cut_category(categories: Iterable[Category]) -> str:
    """Return the category that chooses the text of a cut answer, or "other"."""
    return _choose_first(CUT_CATEGORIES, categories, default=OTHER)


def _choose_first(order: tuple[Category, ...], categories: Iterable[Category], default: str = "") -> str:
    found = set(categories)
    return str(next((category for category in order if category in found), default or order[-1]))


def _load_page_texts() -> ResponseTexts:
    return load_texts(choose_page_language(FAMILY))


def _fill_in_country(reply: FixedReply) -> FixedReply:
    emergency = get_country_help(settings.HELP_COUNTRY).emergency
    filled = tuple(paragraph.replace("{emergency}", emergency) for paragraph in reply.paragraphs)
    return replace(reply, paragraphs=filled)


@cache
def load_texts(language: str) -> ResponseTexts:
    """Load the texts of one language. Raises TextFileError, naming the file and entry."""
    file = f"{FAMILY}.{language}.toml"
    data = read_file(file)
    whole = _Table(data, file, needs_review=data.get("reviewed") is not True)
    pause, support = whole.table("pause"), whole.table("support")
    redirect, refuse, cut = (whole.table(act) for act in ("redirect", "refuse", "cut"))
    every = pause.table("every")
    return ResponseTexts(
        questions={
            kind: _read_check_in(pause.table(kind), every)
            for kind in ("hopeless", "eating", "unsafe", "someone_else")
        },
        support={
            kind: _read_support(support.table(kind)) for kind in ("burdened", "bullied", "someone_else")
        },
        redirected={kind: _read_reply(redirect.table(kind)) for kind in REDIRECT_CATEGORIES},
        refused={kind: _read_reply(refuse.table(kind)) for kind in REFUSAL_CATEGORIES},
        cut={kind: _read_reply(cut.table(kind), offers=False) for kind in (*CUT_CATEGORIES, OTHER)},
    )


@dataclass(frozen=True)
class _Table:
    """One table of a file, and its place in the file for error messages."""

    data: dict[str, Any]
    at: str
    needs_review: bool

    def table(self, key: str) -> "_Table":
        return _Table(get_entry(self.data, key, dict, at=self.at), f"{self.at}, {key}", self.needs_review)

    def text(self, key: str) -> str:
        return get_entry(self.data, key, str, at=self.at)

    def texts(self, key: str) -> tuple[str, ...]:
        return paragraphs(self.data, key, at=self.at)

    @property
    def is_clinical(self) -> bool:
        return self.needs_review and self.data.get("clinical") is True


def _read_reply(table: _Table, *, offers: bool = True) -> FixedReply:
    return FixedReply(
        heading=table.text("heading"),
        paragraphs=table.texts("paragraphs"),
        offers=table.texts("offers") if offers else (),
        lesson=table.data.get("lesson", ""),
        is_clinical=table.is_clinical,
    )


def _read_check_in(table: _Table, every: _Table) -> CheckIn:
    return CheckIn(
        heading=table.text("heading"),
        paragraphs=table.texts("paragraphs"),
        question=table.text("question"),
        yes=every.text("yes"),
        no=every.text("no"),
        unsaid=every.text("unsaid"),
        waits=every.text("waits"),
        answered=every.text("answered"),
        is_clinical=every.is_clinical,
    )


def _read_support(table: _Table) -> SupportLines:
    return SupportLines(line=table.text("line"), who=table.text("who"), is_clinical=table.is_clinical)
