"""Holds a translated module against its original: progress, answers and citations point at names that both have."""

from collections.abc import Sequence
from dataclasses import replace

from courses.authoring.blocks import Block
from courses.authoring.modules import LessonText, ModuleText
from kit.authored import FileError, InvalidFile

# Slugs, anchors and marks in their order, by what they are called.
type Names = dict[str, list[str]]


def align_with_originals(modules: Sequence[ModuleText], *, first: str) -> list[ModuleText]:
    """The modules, each translation with the option ids of its original, the module of its name in `first`.

    Raises InvalidFile with every translation that has other lessons, sections, questions or options than its
    original, or has them in another order.
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
    return [_with_options_of(original, module) for module, original in pairs]


def find_differences(names: Names, original: ModuleText, *, file: str) -> list[FileError]:
    """Where these names of a translation, of all of it or of some parts, are not those of its original."""
    wanted = collect_names(lessons=original.lessons, questions=original.questions)
    return [
        FileError(
            file,
            1,
            f"The {what} are not those of {original.language}/{original.slug}.",
            f"Give these, in this order: {', '.join(filter(None, wanted[what]))}.",
        )
        for what, given in names.items()
        if what in wanted and given != wanted[what]
    ]


def collect_names(
    *, lessons: Sequence[LessonText] | None = None, questions: Sequence[Block] | None = None
) -> Names:
    """What progress, answers and citations point at in some lessons, or questions, or both."""
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


def _with_options_of(original: ModuleText, module: ModuleText) -> ModuleText:
    pairs = zip(module.questions, original.questions, strict=True)
    return replace(module, questions=[_with_ids(question, asked) for question, asked in pairs])


def _with_ids(question: Block, asked: Block) -> Block:
    pairs = zip(question["options"], asked["options"], strict=True)
    return question | {"options": [option | {"id": known["id"]} for option, known in pairs]}
