"""Where it is written down what somebody did: for a person in the database, for a visitor in their own session.

A visitor who signs in takes along what they did before: for themselves alone, whoever they learn together with.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any, Protocol

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Person
from courses.learning.progress import QUIZ, Done
from courses.learning.together import companions_locked
from courses.models import Answer, LessonDone

SESSION_KEY = "learned"


class Record(Protocol):
    """What one person or visitor did. Doing a thing again only renews its time."""

    def done(self) -> dict[str, Done]:
        """By module; a module of which nothing is done is left out."""
        ...

    def lesson_done(self, module_slug: str, lesson_slug: str) -> None: ...

    def question_answered(self, module_slug: str, question_slug: str, option: str) -> None: ...


class PersonRecord:
    def __init__(self, person: Person) -> None:
        self.person = person

    def done(self) -> dict[str, Done]:
        by_module: dict[str, list[LessonDone | Answer]] = defaultdict(list)
        for lesson in LessonDone.objects.filter(person=self.person):
            by_module[lesson.module_slug].append(lesson)
        for answer in Answer.objects.filter(person=self.person):
            by_module[answer.module_slug].append(answer)
        return {slug: _done(things) for slug, things in by_module.items()}

    @transaction.atomic
    def lesson_done(self, module_slug: str, lesson_slug: str) -> None:
        """It counts for everybody who takes the module together with them."""
        others = companions_locked(module_slug, self.person)
        self.keep_lesson(module_slug, lesson_slug)
        LessonDone.objects.bulk_create(
            [LessonDone(person=one, module_slug=module_slug, lesson_slug=lesson_slug) for one in others],
            ignore_conflicts=True,
        )

    @transaction.atomic
    def question_answered(self, module_slug: str, question_slug: str, option: str) -> None:
        """As lesson_done. An answer that one of the others gave alone is theirs, and stays as it is."""
        others = companions_locked(module_slug, self.person)
        self.keep_answer(module_slug, question_slug, option, first=option, together=bool(others))
        asked = {"module_slug": module_slug, "question_slug": question_slug}
        Answer.objects.bulk_create(
            [Answer(person=one, option=option, together=True, **asked) for one in others],
            ignore_conflicts=True,
        )
        shared = Answer.objects.filter(person__in=others, together=True, **asked)
        shared.update(option=option, answered_at=timezone.now())

    def keep_lesson(self, module_slug: str, lesson_slug: str, *, at: datetime | None = None) -> None:
        """Write it down for this person alone."""
        LessonDone.objects.update_or_create(
            person=self.person,
            module_slug=module_slug,
            lesson_slug=lesson_slug,
            defaults={"done_at": at or timezone.now()},
        )

    def keep_answer(
        self,
        module_slug: str,
        question_slug: str,
        option: str,
        *,
        first: str,
        at: datetime | None = None,
        together: bool = False,
    ) -> None:
        """As keep_lesson. `first` is what was chosen before anything was explained; a later answer leaves it."""
        last = {"option": option, "answered_at": at or timezone.now(), "together": together}
        Answer.objects.update_or_create(
            person=self.person,
            module_slug=module_slug,
            question_slug=question_slug,
            defaults=last,
            create_defaults=last | {"first_option": first},
        )


def _done(things: list[LessonDone | Answer]) -> Done:
    last = max(things, key=lambda one: one.done_at if isinstance(one, LessonDone) else one.answered_at)
    return Done(
        lessons=frozenset(one.lesson_slug for one in things if isinstance(one, LessonDone)),
        answers={one.question_slug: one.option for one in things if isinstance(one, Answer)},
        shared=frozenset(one.question_slug for one in things if isinstance(one, Answer) and one.together),
        last=last.lesson_slug if isinstance(last, LessonDone) else QUIZ,
    )


class SessionRecord:
    """Kept in the visitor's session, which ends two weeks after they last changed it."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session

    def done(self) -> dict[str, Done]:
        return {
            slug: Done(frozenset(kept["lessons"]), kept["answers"], kept["last"])
            for slug in self.session.get(SESSION_KEY, {})
            if (kept := self._kept(slug))
        }

    def lesson_done(self, module_slug: str, lesson_slug: str) -> None:
        kept = self._kept(module_slug)
        lessons = [*(slug for slug in kept["lessons"] if slug != lesson_slug), lesson_slug]
        self._keep(module_slug, kept | {"lessons": lessons, "last": lesson_slug})

    def question_answered(self, module_slug: str, question_slug: str, option: str) -> None:
        kept = self._kept(module_slug)
        answers = kept["answers"] | {question_slug: option}
        firsts = {question_slug: option} | kept["firsts"]
        self._keep(module_slug, kept | {"answers": answers, "firsts": firsts, "last": QUIZ})

    def _kept(self, module_slug: str) -> dict[str, Any]:
        kept: dict[str, Any] = self.session.get(SESSION_KEY, {}).get(module_slug, {})
        return {"lessons": [], "answers": {}, "firsts": {}, "last": ""} | kept

    def _keep(self, module_slug: str, kept: dict[str, Any]) -> None:
        self.session[SESSION_KEY] = self.session.get(SESSION_KEY, {}) | {module_slug: kept}


def record_of(request: HttpRequest) -> Record:
    if isinstance(request.user, Person):
        return PersonRecord(request.user)
    return SessionRecord(request.session)


def take_along(sender: object, request: HttpRequest | None, user: Person, **_kwargs: Any) -> None:
    """Give a person who has just signed in what they did before; what they did as themselves comes first."""
    del sender
    learned = getattr(request, "session", {}).get(SESSION_KEY)
    if request is None or not learned:
        return
    person, at = PersonRecord(user), timezone.now()
    with transaction.atomic():
        known = person.done()
        for module_slug, kept in learned.items():
            before = known.get(module_slug, Done())
            for slug in kept.get("lessons", []):
                if slug not in before.lessons:
                    person.keep_lesson(module_slug, slug, at=at)
            for slug, option in kept.get("answers", {}).items():
                if slug not in before.answers:
                    first = kept.get("firsts", {}).get(slug, "")
                    person.keep_answer(module_slug, slug, option, first=first, at=at)
    del request.session[SESSION_KEY]
