"""Briefings: parsed strictly like lessons, listed by year, and served as a feed."""

from pathlib import Path

import pytest

from courses.authoring.briefings import BriefingText, read_briefings
from courses.authoring.source import CONTENT_ROOT
from courses.markdown import extract_text
from kit.authored import InvalidFile
from tests.courses.copied import NAME, WHOLE

# The old text, the new text, the reported line, and the message.
SLIPS = [
    ('title = "One', 'titel = "One', 1, "“title” is missing"),
    ('summary = "It happened."', "summary = 3", 3, "“summary” is not a text"),
    ("https://example.org/", "http://example.org/", 9, "not an https address"),
    (":::reported it", ":::reported other", 14, "no source “other”"),
    ("{#happened}", "", 12, "no valid anchor"),
    ("{#happened}", "{#before}", 12, "not a part of a briefing"),
    ("## Why it matters {#matters}", "", 11, "missing or not in order"),
    ("It does.", ":::notice\nIt does.\n:::", 18, "a block that only lessons may have"),
    ("It does.", "It does.\n\n## Since {#since}\n\nMore.", 1, "has no “followed_up”"),
    ("[[sources]]", "followed_up = 2026-01-01\n[[sources]]", 4, "The part {#since} is missing"),
]


def followed_up(day: str) -> str:
    text = WHOLE.replace("[[sources]]", f"followed_up = {day}\n[[sources]]", 1)
    return f"{text}\n## What has become of it {{#since}}\n\nMore.\n"


class TestReading:
    def test_takes_the_day_and_the_slug_from_the_name(self, folder: Path, content: Path) -> None:
        (read,) = read_briefings(content)
        assert (read.date.isoformat(), read.slug, read.language) == ("2024-02-03", "one-thing", "en")
        assert read.followed_up is None

    def test_knows_the_date_of_the_follow_up(self, folder: Path, content: Path) -> None:
        (folder / NAME).write_text(followed_up("2026-01-02"))
        (read,) = read_briefings(content)
        assert str(read.followed_up) == "2026-01-02"
        assert [section["anchor"] for section in read.sections] == ["happened", "matters", "since"]

    @pytest.mark.parametrize("day", ["2024-02-02", '"soon"', "2026-01-02T10:00:00"])
    def test_a_day_that_cannot_be_is_an_error(self, day: str, folder: Path, content: Path) -> None:
        (folder / NAME).write_text(followed_up(day))
        with pytest.raises(InvalidFile, match=rf"{NAME}, line 4: “followed_up” is "):
            read_briefings(content)

    @pytest.mark.parametrize(("old", "new", "line", "message"), SLIPS)
    def test_a_slip_is_named_with_its_file_and_line(
        self, old: str, new: str, line: int, message: str, folder: Path, content: Path
    ) -> None:
        assert old in WHOLE
        (folder / NAME).write_text(WHOLE.replace(old, new, 1))
        with pytest.raises(InvalidFile) as broken:
            read_briefings(content)
        assert f"en/briefings/{NAME}, line {line}: " in str(broken.value)
        assert message in str(broken.value)

    @pytest.mark.parametrize(
        "name",
        [
            "one-thing.md", "2024-02-30-one-thing.md", "2024-02-03-feed.md", "2024-02-03-2024.md", "2024-02-03-One.md",
            "module.md", "2024-02-03-one.txt", "2024-05-05-one-thing.md",
        ],
    )  # fmt: skip
    def test_a_name_that_gives_no_address_of_its_own_is_a_slip(
        self, name: str, folder: Path, content: Path
    ) -> None:
        (folder / name).write_text(WHOLE)
        with pytest.raises(InvalidFile, match=f"en/briefings/{name}, line 1"):
            read_briefings(content)


@pytest.mark.parametrize("text", read_briefings(CONTENT_ROOT), ids=lambda text: text.slug)
def test_as_delivered_each_names_what_it_cites_and_raises_no_exclamation_marks(text: BriefingText) -> None:
    sections, sources = text.sections, text.sources
    blocks = [block for section in sections for block in section["blocks"]]
    assert "!" not in " ".join(extract_text(block["html"]) for block in blocks)
    assert {block["source"] for block in blocks if block["kind"] == "reported"} <= {
        source["id"] for source in sources
    }
    assert all("20" in source["date"] for source in sources)
