"""Briefings on disk: `content/<language>/briefings/<date>-<slug>.md`, read and checked as a whole."""

import datetime as dt
import re
from collections.abc import Container
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from courses.authoring.modules import sources_named, sources_of
from courses.authoring.sections import Section, sections_read
from courses.authoring.source import ContentBroken, Fault, Faults, Source, source_read

FOLDER = "briefings"
FILE = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)-(?=.{1,80}\.md)(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)\.md")
# Addresses of the archive: its feed, and its years.
TAKEN = re.compile(r"feed|\d+")
PARTS = ["happened", "matters"]
SINCE = "since"
BLOCKS = {"prose", "reported"}


@dataclass(frozen=True)
class BriefingText:
    """One briefing in one language, as its author wrote it: the fields of its row."""

    language: str
    slug: str
    date: dt.date
    title: str
    summary: str
    sections: list[dict[str, Any]]
    sources: list[dict[str, str]]
    followed_up: dt.date | None


def briefings_read(root: Path) -> list[BriefingText]:
    """Every briefing of every language. Raises ContentBroken with every fault of every file."""
    faults, found = Faults(), []
    slugs: set[tuple[str, str]] = set()
    for path in sorted(root.glob(f"*/{FOLDER}/*")):
        text = faults.of(partial(briefing_read, path, root=root), None)
        if text is None:
            continue
        if (text.language, text.slug) in slugs:
            file = path.relative_to(root).as_posix()
            mend = "Choose another slug for the later one."
            faults.found.append(Fault(file, 1, f"“{text.slug}” names two briefings.", mend))
        slugs.add((text.language, text.slug))
        found.append(text)
    if faults.found:
        raise ContentBroken(*faults.found)
    return found


def briefing_read(path: Path, *, root: Path) -> BriefingText:
    """One briefing from its file. Raises ContentBroken with every fault that it has."""
    _name_of(path.relative_to(root).as_posix())
    return briefing_parse(source_read(path, root=root))


def briefing_parse(source: Source) -> BriefingText:
    """One briefing, whose day and slug its file's name gives. Raises ContentBroken with every fault that it has."""
    faults = Faults()
    day, slug = _name_of(source.file)
    sections = faults.of(partial(_sections, source, sources_named(source)), [])
    text = BriefingText(
        language=source.file.split("/")[0],
        slug=slug,
        date=day,
        title=faults.of(partial(source.line, "title"), ""),
        summary=faults.of(partial(source.get, "summary", str), ""),
        sections=[section.shown() for section in sections],
        sources=faults.of(partial(sources_of, source), []),
        followed_up=faults.of(partial(_followed_up, source, day), None),
    )
    if faults.found:
        raise ContentBroken(*faults.found)
    return text


def _name_of(file: str) -> tuple[dt.date, str]:
    """The day and the slug in a file's name. Raises ContentBroken when it gives none that can be."""
    found = FILE.fullmatch(file.rpartition("/")[2])
    mend = "Name a briefing by its day and slug: 2023-12-06-a-table-of-scores.md."
    if found is None:
        raise ContentBroken(Fault(file, 1, "This file’s name gives no day and slug.", mend))
    if TAKEN.fullmatch(found["slug"]):
        raise ContentBroken(Fault(file, 1, f"“{found['slug']}” is taken.", "Choose another slug."))
    try:
        return dt.date.fromisoformat(found["date"]), found["slug"]
    except ValueError as fault:
        raise ContentBroken(Fault(file, 1, f"There is no day {found['date']}.", mend)) from fault


def _sections(source: Source, known: Container[object]) -> list[Section]:
    sections = sections_read(source, known_sources=known)
    anchors = [section.anchor for section in sections]
    for section in sections:
        if section.anchor not in {*PARTS, SINCE}:
            mend = "Keep to the parts {#happened} and {#matters}, and {#since} where it was looked into."
            raise source.fault(_line_of(source, section), "This is no part of a briefing.", mend)
        if any(block["kind"] not in BLOCKS for block in section.blocks):
            mend = "A briefing holds text and “:::reported” and no other block."
            raise source.fault(_line_of(source, section), "This part holds a block of lessons.", mend)
    if anchors not in (PARTS, [*PARTS, SINCE]):
        mend = "First “## What happened {#happened}”, then “## Why it matters {#matters}”."
        raise source.fault(source.body_line, "The two parts of a briefing are not there in order.", mend)
    return sections


def _line_of(source: Source, section: Section) -> int:
    """The line of a section's heading, or where the text begins if it has none."""
    lines = enumerate(source.body.split("\n"), source.body_line)
    named = (number for number, line in lines if section.anchor and f"{{#{section.anchor}}}" in line)
    return next(named, source.body_line)


def _followed_up(source: Source, day: dt.date) -> dt.date | None:
    """The day on which somebody looked into what became of it. Given if, and only if, there is such a part."""
    has_part = f"{{#{SINCE}}}" in source.body
    if "followed_up" not in source.front and not has_part:
        return None
    mend = "Give the day on which it was looked into, and write the part {#since}; or leave out both."
    if not has_part:
        raise source.fault(source.line_of("followed_up"), "What has become of it is missing.", mend)
    found = source.front.get("followed_up")
    # A time of day is a date to Python.
    if type(found) is not dt.date or found < day:
        raise source.fault(source.line_of("followed_up"), "“followed_up” gives no day since.", mend)
    return found
