"""The fenced blocks of a lesson. Each begins with `:::kind` and ends with `:::`; docs/authoring.md shows them all.

A block becomes a dictionary with its `kind`, which templates/courses/block.html shows.
"""

import hashlib
import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from courses.authoring.source import ContentFile
from courses.markdown import render_html, render_inline_html

if TYPE_CHECKING:
    from kit.schemas import Table

type Block = dict[str, Any]

SLUG = re.compile(r"(?=.{1,80}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
OPTION = re.compile(r"- \[(?P<mark>[ xX])\] (?P<text>.+)")
MIN_OPTIONS = 2
DIAGRAMS = {
    path.stem: f"courses/diagrams/{path.name}"
    for path in (Path(__file__).parents[2] / "templates/courses/diagrams").glob("*.html")
}


# The labs of the room above, by the folders of their templates.
LAB_SLUGS = sorted(
    path.parent.name for path in (Path(__file__).parents[2] / "templates/labs").glob("*/form.html")
)


@dataclass(frozen=True)
class Fence:
    """One fenced block as written: `words` are the rest of its first line, `line` is the number of that line."""

    source: ContentFile
    kind: str
    words: list[str]
    text: str
    line: int
    known_sources: Container[object] = ()

    def build_error(self, what: str, hint: str, *, below: int = 0) -> Exception:
        return self.source.build_error(self.line + below, what, hint)

    def read_line[M: "Table"](self, model: type[M]) -> M:
        """Return the words after the kind as a model: a word per field, the rest in the last. Raises InvalidFile."""
        from kit.schemas import validate_line  # noqa: PLC0415 - it imports pydantic

        names = list(model.model_fields)
        values = [*self.words[: len(names) - 1], " ".join(self.words[len(names) - 1 :])]
        data = {name: value for name, value in zip(names, values, strict=False) if value}
        return validate_line(model, data, file=self.source.file, line=self.line)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


def parse_block(fence: Fence) -> Block:
    """Parse a block. Raises InvalidFile if its kind is unknown or it breaks the rules of its kind."""
    parse = PARSERS.get(fence.kind)
    if parse is None:
        raise fence.build_error(
            f"There is no block “{fence.kind}”.", f"Use one of: {', '.join(sorted(PARSERS))}."
        )
    if not fence.text.strip():
        raise fence.build_error(
            f"The block “{fence.kind}” is empty.", "Write something into it, or delete it."
        )
    return {"kind": fence.kind} | parse(fence)


def _parse_text(fence: Fence) -> Block:
    return {"html": render_html(fence.text)}


def _parse_myth(fence: Fence) -> Block:
    myth, mark, fact = fence.text.partition("\n---\n")
    if not mark or not fact.strip():
        raise fence.build_error("This myth has no fact.", "Write the myth, a line “---”, then the fact.")
    return {"myth": render_inline_html(myth), "fact": render_html(fact)}


def _parse_reported(fence: Fence) -> Block:
    from courses.authoring.schemas import ReportedLine  # noqa: PLC0415 - it imports pydantic

    name = fence.read_line(ReportedLine).source
    if name not in fence.known_sources:
        hint = "Use the id of one of [[sources]] in module.md, or add it there."
        raise fence.build_error(f"There is no source “{name}”.", hint)
    return {"source": name, "html": render_html(fence.text)}


def _parse_starters(fence: Fence) -> Block:
    from courses.authoring.schemas import StartersLine  # noqa: PLC0415

    ages, lines = fence.read_line(StartersLine).ages, list[str]()
    for below, line in enumerate(fence.lines, 1):
        if line.startswith("- "):
            lines.append(line[2:])
        elif line.startswith("  ") and lines:
            lines[-1] += line
        elif line.strip():
            hint = "Write each starter as a line that begins with “- ”."
            raise fence.build_error("This line is not a starter.", hint, below=below)
    return {"ages": ages, "lines": [render_inline_html(line) for line in lines]}


def _parse_activity(fence: Fence) -> Block:
    from courses.authoring.schemas import ActivityLine  # noqa: PLC0415

    line = fence.read_line(ActivityLine)
    return {
        "minutes": line.minutes,
        "title": render_inline_html(line.title),
        "html": render_html(fence.text),
    }


def _parse_diagram(fence: Fence) -> Block:
    from courses.authoring.schemas import DiagramLine  # noqa: PLC0415

    name = fence.read_line(DiagramLine).diagram
    return {"template": DIAGRAMS[name], "html": render_html(fence.text)}


def _parse_lab(fence: Fence) -> Block:
    from courses.authoring.schemas import LabLine  # noqa: PLC0415 - it imports pydantic

    lab = fence.read_line(LabLine).lab
    return {"lab": lab, "route": f"labs:{lab}", "html": render_html(fence.text)}


def parse_question(fence: Fence) -> Block:
    """Parse a quiz question: its text, then two or more options, each with an explanation; exactly one is right.

    Raises InvalidFile.
    """
    from courses.authoring.schemas import QuestionLine  # noqa: PLC0415 - it imports pydantic

    slug = fence.read_line(QuestionLine).slug
    question, options = _split_question(fence)
    if not question.strip():
        raise fence.build_error("This question has no text.", "Write the question above its options.")
    if len(options) < MIN_OPTIONS:
        raise fence.build_error("A question needs two options or more.", "Write each as “- [ ] text”.")
    for option in options:
        if not option["explanation"]:
            hint = "Explain below it, indented by two spaces, why it is right or wrong."
            raise fence.build_error("This option has no explanation.", hint, below=option["below"])
    right = [option for option in options if option["is_right"]]
    if len(right) != 1:
        hint = "Mark one of them, and no other, with [x]."
        raise fence.build_error(f"{len(right)} options are right.", hint)
    return {
        "slug": slug,
        "html": render_html(question),
        "options": [
            {
                "id": hashlib.sha256(option["text"].encode()).hexdigest()[:12],
                "html": render_inline_html(option["text"]),
                "explanation": render_html(option["explanation"]),
                "is_right": option["is_right"],
            }
            for option in options
        ],
    }


def _split_question(fence: Fence) -> tuple[str, list[dict[str, Any]]]:
    question = ""
    options: list[dict[str, Any]] = []
    for below, line in enumerate(fence.lines, 1):
        if match := OPTION.match(line):
            is_right = match["mark"] != " "
            options.append({"text": match["text"], "is_right": is_right, "explanation": "", "below": below})
        elif line.startswith("- "):
            raise fence.build_error(
                "This is not an option.", "Write it as “- [ ] text” or “- [x] text”.", below=below
            )
        elif options and line.strip() and not line.startswith("  "):
            hint = "Indent it by two spaces if it explains an option, or move it above the options."
            raise fence.build_error("This line belongs to no option.", hint, below=below)
        elif options:
            options[-1]["explanation"] += line.strip() + "\n" if line.strip() else ""
        else:
            question += line + "\n"
    return question, options


PARSERS: dict[str, Callable[[Fence], Block]] = {
    "myth": _parse_myth,
    "reported": _parse_reported,
    "starters": _parse_starters,
    "activity": _parse_activity,
    "diagram": _parse_diagram,
    "calculator": _parse_text,
    "lab": _parse_lab,
    "agreement": _parse_text,
    "help": _parse_text,
    "notice": _parse_text,
}
