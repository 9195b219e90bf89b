"""Holds a translated module against its original: progress, answers and citations point at names that both have."""

from collections.abc import Sequence
from dataclasses import replace

from courses.blocks import Block
from courses.library import ModuleText
from courses.source import ContentBroken, Fault


def originals_followed(modules: Sequence[ModuleText], *, first: str) -> list[ModuleText]:
    """The modules, each translation with the option ids of its original, the module of its name in `first`.

    Raises ContentBroken with every translation that has other lessons, sections, questions or options than its
    original, or has them in another order.
    """
    originals = {module.slug: module for module in modules if module.language == first}
    pairs = [(module, originals.get(module.slug, module)) for module in modules]
    if faults := [fault for module, original in pairs for fault in _differences(module, original)]:
        raise ContentBroken(*faults)
    return [_with_options_of(original, module) for module, original in pairs]


def _differences(module: ModuleText, original: ModuleText) -> list[Fault]:
    has = _names(module)
    return [
        Fault(
            f"{module.language}/{module.slug}",
            1,
            f"The {what} are not those of {original.language}/{original.slug}.",
            f"Give these, in this order: {', '.join(filter(None, wanted))}.",
        )
        for what, wanted in _names(original).items()
        if has.get(what, wanted) != wanted
    ]


def _names(module: ModuleText) -> dict[str, list[str]]:
    return {
        "lessons": [lesson.slug for lesson in module.lessons],
        "questions": [question["slug"] for question in module.questions],
        **{
            f"sections of “{lesson.slug}”": [section.anchor for section in lesson.sections]
            for lesson in module.lessons
        },
        **{
            f"options of “{question['slug']}”": [
                "[x]" if option["is_right"] else "[ ]" for option in question["options"]
            ]
            for question in module.questions
        },
    }


def _with_options_of(original: ModuleText, module: ModuleText) -> ModuleText:
    pairs = zip(module.questions, original.questions, strict=True)
    return replace(module, questions=[_with_ids(question, asked) for question, asked in pairs])


def _with_ids(question: Block, asked: Block) -> Block:
    pairs = zip(question["options"], asked["options"], strict=True)
    return question | {"options": [option | {"id": known["id"]} for option, known in pairs]}
