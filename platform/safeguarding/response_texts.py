"""Fixed texts for refusals, redirects, cut answers, check-ins and support, from data files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from guard import Category
from safeguarding.cards import is_about_eating, is_about_safety
from safeguarding.datafile import choose_page_language, read_file
from safeguarding.helplines import get_country_help
from safeguarding.review import is_review_recorded

if TYPE_CHECKING:
    from safeguarding.schemas import CheckInTable, CutTable, EveryCheckInTable, ReplyTable

FILE_PREFIX = "response_texts"
CHECK_IN_KINDS = ("hopeless", "eating", "unsafe", "someone_else")
SUPPORT_KINDS = ("burdened", "bullied", "someone_else", "identity")
# If a verdict has several categories, the first in these lists decides.
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
class FixedText(ReviewedText):
    """A reply instead of an answer. `lesson` is the key of a passage that fits, or ""."""

    heading: str
    paragraphs: tuple[str, ...]
    offers: tuple[str, ...] = ()
    lesson: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckIn(ReviewedText):
    """The question of a pause, and its three answers.

    `review` says what follows from a yes where people review crises, and is empty elsewhere.
    """

    heading: str
    paragraphs: tuple[str, ...]
    question: str
    yes: str
    no: str
    unsaid: str
    waits: str
    answered: str
    review: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckInReviewTexts:
    """What a check-in says where people review crises."""

    answer: str
    lead_answer: str
    parent: str
    no_parent: str
    waits: str


@dataclass(frozen=True, kw_only=True)
class SupportLines(ReviewedText):
    """The line above an answer and the line below it."""

    line: str
    who: str


@dataclass(frozen=True)
class ResponseTexts:
    """All texts of one language."""

    questions: dict[str, CheckIn]
    review: CheckInReviewTexts
    support: dict[str, SupportLines]
    redirected: dict[str, FixedText]
    refused: dict[str, FixedText]
    cut: dict[str, FixedText]


def get_refusal(categories: Iterable[Category]) -> FixedText:
    """Return the refusal for the first category, in the order of REFUSAL_CATEGORIES."""
    return _fill_in_country(_load_page_texts().refused[_choose_first(REFUSAL_CATEGORIES, categories)])


def get_redirect(categories: Iterable[Category]) -> FixedText:
    """Return the redirect for the first category, in the order of REDIRECT_CATEGORIES."""
    return _fill_in_country(_load_page_texts().redirected[_choose_first(REDIRECT_CATEGORIES, categories)])


def get_cut_notice(category: str) -> FixedText:
    """Return the text for an answer that was cut because of `category`, or the general text."""
    cut = _load_page_texts().cut
    return cut.get(category, cut[OTHER])


def get_check_in(
    categories: Iterable[Category], *, organization: str = "", may_tell_parent: bool = True
) -> CheckIn:
    """Return the check-in for a pause: about safety, someone else, eating, or hopelessness.

    `organization` is the one whose people may read the message after a yes; "" if no one may.
    """
    texts, kind = _load_page_texts(), _choose_check_in_kind(set(categories))
    check_in = texts.questions[kind]
    if not organization:
        return check_in
    # A yes about safety is level S.
    answer = texts.review.lead_answer if kind == "unsafe" else texts.review.answer
    answer = answer.replace("{organization}", organization)
    told = texts.review.parent if may_tell_parent and kind != "unsafe" else texts.review.no_parent
    return replace(check_in, review=(answer, told), waits=texts.review.waits)


def _choose_check_in_kind(categories: set[Category]) -> str:
    if is_about_safety(categories):
        return "unsafe"
    if Category.ABOUT_SOMEONE_ELSE in categories:
        return "someone_else"
    return "eating" if is_about_eating(categories) else "hopeless"


def get_support_lines(categories: Iterable[Category]) -> SupportLines:
    """Return the sentence that goes with an answer: about identity, someone else, bullying, or a burden."""
    distinct, support = set(categories), _load_page_texts().support
    if Category.BULLYING not in distinct and Category.IDENTITY in distinct:
        return _name_help_line(support["identity"])
    if Category.ABOUT_SOMEONE_ELSE in distinct:
        return support["someone_else"]
    return support["bullied" if Category.BULLYING in distinct else "burdened"]


def _name_help_line(lines: SupportLines) -> SupportLines:
    line = get_country_help(settings.HELP_COUNTRY).identity_line
    contact = line.call or line.text or line.chat
    named = f"{line.name} ({contact.display})" if contact else line.name
    return replace(lines, who=lines.who.replace("{help_line}", named))


def choose_cut_category(categories: Iterable[Category]) -> str:
    """Return the category that chooses the text of a cut answer, or "other"."""
    return _choose_first(CUT_CATEGORIES, categories, default=OTHER)


def _choose_first(order: tuple[Category, ...], categories: Iterable[Category], default: str = "") -> str:
    present = set(categories)
    return str(next((category for category in order if category in present), default or order[-1]))


def _load_page_texts() -> ResponseTexts:
    return load_texts(choose_page_language(FILE_PREFIX))


def _fill_in_country(reply: FixedText) -> FixedText:
    emergency = get_country_help(settings.HELP_COUNTRY).emergency
    filled = tuple(paragraph.replace("{emergency}", emergency) for paragraph in reply.paragraphs)
    return replace(reply, paragraphs=filled)


@cache
def load_texts(language: str) -> ResponseTexts:
    """Load the texts of one language. Raises kit.authored.InvalidFile with every error in its file."""
    from safeguarding.schemas import ResponsesFile  # noqa: PLC0415 - it imports pydantic

    file = read_file(f"{FILE_PREFIX}.{language}.toml", ResponsesFile)
    needs_review = not file.reviewed
    return ResponseTexts(
        questions={
            kind: _build_check_in(getattr(file.pause, kind), file.pause.every, needs_review=needs_review)
            for kind in CHECK_IN_KINDS
        },
        review=CheckInReviewTexts(**file.pause.review.model_dump()),
        support={
            kind: SupportLines(line=text.line, who=text.who, is_clinical=needs_review and text.clinical)
            for kind in SUPPORT_KINDS
            for text in [getattr(file.support, kind)]
        },
        redirected={
            kind: _build_reply(getattr(file.redirect, kind), needs_review=needs_review)
            for kind in REDIRECT_CATEGORIES
        },
        refused={
            kind: _build_reply(getattr(file.refuse, kind), needs_review=needs_review)
            for kind in REFUSAL_CATEGORIES
        },
        cut={
            kind: _build_reply(getattr(file.cut, kind), needs_review=needs_review)
            for kind in (*CUT_CATEGORIES, OTHER)
        },
    )


def _build_reply(text: "CutTable | ReplyTable", *, needs_review: bool) -> FixedText:
    return FixedText(
        heading=text.heading,
        paragraphs=text.paragraphs,
        offers=getattr(text, "offers", ()),
        lesson=text.lesson,
        is_clinical=needs_review and text.clinical,
    )


def _build_check_in(text: "CheckInTable", every: "EveryCheckInTable", *, needs_review: bool) -> CheckIn:
    return CheckIn(
        heading=text.heading,
        paragraphs=text.paragraphs,
        question=text.question,
        yes=every.yes,
        no=every.no,
        unsaid=every.unsaid,
        waits=every.waits,
        answered=every.answered,
        is_clinical=needs_review and every.clinical,
    )
