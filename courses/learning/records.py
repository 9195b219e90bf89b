"""Where a reader's work is stored: in the database for a person, in the session for a visitor.

When a visitor signs in, their work is copied to the person alone, not to joint module partners.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Person
from courses.learning.joint_modules import lock_and_list_partners
from courses.learning.progress import QUIZ_STEP, CompletedWork
from courses.models import LessonDone, ModuleFinished, QuizAnswer

SESSION_KEY = "completed_work"


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
        """Return what the person has done, by module slug."""
        by_module: dict[str, list[LessonDone | QuizAnswer]] = defaultdict(list)
        for lesson in LessonDone.objects.filter(person=self.person):
            by_module[lesson.module_slug].append(lesson)
        for answer in QuizAnswer.objects.filter(person=self.person):
            by_module[answer.module_slug].append(answer)
        finished = set(
            ModuleFinished.objects.filter(person=self.person).values_list("module_slug", flat=True)
            if by_module
            else ()
        )
        return {
            slug: replace(_build_completed_work(entries), has_finished=slug in finished)
            for slug, entries in by_module.items()
        }

    @transaction.atomic
    def mark_lesson_done(self, module_slug: str, lesson_slug: str) -> None:
        """Record the lesson for the person and all partners of a joint module."""
        partners = lock_and_list_partners(module_slug, self.person)
        self.save_lesson(module_slug, lesson_slug)
        LessonDone.objects.bulk_create(
            [
                LessonDone(person=partner, module_slug=module_slug, lesson_slug=lesson_slug)
                for partner in partners
            ],
            ignore_conflicts=True,
        )

    @transaction.atomic
    def record_answer(self, module_slug: str, question_slug: str, option: str) -> None:
        """Record the answer for the person and all partners. A partner's own answer from before stays as it is."""
        partners = lock_and_list_partners(module_slug, self.person)
        self.save_answer(module_slug, question_slug, option, first=option, is_joint=bool(partners))
        question_key = {"module_slug": module_slug, "question_slug": question_slug}
        QuizAnswer.objects.bulk_create(
            [
                QuizAnswer(person=partner, option=option, is_joint=True, **question_key)
                for partner in partners
            ],
            ignore_conflicts=True,
        )
        shared = QuizAnswer.objects.filter(person__in=partners, is_joint=True, **question_key)
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
        values = {"option": option, "answered_at": at or timezone.now(), "is_joint": is_joint}
        QuizAnswer.objects.update_or_create(
            person=self.person,
            module_slug=module_slug,
            question_slug=question_slug,
            defaults=values,
            create_defaults=values | {"first_option": first},
        )


def _build_completed_work(entries: list[LessonDone | QuizAnswer]) -> CompletedWork:
    latest = max(
        entries, key=lambda entry: entry.done_at if isinstance(entry, LessonDone) else entry.answered_at
    )
    return CompletedWork(
        lessons=frozenset(entry.lesson_slug for entry in entries if isinstance(entry, LessonDone)),
        answers={entry.question_slug: entry.option for entry in entries if isinstance(entry, QuizAnswer)},
        joint_questions=frozenset(
            entry.question_slug for entry in entries if isinstance(entry, QuizAnswer) and entry.is_joint
        ),
        latest_step=latest.lesson_slug if isinstance(latest, LessonDone) else QUIZ_STEP,
    )


class SessionRecord:
    """Stored in the visitor's session, which expires two weeks after its last change."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session

    def list_completed(self) -> dict[str, CompletedWork]:
        """Return what the visitor has done in this browser, by module slug."""
        return {
            slug: CompletedWork(frozenset(work["lessons"]), work["answers"], work["last"])
            for slug in self.session.get(SESSION_KEY, {})
            if (work := self._load_work(slug))
        }

    def mark_lesson_done(self, module_slug: str, lesson_slug: str) -> None:
        work = self._load_work(module_slug)
        lessons = [*(slug for slug in work["lessons"] if slug != lesson_slug), lesson_slug]
        self._save_work(module_slug, work | {"lessons": lessons, "last": lesson_slug})

    def record_answer(self, module_slug: str, question_slug: str, option: str) -> None:
        work = self._load_work(module_slug)
        answers = work["answers"] | {question_slug: option}
        first_options = {question_slug: option} | work["first_options"]
        self._save_work(
            module_slug, work | {"answers": answers, "first_options": first_options, "last": QUIZ_STEP}
        )

    def _load_work(self, module_slug: str) -> dict[str, Any]:
        work: dict[str, Any] = self.session.get(SESSION_KEY, {}).get(module_slug, {})
        return {"lessons": [], "answers": {}, "first_options": {}, "last": ""} | work

    def _save_work(self, module_slug: str, work: dict[str, Any]) -> None:
        self.session[SESSION_KEY] = self.session.get(SESSION_KEY, {}) | {module_slug: work}


def get_record(request: HttpRequest) -> LearningRecord:
    if isinstance(request.user, Person):
        return PersonRecord(request.user)
    return SessionRecord(request.session)


def import_session_record(sender: object, request: HttpRequest | None, user: Person, **_kwargs: Any) -> None:
    """Copy a visitor's work to the person who has just signed in. The person's own work wins."""
    del sender
    session_work = getattr(request, "session", {}).get(SESSION_KEY)
    if request is None or not session_work:
        return
    record, now = PersonRecord(user), timezone.now()
    with transaction.atomic():
        completed = record.list_completed()
        for module_slug, work in session_work.items():
            before = completed.get(module_slug, CompletedWork())
            for slug in work.get("lessons", []):
                if slug not in before.lessons:
                    record.save_lesson(module_slug, slug, at=now)
            for slug, option in work.get("answers", {}).items():
                if slug not in before.answers:
                    first = work.get("first_options", {}).get(slug, "")
                    record.save_answer(module_slug, slug, option, first=first, at=now)
    del request.session[SESSION_KEY]
