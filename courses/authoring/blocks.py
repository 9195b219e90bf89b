"""The fenced blocks of a lesson. Each begins with `:::kind` and ends with `:::`; docs/authoring.md shows them all.

A block is read into a plain dictionary that names its `kind`, as templates/courses/block.html shows it.
"""

import hashlib
import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courses.authoring.source import Source
from courses.markdown import html_of, line_html_of

type Block = dict[str, Any]

SLUG = re.compile(r"(?=.{1,80}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
OPTION = re.compile(r"- \[(?P<mark>[ xX])\] (?P<text>.+)")
MINUTES = re.compile(r"[1-9]\d?\d?")
LEAST_OPTIONS = 2
DIAGRAMS = {
    path.stem: f"courses/diagrams/{path.name}"
    for path in (Path(__file__).parents[2] / "templates/courses/diagrams").glob("*.html")
}


@dataclass(frozen=True)
class Fence:
    """One fenced block as written: `words` stand behind its kind, `line` is where its `:::` stands."""

    source: Source
    kind: str
    words: list[str]
    text: str
    line: int
    known_sources: Container[object] = ()

    def fault(self, what: str, mend: str, *, below: int = 0) -> Exception:
        return self.source.fault(self.line + below, what, mend)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


def block_read(fence: Fence) -> Block:
    """Raises ContentBroken for a block of no known kind, or one that its kind does not allow."""
    reader = READERS.get(fence.kind)
    if reader is None:
        raise fence.fault(f"There is no block “{fence.kind}”.", f"Use one of: {', '.join(sorted(READERS))}.")
    if not fence.text.strip():
        raise fence.fault(f"The block “{fence.kind}” is empty.", "Write something into it, or delete it.")
    return {"kind": fence.kind} | reader(fence)


def _whole(fence: Fence) -> Block:
    return {"html": html_of(fence.text)}


def _myth(fence: Fence) -> Block:
    myth, mark, fact = fence.text.partition("\n---\n")
    if not mark or not fact.strip():
        raise fence.fault("This myth has no fact.", "Write the myth, a line “---”, then the fact.")
    return {"myth": line_html_of(myth), "fact": html_of(fact)}


def _reported(fence: Fence) -> Block:
    if len(fence.words) != 1:
        raise fence.fault("This fact names no source.", "Name one: “:::reported the-id-of-a-source”.")
    [name] = fence.words
    if name not in fence.known_sources:
        mend = "Use the id of one of [[sources]] in module.md, or add it there."
        raise fence.fault(f"There is no source “{name}”.", mend)
    return {"source": name, "html": html_of(fence.text)}


def _starters(fence: Fence) -> Block:
    ages = " ".join(fence.words)
    if not ages:
        raise fence.fault("These starters are for no age.", "Name it: “:::starters 13 to 14”.")
    lines = []
    for below, line in enumerate(fence.lines, 1):
        if line.startswith("- "):
            lines.append(line[2:])
        elif line.startswith("  ") and lines:
            lines[-1] += line
        elif line.strip():
            mend = "Write each starter as a line that begins with “- ”."
            raise fence.fault("This line is not a starter.", mend, below=below)
    return {"ages": ages, "lines": [line_html_of(line) for line in lines]}


def _activity(fence: Fence) -> Block:
    minutes, *title = fence.words or [""]
    if not title or not MINUTES.fullmatch(minutes):
        mend = "Say its minutes and its name: “:::activity 10 Two chairs, one question”."
        raise fence.fault("This activity has no minutes or no name.", mend)
    return {"minutes": int(minutes), "title": line_html_of(" ".join(title)), "html": html_of(fence.text)}


def _diagram(fence: Fence) -> Block:
    name = " ".join(fence.words)
    if name not in DIAGRAMS:
        raise fence.fault(f"There is no diagram “{name}”.", f"Use one of: {', '.join(sorted(DIAGRAMS))}.")
    return {"template": DIAGRAMS[name], "html": html_of(fence.text)}


def question_read(fence: Fence) -> Block:
    """A quiz question: its text, then two or more options, each with an explanation; exactly one is right."""
    if len(fence.words) != 1 or not SLUG.fullmatch(fence.words[0]):
        mend = "Name it by a short slug that will not change: “:::question made-up-sources”."
        raise fence.fault("This question has no name of its own.", mend)
    asked, options = _question_parts(fence)
    if not asked.strip():
        raise fence.fault("This question asks nothing.", "Write the question above its options.")
    if len(options) < LEAST_OPTIONS:
        raise fence.fault("A question needs two options or more.", "Write each as “- [ ] text”.")
    for option in options:
        if not option["explanation"]:
            mend = "Say below it, set in by two spaces, why it is right or what it misses."
            raise fence.fault("This option has no explanation.", mend, below=option["below"])
    right = [option for option in options if option["is_right"]]
    if len(right) != 1:
        mend = "Mark one of them, and no other, with [x]."
        raise fence.fault(f"{len(right)} options are right.", mend)
    return {
        "slug": fence.words[0],
        "html": html_of(asked),
        "options": [
            {
                "id": hashlib.sha256(option["text"].encode()).hexdigest()[:12],
                "html": line_html_of(option["text"]),
                "explanation": html_of(option["explanation"]),
                "is_right": option["is_right"],
            }
            for option in options
        ],
    }


def _question_parts(fence: Fence) -> tuple[str, list[dict[str, Any]]]:
    asked = ""
    options: list[dict[str, Any]] = []
    for below, line in enumerate(fence.lines, 1):
        if found := OPTION.match(line):
            is_right = found["mark"] != " "
            options.append({"text": found["text"], "is_right": is_right, "explanation": "", "below": below})
        elif line.startswith("- "):
            raise fence.fault(
                "This is not an option.", "Write it as “- [ ] text” or “- [x] text”.", below=below
            )
        elif options and line.strip() and not line.startswith("  "):
            mend = "Set it in by two spaces if it explains an option, or move it above the options."
            raise fence.fault("This line belongs to no option.", mend, below=below)
        elif options:
            options[-1]["explanation"] += line.strip() + "\n" if line.strip() else ""
        else:
            asked += line + "\n"
    return asked, options


READERS: dict[str, Callable[[Fence], Block]] = {
    "myth": _myth,
    "reported": _reported,
    "starters": _starters,
    "activity": _activity,
    "diagram": _diagram,
    "agreement": _whole,
    "help": _whole,
    "notice": _whole,
}
