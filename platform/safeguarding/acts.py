"""The words for what is neither an answer nor a help card. Fixed, from a data file, like those of the cards."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings

from guard import Category
from safeguarding.cards import is_about_eating, is_about_safety
from safeguarding.datafile import entry, page_language, paragraphs, read
from safeguarding.helplines import country_for
from safeguarding.review import review_recorded

FAMILY = "acts"
# Of several categories the first here chooses the words.
REFUSED = (
    Category.METHOD, Category.SEXUAL, Category.VIOLENCE, Category.HATE, Category.DRUGS, Category.CRIME,
    Category.INJECTION,
)  # fmt: skip
REDIRECTED = (Category.MEDICAL, Category.LEGAL, Category.COMPANION)
CUT = (
    Category.METHOD, Category.ENCOURAGEMENT, Category.SEXUAL, Category.ISOLATION, Category.SECRETS, Category.ROMANCE,
    Category.CLAIMS_HUMAN, Category.HATE, Category.FLATTERY,
)  # fmt: skip
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Text:
    """Words of any kind. `is_clinical` says that a clinician should read them, and that the file names none who has."""

    is_clinical: bool

    @property
    def unreviewed(self) -> bool:
        """Whether the page has to say that nobody has reviewed them."""
        return self.is_clinical and not review_recorded(settings.CRISIS_TEXTS_REVIEW)


@dataclass(frozen=True, kw_only=True)
class Said(Text):
    """What is said instead of an answer. `lesson` is the key of a passage that fits, or ""."""

    heading: str
    paragraphs: tuple[str, ...]
    offers: tuple[str, ...] = ()
    lesson: str = ""


@dataclass(frozen=True, kw_only=True)
class Question(Text):
    """What a pause asks, and the three answers to it."""

    heading: str
    paragraphs: tuple[str, ...]
    question: str
    yes: str
    no: str
    unsaid: str
    waits: str
    answered: str


@dataclass(frozen=True, kw_only=True)
class Support(Text):
    """The line above an answer and the one below it."""

    line: str
    who: str


@dataclass(frozen=True)
class Texts:
    """All the words of one language."""

    questions: dict[str, Question]
    support: dict[str, Support]
    redirected: dict[str, Said]
    refused: dict[str, Said]
    cut: dict[str, Said]


def refusal_for(categories: Iterable[Category]) -> Said:
    return _for_country(_texts().refused[_first(REFUSED, categories)])


def redirect_for(categories: Iterable[Category]) -> Said:
    return _for_country(_texts().redirected[_first(REDIRECTED, categories)])


def cut_for(category: str) -> Said:
    """The words for an answer that was cut because of `category`, or those for any other reason."""
    cut = _texts().cut
    return cut.get(category, cut[OTHER])


def question_for(categories: Iterable[Category]) -> Question:
    about, questions = set(categories), _texts().questions
    if is_about_safety(about):
        return questions["unsafe"]
    if Category.ABOUT_SOMEONE_ELSE in about:
        return questions["someone_else"]
    return questions["eating" if is_about_eating(about) else "hopeless"]


def support_for(categories: Iterable[Category]) -> Support:
    about, support = set(categories), _texts().support
    if Category.ABOUT_SOMEONE_ELSE in about:
        return support["someone_else"]
    return support["bullied" if Category.BULLYING in about else "burdened"]


def cut_category(categories: Iterable[Category]) -> str:
    """The category whose words an answer that was cut is given, or "other"."""
    return _first(CUT, categories, default=OTHER)


def _first(order: tuple[Category, ...], categories: Iterable[Category], default: str = "") -> str:
    found = set(categories)
    return str(next((category for category in order if category in found), default or order[-1]))


def _texts() -> Texts:
    return all_texts(page_language(FAMILY))


def _for_country(said: Said) -> Said:
    emergency = country_for(settings.HELP_COUNTRY).emergency
    told = tuple(paragraph.replace("{emergency}", emergency) for paragraph in said.paragraphs)
    return replace(said, paragraphs=told)


@cache
def all_texts(language: str) -> Texts:
    """The texts of one language. Raises DataBroken, naming the file and the entry, when one is not whole."""
    file = f"{FAMILY}.{language}.toml"
    data = read(file)
    whole = _Table(data, file, needs_review=data.get("reviewed") is not True)
    pause, support = whole.table("pause"), whole.table("support")
    redirect, refuse, cut = (whole.table(act) for act in ("redirect", "refuse", "cut"))
    every = pause.table("every")
    return Texts(
        questions={
            kind: _question(pause.table(kind), every)
            for kind in ("hopeless", "eating", "unsafe", "someone_else")
        },
        support={kind: _support(support.table(kind)) for kind in ("burdened", "bullied", "someone_else")},
        redirected={kind: _said(redirect.table(kind)) for kind in REDIRECTED},
        refused={kind: _said(refuse.table(kind)) for kind in REFUSED},
        cut={kind: _said(cut.table(kind), offers=False) for kind in (*CUT, OTHER)},
    )


@dataclass(frozen=True)
class _Table:
    """One table of a file, and where it stands there, for whoever has to mend it."""

    data: dict[str, Any]
    at: str
    needs_review: bool

    def table(self, key: str) -> "_Table":
        return _Table(entry(self.data, key, dict, at=self.at), f"{self.at}, {key}", self.needs_review)

    def text(self, key: str) -> str:
        return entry(self.data, key, str, at=self.at)

    def texts(self, key: str) -> tuple[str, ...]:
        return paragraphs(self.data, key, at=self.at)

    @property
    def is_clinical(self) -> bool:
        return self.needs_review and self.data.get("clinical") is True


def _said(table: _Table, *, offers: bool = True) -> Said:
    return Said(
        heading=table.text("heading"),
        paragraphs=table.texts("paragraphs"),
        offers=table.texts("offers") if offers else (),
        lesson=table.data.get("lesson", ""),
        is_clinical=table.is_clinical,
    )


def _question(table: _Table, every: _Table) -> Question:
    return Question(
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


def _support(table: _Table) -> Support:
    return Support(line=table.text("line"), who=table.text("who"), is_clinical=table.is_clinical)
