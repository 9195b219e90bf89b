"""Where a reader's work is stored: in the database for a person, in the session for a visitor.

When a visitor signs in, their work is copied to the person alone, not to joint module partners.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any, Protocol

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Person
from courses.learning.joint_modules import lock_and_list_partners
from courses.learning.progress import QUIZ_STEP, CompletedWork
from courses.models import LessonDone, QuizAnswer

SESSION_KEY = "learned"


class LearningRecord(Protocol):
    """The work of one person or visitor. Doing something again only updates its time."""

    def list_completed(self) -> dict[str, CompletedWork]:
        """Return the work by module slug. Modules without any are left out."""
        ...

    def mark_lesson_done(self, module_slug: str, lesson_slug: str) -> None: ...

    def record_answer(self, module_slug: str, question_slug: str, option: str) -> None: ...


class PersonRecord:
    def __init__(self, person: Person) -> None:
        self.person = person

    def list_completed(self) -> dict[str, CompletedWork]:
        by_module: dict[str, list[LessonDone | QuizAnswer]] = defaultdict(list)
        for lesson in LessonDone.objects.filter(person=self.person):
            by_module[lesson.module_slug].append(lesson)
        for answer in QuizAnswer.objects.filter(person=self.person):
            by_module[answer.module_slug].append(answer)
        return {slug: _build_completed_work(things) for slug, things in by_module.items()}

    @transaction.atomic
    def mark_lesson_done(self, module_slug: str, lesson_slug: str) -> None:
        """Record the lesson for the person and all partners of a joint module."""
        others = lock_and_list_partners(module_slug, self.person)
        self.save_lesson(module_slug, lesson_slug)
        LessonDone.objects.bulk_create(
            [LessonDone(person=one, module_slug=module_slug, lesson_slug=lesson_slug) for one in others],
            ignore_conflicts=True,
        )

    @transaction.atomic
    def record_answer(self, module_slug: str, question_slug: str, option: str) -> None:
        """Record the answer for the person and all partners. A partner's own answer from before stays as it is."""
        others = lock_and_list_partners(module_slug, self.person)
        self.save_answer(module_slug, question_slug, option, first=option, is_joint=bool(others))
        asked = {"module_slug": module_slug, "question_slug": question_slug}
        QuizAnswer.objects.bulk_create(
            [QuizAnswer(person=one, option=option, is_joint=True, **asked) for one in others],
            ignore_conflicts=True,
        )
        shared = QuizAnswer.objects.filter(person__in=others, is_joint=True, **asked)
        shared.update(option=option, answered_at=timezone.now())

    def save_lesson(self, module_slug: str, lesson_slug: str, *, at: datetime | None = None) -> None:
        """Record the lesson for this person only."""
        LessonDone.objects.update_or_create(
            person=self.person,
            module_slug=module_slug,
            lesson_slug=lesson_slug,
            defaults={"done_at": at or timezone.now()},
        )

    def save_answer(
        self,
        module_slug: str,
        question_slug: str,
        option: str,
        *,
        first: str,
        at: datetime | None = None,
        is_joint: bool = False,
    ) -> None:
        """Record the answer for this person only.

        `first` is the choice before any explanation; later answers don't change it.
        """
        last = {"option": option, "answered_at": at or timezone.now(), "is_joint": is_joint}
        QuizAnswer.objects.update_or_create(
            person=self.person,
            module_slug=module_slug,
            question_slug=question_slug,
            defaults=last,
            create_defaults=last | {"first_option": first},
        )


def _build_completed_work(things: list[LessonDone | QuizAnswer]) -> CompletedWork:
    last = max(things, key=lambda one: one.done_at if isinstance(one, LessonDone) else one.answered_at)
    return CompletedWork(
        lessons=frozenset(one.lesson_slug for one in things if isinstance(one, LessonDone)),
        answers={one.question_slug: one.option for one in things if isinstance(one, QuizAnswer)},
        shared=frozenset(one.question_slug for one in things if isinstance(one, QuizAnswer) and one.is_joint),
        last=last.lesson_slug if isinstance(last, LessonDone) else QUIZ_STEP,
    )


class SessionRecord:
    """Stored in the visitor's session, which expires two weeks after its last change."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session

    def list_completed(self) -> dict[str, CompletedWork]:
        return {
            slug: CompletedWork(frozenset(kept["lessons"]), kept["answers"], kept["last"])
            for slug in self.session.get(SESSION_KEY, {})
            if (kept := self._get_kept(slug))
        }

    def mark_lesson_done(self, module_slug: str, lesson_slug: str) -> None:
        kept = self._get_kept(module_slug)
        lessons = [*(slug for slug in kept["lessons"] if slug != lesson_slug), lesson_slug]
        self._keep(module_slug, kept | {"lessons": lessons, "last": lesson_slug})

    def record_answer(self, module_slug: str, question_slug: str, option: str) -> None:
        kept = self._get_kept(module_slug)
        answers = kept["answers"] | {question_slug: option}
        firsts = {question_slug: option} | kept["firsts"]
        self._keep(module_slug, kept | {"answers": answers, "firsts": firsts, "last": QUIZ_STEP})

    def _get_kept(self, module_slug: str) -> dict[str, Any]:
        kept: dict[str, Any] = self.session.get(SESSION_KEY, {}).get(module_slug, {})
        return {"lessons": [], "answers": {}, "firsts": {}, "last": ""} | kept

    def _keep(self, module_slug: str, kept: dict[str, Any]) -> None:
        self.session[SESSION_KEY] = self.session.get(SESSION_KEY, {}) | {module_slug: kept}


def get_record(request: HttpRequest) -> LearningRecord:
    if isinstance(request.user, Person):
        return PersonRecord(request.user)
    return SessionRecord(request.session)


def import_session_record(sender: object, request: HttpRequest | None, user: Person, **_kwargs: Any) -> None:
    """Copy a visitor's work to the person who has just signed in. The person's own work wins."""
    del sender
    learned = getattr(request, "session", {}).get(SESSION_KEY)
    if request is None or not learned:
        return
    person, at = PersonRecord(user), timezone.now()
    with transaction.atomic():
        known = person.list_completed()
        for module_slug, kept in learned.items():
            before = known.get(module_slug, CompletedWork())
            for slug in kept.get("lessons", []):
                if slug not in before.lessons:
                    person.save_lesson(module_slug, slug, at=at)
            for slug, option in kept.get("answers", {}).items():
                if slug not in before.answers:
                    first = kept.get("firsts", {}).get(slug, "")
                    person.save_answer(module_slug, slug, option, first=first, at=at)
    del request.session[SESSION_KEY]
