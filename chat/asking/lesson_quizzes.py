"""“Quiz me” on a lesson: a new conversation whose first turn asks for a quiz, judged and paid as any other (ADR 68)."""

import random
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from accounts.models import Person
from chat.asking.services import StartedTurn, start_turn_from_page
from chat.method.reading import FollowUp
from courses.retrieval.search import FoundPassage, list_lesson_passages

# More sections would be cut to a sentence each in a prompt.
QUIZ_SECTIONS = 3


class NoSuchLesson(Exception):
    """There is no lesson with these slugs, or it has no text to ask about."""


def ask_lesson_quiz(
    *, person: Person, module: str, lesson: str, turn_id: UUID, **options: Any
) -> StartedTurn:
    """Ask for a quiz on a lesson, by the slugs. Raises NoSuchLesson, and the errors of `start_turn`."""
    passages = list_lesson_passages(module, lesson)
    if not passages:
        raise NoSuchLesson
    return start_turn_from_page(
        person=person,
        turn_id=turn_id,
        question=gettext("Quiz me on the lesson “%(title)s”.") % {"title": passages[0].lesson},
        follow_up=FollowUp.QUIZ,
        quiz_passages=_choose_sections(passages, seed=turn_id),
        **options,
    )


def _choose_sections(passages: list[FoundPassage], *, seed: UUID) -> list[FoundPassage]:
    """Return some sections of the lesson in its order: others the next time, the same for the same turn."""
    order = random.Random(str(seed))  # noqa: S311 - only a choice of sections
    chosen = order.sample(range(len(passages)), min(QUIZ_SECTIONS, len(passages)))
    return [passages[number] for number in sorted(chosen)]
