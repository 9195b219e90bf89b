"""What a parent is told and how a teen is asked first, from data files. Needs no database, network or model."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse

from guard import Level
from safeguarding.datafile import choose_page_language, read_file
from safeguarding.helplines import get_country_help
from safeguarding.models import AlertAnswer
from safeguarding.review import is_review_recorded

if TYPE_CHECKING:
    from safeguarding.schemas import AlertsFile

FILE_PREFIX = "alerts"


@dataclass(frozen=True, kw_only=True)
class AlertText:
    """A message to a parent. `path` is that of the lesson that helps with the talk."""

    subject: str
    text: str
    action: str
    path: str


@dataclass(frozen=True, kw_only=True)
class TeenQuestion:
    """How a teen is asked whom to tell, with the labels of the answers and what is said after each."""

    heading: str
    paragraphs: tuple[str, ...]
    question: str
    answers: dict[AlertAnswer, str]
    thanks: dict[AlertAnswer, str]
    unreviewed: bool


def build_alert(level: Level) -> AlertText:
    """Return the message to a parent for level 3 or 4, in the page's language."""
    file = load_alert_texts(choose_page_language(FILE_PREFIX))
    table = file.acute if level == Level.ACUTE else file.stated
    emergency = get_country_help(settings.HELP_COUNTRY).emergency
    module, lesson = file.lesson.split("/")
    return AlertText(
        subject=table.subject,
        text=table.text.replace("{emergency}", emergency),
        action=table.action,
        path=reverse("courses:lesson", args=[module, lesson]),
    )


def build_teen_question(*, organization: str, until: str) -> TeenQuestion:
    """Return the question to the teen in the page's language. `until` is the time as they read it."""
    file = load_alert_texts(choose_page_language(FILE_PREFIX))
    ask = file.ask
    return TeenQuestion(
        heading=ask.heading,
        paragraphs=tuple(
            paragraph.replace("{organization}", organization).replace("{until}", until)
            for paragraph in ask.paragraphs
        ),
        question=ask.question,
        answers={
            AlertAnswer.PARENT: ask.parent,
            AlertAnswer.OTHER_ADULT: ask.other_adult,
            AlertAnswer.UNSAFE: ask.unsafe,
        },
        thanks={
            AlertAnswer.PARENT: ask.answered_parent,
            AlertAnswer.OTHER_ADULT: ask.answered_other_adult,
            AlertAnswer.UNSAFE: ask.answered_unsafe,
        },
        unreviewed=not file.reviewed and not is_review_recorded(settings.CRISIS_TEXTS_REVIEW),
    )


@cache
def load_alert_texts(language: str) -> "AlertsFile":
    """Load the alerts of one language. Raises kit.authored.InvalidFile with every error in its file."""
    from safeguarding.schemas import AlertsFile  # noqa: PLC0415 - it imports pydantic

    return read_file(f"{FILE_PREFIX}.{language}.toml", AlertsFile)
