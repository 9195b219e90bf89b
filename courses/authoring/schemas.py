"""What front matter and the first lines of blocks may say. Import it in functions (kit.schemas imports pydantic)."""

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, Field

from courses.authoring.blocks import DIAGRAMS, LAB_SLUGS, SLUG
from kit.schemas import Hint, Items, Line, Table, build_schema_error

OUTCOME_COUNT = 3
_OUTCOME_HINT = Hint("Each of [[outcomes]] needs say, ailit and unesco, as text.")
_SOURCE_HINT = Hint("Each of [[sources]] needs id, title, by, date and url, as text.")
_NUMBER_HINT = Hint("Make it a whole number from 1 to 600, without quotes.")

SourceText = Annotated[str, _SOURCE_HINT]
OutcomeText = Annotated[str, _OUTCOME_HINT]
Number = Annotated[int, Field(ge=1, le=600), _NUMBER_HINT]


def _require_https(url: str) -> str:
    if not url.startswith("https://"):
        raise build_schema_error(f"“{url}” is not an https address.", "Give the whole address: https://…")
    return url


def _require_diagram(name: str) -> str:
    if name not in DIAGRAMS:
        raise build_schema_error(f"There is no diagram “{name}”.", _DIAGRAM_HINT.text)
    return name


def _require_lab(name: str) -> str:
    if name not in LAB_SLUGS:
        raise build_schema_error(f"There is no lab “{name}”.", _LAB_HINT.text)
    return name


def _require_slug(slug: str) -> str:
    if not SLUG.fullmatch(slug):
        raise build_schema_error(f"“{slug}” is not a slug.", _WAS_HINT.text)
    return slug


_WAS_HINT = Hint('List the slugs that it had before: was = ["an-earlier-slug"].')
# The slugs that a module or lesson had before it was renamed. They lead on, and what people did counts.
Was = Annotated[tuple[Annotated[str, AfterValidator(_require_slug)], ...], Field(strict=False), _WAS_HINT]


class LearningOutcome(Table):
    """What a reader can say afterwards, and the competences of two frameworks that it practices."""

    say: OutcomeText
    ailit: OutcomeText
    unesco: OutcomeText


class Source(Table):
    """`language` is the language of the title, if it differs from the file's."""

    id: SourceText
    title: SourceText
    by: SourceText
    date: SourceText
    url: Annotated[SourceText, AfterValidator(_require_https)]
    language: Annotated[
        str | None,
        Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$"),
        Hint("Give the code of the language of its title: en, es."),
    ] = None


class ModuleFront(Table):
    title: Line
    order: Number
    minutes: Number
    summary: str
    reviewed: Annotated[str, Field(max_length=60)]
    outcomes: Annotated[
        tuple[LearningOutcome, ...],
        Field(strict=False, min_length=OUTCOME_COUNT, max_length=OUTCOME_COUNT),
        Hint(f"A parent can say {OUTCOME_COUNT} aloud: give {OUTCOME_COUNT}."),
    ]
    sources: Annotated[tuple[Source, ...], Items]
    was: Was = ()


class LessonFront(Table):
    title: Line
    minutes: Number
    was: Was = ()


class QuizFront(Table):
    title: Line
    minutes: Number


class BriefingFront(Table):
    title: Line
    summary: str
    sources: Annotated[tuple[Source, ...], Items]
    followed_up: dt.date | None = None


# The first lines of blocks. Each field is one word, and the last field is the rest of the line.

_DIAGRAM_HINT = Hint(f"Use one of: {', '.join(sorted(DIAGRAMS))}.")
_LAB_HINT = Hint(f"Use one of: {', '.join(LAB_SLUGS)}.")
_ACTIVITY_HINT = Hint("Give its minutes and its name: “:::activity 10 Two chairs, one question”.")


class ReportedLine(Table):
    source: Annotated[str, Hint("Name one source: “:::reported the-id-of-a-source”.")]


class StartersLine(Table):
    ages: Annotated[str, Hint("Name the ages: “:::starters 13 to 14”.")]


class ActivityLine(Table):
    minutes: Annotated[int, Field(strict=False, ge=1, le=999), _ACTIVITY_HINT]
    title: Annotated[str, _ACTIVITY_HINT]


class DiagramLine(Table):
    diagram: Annotated[str, AfterValidator(_require_diagram), _DIAGRAM_HINT]


class LabLine(Table):
    lab: Annotated[str, AfterValidator(_require_lab), _LAB_HINT]


class QuestionLine(Table):
    slug: Annotated[
        str,
        Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80),
        Hint("Name it by a short slug that will not change: “:::question made-up-sources”."),
    ]
