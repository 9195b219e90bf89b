"""Modules with a reader's progress. Modules are public."""

from dataclasses import dataclass

from courses.learning.progress import CompletedWork, ModuleProgress, calculate_progress
from courses.learning.records import LearningRecord
from courses.models import Lesson, Module, QuizQuestion
from courses.selectors import list_modules


@dataclass(frozen=True)
class ReaderModule:
    """A module with its lessons and questions, and the reader's progress."""

    module: Module
    lessons: list[Lesson]
    questions: list[QuizQuestion]
    done: CompletedWork
    progress: ModuleProgress

    def lesson(self, slug: str) -> Lesson:
        """Return the lesson. Raises Lesson.DoesNotExist for an unknown slug."""
        for lesson in self.lessons:
            if lesson.slug == slug:
                return lesson
        raise Lesson.DoesNotExist


def get_reader_module(slug: str, record: LearningRecord) -> ReaderModule:
    """Return the module with the reader's progress. Raises Module.DoesNotExist for an unknown slug."""
    module = list_modules().prefetch_related("lessons", "questions").get(slug=slug)
    return _build_reader_module(module, record.list_completed().get(slug, CompletedWork()))


def list_reader_modules(record: LearningRecord) -> list[ReaderModule]:
    """Return all modules with the reader's progress."""
    done = record.list_completed()
    modules = list_modules().prefetch_related("lessons", "questions")
    return [_build_reader_module(module, done.get(module.slug, CompletedWork())) for module in modules]


def _build_reader_module(module: Module, done: CompletedWork) -> ReaderModule:
    lessons, questions = list(module.lessons.all()), list(module.questions.all())
    progress = calculate_progress(module, lessons=lessons, questions=questions, done=done)
    return ReaderModule(module, lessons, questions, done, progress)
