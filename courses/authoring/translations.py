"""Compares a translated module with its original: progress, answers and citations refer to names that both share."""

from collections.abc import Sequence
from dataclasses import replace

from courses.authoring.blocks import Block
from courses.authoring.modules import LessonText, ModuleText
from kit.authored import FileError, InvalidFile

# Slugs, anchors or marks in order, by a description such as “lessons”.
type Names = dict[str, list[str]]


def align_with_originals(modules: Sequence[ModuleText], *, first: str) -> list[ModuleText]:
    """Return the modules, with each translation's option ids replaced by those of its original in the language `first`.

    Raises InvalidFile with every translation whose lessons, sections, questions or options differ from those of its
    original, or are in a different order.
    """
    originals = {module.slug: module for module in modules if module.language == first}
    pairs = [(module, originals.get(module.slug, module)) for module in modules]
    errors = [
        error
        for module, original in pairs
        for error in find_differences(
            collect_names(lessons=module.lessons, questions=module.questions),
            original,
            file=f"{module.language}/{module.slug}",
        )
    ]
    if errors:
        raise InvalidFile(*errors)
    return [_copy_option_ids(original, module) for module, original in pairs]


def find_differences(names: Names, original: ModuleText, *, file: str) -> list[FileError]:
    """Return an error for each kind of `names` that differs between a translation, or part of it, and its original."""
    wanted = collect_names(lessons=original.lessons, questions=original.questions)
    return [
        FileError(
            file,
            1,
            f"The {what} are not those of {original.language}/{original.slug}.",
            f"Give these, in this order: {', '.join(filter(None, wanted[what]))}.",
        )
        for what, name in names.items()
        if what in wanted and name != wanted[what]
    ]


def collect_names(
    *, lessons: Sequence[LessonText] | None = None, questions: Sequence[Block] | None = None
) -> Names:
    """Return the names in lessons, questions or both that progress, answers and citations refer to."""
    names: Names = {}
    if lessons is not None:
        names["lessons"] = [lesson.slug for lesson in lessons]
    if questions is not None:
        names["questions"] = [question["slug"] for question in questions]
    for lesson in lessons or ():
        names[f"sections of “{lesson.slug}”"] = [section.anchor for section in lesson.sections]
    for question in questions or ():
        marks = ["[x]" if option["is_right"] else "[ ]" for option in question["options"]]
        names[f"options of “{question['slug']}”"] = marks
    return names


def _copy_option_ids(original: ModuleText, module: ModuleText) -> ModuleText:
    pairs = zip(module.questions, original.questions, strict=True)
    return replace(
        module,
        questions=[_copy_question_ids(question, original_question) for question, original_question in pairs],
    )


def _copy_question_ids(question: Block, original: Block) -> Block:
    pairs = zip(question["options"], original["options"], strict=True)
    return question | {
        "options": [option | {"id": original_option["id"]} for option, original_option in pairs]
    }
