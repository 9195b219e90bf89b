"""What happens to people's work when the library changes: it follows renamed modules and lessons, and finishes stay."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django.db.models import Exists, OuterRef, QuerySet

from courses.models import Certificate, JointModule, LessonDone, ModuleFinished, QuizAnswer
from courses.selectors import list_step_slugs
from events.modules import rename_module


def list_renamed() -> list[tuple[QuerySet[Any], list[str]]]:
    """Return the rows that have a module's slug, with the fields that exist once for it."""
    return [
        (LessonDone.objects.all(), ["person", "lesson_slug"]),
        (QuizAnswer.objects.all(), ["person", "question_slug"]),
        (Certificate.objects.all(), ["person"]),
        (ModuleFinished.objects.all(), ["person"]),
        (JointModule.objects.all(), ["link"]),
    ]


class NewLesson(Protocol):
    @property
    def slug(self) -> str: ...
    @property
    def was(self) -> list[str]: ...


class NewModule(Protocol):
    @property
    def slug(self) -> str: ...
    @property
    def was(self) -> list[str]: ...
    @property
    def lessons(self) -> Sequence[NewLesson]: ...
    @property
    def questions(self) -> Sequence[Mapping[str, object]]: ...


def rename_work(modules: Iterable[NewModule]) -> None:
    """Move what people did in modules and lessons to the slugs that these have now. Doing it again changes nothing."""
    for module in modules:
        for was in module.was:
            for rows, unique in list_renamed():
                _rename(rows, unique, {"module_slug": was}, {"module_slug": module.slug})
            rename_module(was=was, slug=module.slug)
        for lesson in module.lessons:
            for was in lesson.was:
                before = {"module_slug": module.slug, "lesson_slug": was}
                _rename(LessonDone.objects.all(), ["person"], before, before | {"lesson_slug": lesson.slug})


def _rename(
    rows: QuerySet[Any], unique: Sequence[str], before: dict[str, str], after: dict[str, str]
) -> None:
    """Change the slugs of rows. A row whose new slugs exist already is deleted: the person did it under both."""
    same = rows.filter(**after, **{name: OuterRef(name) for name in unique})
    rows.filter(Exists(same), **before).delete()
    rows.filter(**before).update(**after)


def keep_finished(modules: Iterable[NewModule]) -> None:
    """Note who has finished the modules that get a lesson or a question now, before their rows are replaced."""
    known = list_step_slugs()
    # Of the languages of a module, the first one: a translation need not repeat earlier slugs.
    for module in {module.slug: module for module in reversed(list(modules))}.values():
        names = [module.slug, *module.was]
        lessons, questions = next((known[name] for name in names if name in known), (set(), set()))
        was = {old: lesson.slug for lesson in module.lessons for old in lesson.was}
        lessons = {was.get(slug, slug) for slug in lessons}
        adds = {lesson.slug for lesson in module.lessons} - lessons
        adds |= {str(question["slug"]) for question in module.questions} - questions
        if adds and lessons:
            _note_finished(module.slug, lessons, questions)


def _note_finished(module_slug: str, lessons: set[str], questions: set[str]) -> None:
    done = LessonDone.objects.filter(module_slug=module_slug, lesson_slug__in=lessons)
    answered = QuizAnswer.objects.filter(module_slug=module_slug, question_slug__in=questions)
    steps: dict[int, int] = {}
    for person in [*done.values_list("person_id", flat=True), *answered.values_list("person_id", flat=True)]:
        steps[person] = steps.get(person, 0) + 1
    ModuleFinished.objects.bulk_create(
        [
            ModuleFinished(person_id=person, module_slug=module_slug)
            for person, count in steps.items()
            if count == len(lessons) + len(questions)
        ],
        ignore_conflicts=True,
    )
