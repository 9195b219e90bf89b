"""Briefings on disk: `content/<language>/briefings/<date>-<slug>.md`, read and checked as a whole."""

import datetime as dt
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from courses.authoring.modules import list_named_sources
from courses.authoring.sections import Section, parse_sections
from courses.authoring.source import ContentFile, read_content_file
from kit.authored import FileError, FileErrors, InvalidFile

FOLDER = "briefings"
FILE_NAME = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)-(?=.{1,80}\.md)(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)\.md")
# A briefing cannot have these slugs: they are the addresses of the archive's feed and years.
RESERVED_SLUG = re.compile(r"feed|\d+")
PARTS = ["happened", "matters"]
SINCE = "since"
FOLLOWED_UP = "followed_up"
BLOCKS = {"prose", "reported"}


@dataclass(frozen=True)
class BriefingText:
    """One briefing in one language. The fields are those of its row."""

    language: str
    slug: str
    date: dt.date
    title: str
    summary: str
    sections: list[dict[str, Any]]
    sources: list[dict[str, str]]
    followed_up: dt.date | None


def read_briefings(root: Path) -> list[BriefingText]:
    """Read every briefing in every language. Raises InvalidFile with every error of every file."""
    errors, texts = FileErrors(), []
    slugs: set[tuple[str, str]] = set()
    for path in sorted(root.glob(f"*/{FOLDER}/*")):
        text = errors.collect(partial(read_briefing, path, root=root), None)
        if text is None:
            continue
        if (text.language, text.slug) in slugs:
            file = path.relative_to(root).as_posix()
            hint = "Choose another slug for the later one."
            errors.collected.append(FileError(file, 1, f"“{text.slug}” names two briefings.", hint))
        slugs.add((text.language, text.slug))
        texts.append(text)
    errors.raise_any()
    return texts


def read_briefing(path: Path, *, root: Path) -> BriefingText:
    """Read a briefing from its file. Raises InvalidFile with every error in it."""
    _parse_file_name(path.relative_to(root).as_posix())
    return parse_briefing(read_content_file(path, root=root))


def parse_briefing(source: ContentFile) -> BriefingText:
    """Parse a briefing. Its day and slug are in its file's name. Raises InvalidFile with every error in it."""
    from courses.authoring.schemas import BriefingFront  # noqa: PLC0415 - it imports pydantic

    errors = FileErrors()
    day, slug = _parse_file_name(source.file)
    sections = errors.collect(partial(_parse_parts, source, list_named_sources(source)), [])
    front = errors.collect(partial(source.read_front, BriefingFront), None)
    if front is not None:
        errors.collected += _find_follow_up_errors(source, day, front.followed_up)
    if front is None or errors.collected:
        raise InvalidFile(*errors.collected)
    return BriefingText(
        language=source.file.split("/")[0],
        slug=slug,
        date=day,
        title=front.title,
        summary=front.summary,
        sections=[section.as_json() for section in sections],
        sources=[entry.model_dump(exclude_none=True) for entry in front.sources],
        followed_up=front.followed_up,
    )


def _parse_file_name(file: str) -> tuple[dt.date, str]:
    """Return the day and the slug in a file's name. Raises InvalidFile if they are missing or not valid."""
    match = FILE_NAME.fullmatch(file.rpartition("/")[2])
    hint = "Name a briefing by its day and slug: 2023-12-06-a-table-of-scores.md."
    if match is None:
        raise InvalidFile(FileError(file, 1, "This file’s name has no day and slug.", hint))
    if RESERVED_SLUG.fullmatch(match["slug"]):
        raise InvalidFile(FileError(file, 1, f"“{match['slug']}” is taken.", "Choose another slug."))
    try:
        return dt.date.fromisoformat(match["date"]), match["slug"]
    except ValueError as error:
        raise InvalidFile(FileError(file, 1, f"There is no day {match['date']}.", hint)) from error


def _parse_parts(source: ContentFile, known: Container[object]) -> list[Section]:
    sections = parse_sections(source, known_sources=known)
    anchors = [section.anchor for section in sections]
    for section in sections:
        if section.anchor not in {*PARTS, SINCE}:
            hint = "Use only the parts {#happened} and {#matters}, and {#since} for a follow-up."
            raise source.build_error(_find_line(source, section), "This is not a part of a briefing.", hint)
        if any(block["kind"] not in BLOCKS for block in section.blocks):
            hint = "A briefing has text and “:::reported”, and no other block."
            raise source.build_error(
                _find_line(source, section), "This part has a block that only lessons may have.", hint
            )
    if anchors not in (PARTS, [*PARTS, SINCE]):
        hint = "First “## What happened {#happened}”, then “## Why it matters {#matters}”."
        raise source.build_error(
            source.body_line, "The two parts of a briefing are missing or not in order.", hint
        )
    return sections


def _find_line(source: ContentFile, section: Section) -> int:
    """Return the line of a section's heading; without a heading, the first line of the text."""
    lines = enumerate(source.body.split("\n"), source.body_line)
    named = (number for number, line in lines if section.anchor and f"{{#{section.anchor}}}" in line)
    return next(named, source.body_line)


def _find_follow_up_errors(
    source: ContentFile, day: dt.date, followed_up: dt.date | None
) -> Iterator[FileError]:
    """Yield an error unless a briefing has a follow-up part with its day, not before the briefing's own, or neither."""
    has_part = f"{{#{SINCE}}}" in source.body
    hint = "Give the day of the follow-up, and write the part {#since}; or leave out both."
    if has_part and followed_up is None:
        yield source.front.build_error((FOLLOWED_UP,), "The part {#since} has no “followed_up”.", hint)
    if followed_up is not None and not has_part:
        yield source.front.build_error((FOLLOWED_UP,), "The part {#since} is missing.", hint)
    elif followed_up is not None and followed_up < day:
        yield source.front.build_error(
            (FOLLOWED_UP,), "“followed_up” is before the briefing’s own day.", hint
        )
