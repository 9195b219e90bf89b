"""The published modules. They are public."""

from dataclasses import dataclass
from html import unescape

from django.db.models import Q, QuerySet
from django.utils.html import strip_tags

from courses.models import Module
from kit.languages import select_language


def list_modules() -> QuerySet[Module]:
    """Return all modules in the reader's language, or in the default language if not translated yet."""
    return select_language(Module.objects.all(), name="slug")


def list_step_slugs() -> dict[str, tuple[set[str], set[str]]]:
    """Return the slugs of each module's lessons and of its questions, by the module's slug."""
    return {
        module.slug: (
            {lesson.slug for lesson in module.lessons.all()},
            {question.slug for question in module.questions.all()},
        )
        for module in Module.objects.prefetch_related("lessons", "questions")
    }


def find_current_path(path: str) -> str:
    """Return where "module" or "module/lesson" is now if one of its slugs is an earlier one; otherwise the path."""
    module_slug, slash, lesson_slug = path.partition("/")
    modules = Module.objects.filter(Q(slug=module_slug) | Q(was__contains=[module_slug]))
    found = list(modules.prefetch_related("lessons"))
    renamed = {was: lesson.slug for module in found for lesson in module.lessons.all() for was in lesson.was}
    current = found[0].slug if found else module_slug
    return f"{current}{slash}{renamed.get(lesson_slug, lesson_slug)}"


def list_module_titles() -> list[tuple[str, str]]:
    """Return the slug and title of each module, in the reader's language."""
    return list(list_modules().values_list("slug", "title"))


@dataclass(frozen=True)
class PlainOption:
    text: str
    is_right: bool
    explanation: str


@dataclass(frozen=True)
class PlainQuestion:
    """A quiz question of a module as text, without markup."""

    text: str
    options: tuple[PlainOption, ...]


def list_plain_questions(slug: str) -> list[PlainQuestion]:
    """Return the quiz questions of a module, in the reader's language; empty if there is no such module."""
    module = list_modules().filter(slug=slug).first()
    return [
        PlainQuestion(
            _strip(question.html),
            tuple(
                PlainOption(_strip(option["html"]), bool(option["is_right"]), _strip(option["explanation"]))
                for option in question.options
            ),
        )
        for question in (module.questions.all() if module else ())
    ]


def _strip(text: str) -> str:
    return " ".join(unescape(strip_tags(text)).split())
