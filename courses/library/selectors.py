"""Modules as their reader stands in them. Everybody may read all of them."""

from dataclasses import dataclass

from courses.learning.progress import Done, Progress, progress_of
from courses.learning.records import Record
from courses.models import Lesson, Module, Question
from courses.selectors import modules_shown


@dataclass(frozen=True)
class Course:
    """A module with its lessons and questions, and how far its reader is."""

    module: Module
    lessons: list[Lesson]
    questions: list[Question]
    done: Done
    progress: Progress

    def lesson(self, slug: str) -> Lesson:
        """Raises Lesson.DoesNotExist when the module has none of this name."""
        for lesson in self.lessons:
            if lesson.slug == slug:
                return lesson
        raise Lesson.DoesNotExist


def course_of(slug: str, record: Record) -> Course:
    """Raises Module.DoesNotExist when there is none of this name."""
    module = modules_shown().prefetch_related("lessons", "questions").get(slug=slug)
    return _course(module, record.done().get(slug, Done()))


def courses_of(record: Record) -> list[Course]:
    """Every module, with how far its reader is in each."""
    done = record.done()
    modules = modules_shown().prefetch_related("lessons", "questions")
    return [_course(module, done.get(module.slug, Done())) for module in modules]


def _course(module: Module, done: Done) -> Course:
    lessons, questions = list(module.lessons.all()), list(module.questions.all())
    progress = progress_of(module, lessons=lessons, questions=questions, done=done)
    return Course(module, lessons, questions, done, progress)
