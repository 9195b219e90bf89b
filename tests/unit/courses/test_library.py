"""Content errors name the file, the line and a hint."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from courses.authoring.modules import read_library
from kit.authored import InvalidFile
from tests.courses.copied import MODULE

Change = Callable[[str, str, str], int]
BIAS, QUIZ = "3-bias-in-bias-out.md", "quiz.md"

# The file, old text, new text, and message. A line of None means the changed line.
SLIPS = [
    ("module.md", 'title = "The good', 'titel = "The good', 1, "“title” is missing", "title = …"),
    ("module.md", 'title = "The good', f'title = "{"x" * 180} The good', None, "characters long", "to 200 characters"),
    ("module.md", "minutes = 30", "minutes = 0", None, "“minutes” is 0", "from 1 to 600"),
    ("module.md", "minutes = 30", 'minutes = "30"', None, "not a whole number", "Make it a whole number"),
    ("module.md", "order = 1", "order = ", None, "not TOML", "key = "),
    ("module.md", "+++\ntitle", "title", 1, "front matter is missing", "Begin the file with a line +++"),
    ("module.md", "\n+++\n\nYour teen", "\n\nYour teen", 1, "never ends", "Write a line +++"),
    ("module.md", "https://doi.org/10.1073", "http://doi.org/10.1073", None, "not an https address", "whole address"),
    ("module.md", 'unesco = "AI tech', 'unesko = "AI tech', 8, "“unesco” in “outcomes” is missing", "say, ailit"),
    ("module.md", 'id = "', "language = 'English'\nid = \"", None, "is “English”", "en, es"),
    (BIAS, "{#measured}", "", None, "no valid anchor", "{#bias}"),
    (BIAS, "{#measured}", "x" * 200 + " {#measured}", None, "characters long", "to 200 characters"),
    (BIAS, "{#measured}", "{#" + "m" * 81 + "}", None, "no valid anchor", "{#bias}"),
    (BIAS, "{#measured}", "{#Where From}", None, "no valid anchor", "{#bias}"),
    (BIAS, "{#measured}", "{#where-from}", None, "used twice", "another anchor"),
    (BIAS, "## It has been", "# It has been", None, "title belongs in its front matter", "“## ”"),
    (BIAS, ":::diagram bias", ":::diagram bia", None, "no diagram “bia”", "bias, loop, tokens, trained"),
    (BIAS, ":::diagram bias", ":::diagram", None, "“diagram” is missing", "bias, loop, tokens, trained"),
    (BIAS, ":::diagram bias", ":::lab bias", None, "no lab “bias”", "memory-price, sure-and-wrong, tokens"),
    (BIAS, ":::reported gender-shades", ":::reported gender-shade", None, "no source “gender-shade”", "[[sources]]"),
    (BIAS, ":::reported gender-shades", ":::reported", None, "“source” is missing", ":::reported the-id"),
    (BIAS, ":::reported gender-shades", ":::reportd gender-shades", None, "no block “reportd”", "agreement"),
    (BIAS, "\n---\n", "\n", 71, "myth has no fact", "a line “---”"),
    (BIAS, "smaller.\n:::", "smaller.\n", 71, "never closed", "“:::” below its last line"),
    (BIAS, "is it on somebody's side", "-", None, "has no words", "one question on each line"),
    (BIAS, "is it on somebody's side", "is it" + " on a side" * 12, None, "phrase is too long", "100 characters"),
    (BIAS, "it only showed white people", "is it on somebody's side", None, "used twice", "reword it"),
    ("5-talk-about-it.md", ":::starters 13 to 14", ":::starters", None, "“ages” is missing", "13 to 14"),
    ("5-talk-about-it.md", "- What is the strangest", "What is the strangest", None, "not a starter", "“- ”"),
    ("module.md", "minutes = 30", "minutes = 25", None, "take 30 minutes, and the module 25", "Write minutes = 30"),
    ("module.md", "order = ", 'was = ["A slug"]\norder = ', None, "“A slug” is not a slug", "had before"),
    ("module.md", "order = ", 'was = ["search"]\norder = ', 1, "“search” leads to two modules", "give only"),
    ("5-talk-about-it.md", ":::activity 10 Change", ":::activity Change", None, "“minutes” is not", ":::activity 10"),
    (QUIZ, ":::question next-word", ":::question", None, "“slug” is missing", "short slug"),
    (QUIZ, "- [x] It works out", "- [ ] It works out", 6, "0 options are right", "no other, with [x]"),
    (QUIZ, "- [ ] It searches", "- [x] It searches", 6, "2 options are right", "no other, with [x]"),
    (QUIZ, "- [ ] It searches", "- It searches", None, "not an option", "- [ ] text"),
    (QUIZ, "  Precision is cheap", "Precision is cheap", None, "belongs to no option", "two spaces"),
    (QUIZ, "  Worth knowing, but large companies made the products in that study.\n", "", 33, "no expl", "Explain"),
    (QUIZ, ":::question average", ":::question next-word", 1, "names two questions", "Rename"),
    (QUIZ, ":::question average", "Some prose.\n\n:::question average", None, "not a question", "only blocks"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "line", "what", "hint"), SLIPS)
def test_an_error_has_its_file_line_and_hint(
    file: str, old: str, new: str, line: int | None, what: str, hint: str, content: Path, change: Change
) -> None:
    changed_at = change(file, old, new)
    with pytest.raises(InvalidFile) as broken:
        read_library(content)
    [error] = [error for error in broken.value.errors if "is not a known entry" not in error.what]
    assert error.file == f"{MODULE}/{file}"
    assert error.line == (line or changed_at)
    assert what in error.what
    assert hint in error.hint
    assert re.fullmatch(r"en/\S+\.md, line \d+: .+\. .+[.”…]", str(error), re.DOTALL)


def test_a_misspelled_key_is_named_beside_the_one_that_is_missing(content: Path, change: Change) -> None:
    line = change("module.md", 'title = "The good', 'titel = "The good')
    with pytest.raises(InvalidFile) as broken:
        read_library(content)
    assert [(error.line, error.what) for error in broken.value.errors] == [
        (1, "“title” is missing."),
        (line, "“titel” is not a known entry."),
    ]


def test_every_error_of_one_front_matter_is_told_at_once(content: Path, change: Change) -> None:
    lines = [
        change("module.md", "minutes = 30", "minutes = 0"),
        change("module.md", 'ailit = "Engage"', "ailit = 3"),
        change("module.md", "https://doi.org/10.1073", "http://doi.org/10.1073"),
    ]
    with pytest.raises(InvalidFile) as broken:
        read_library(content)
    assert [error.line for error in broken.value.errors] == sorted(lines)


def test_every_slip_of_every_file_is_told_at_once(content: Path, change: Change) -> None:
    change(BIAS, "{#measured}", "")
    change(BIAS, ":::reported detectors", ":::reported detector")
    change(QUIZ, ":::question average", ":::question")
    with pytest.raises(InvalidFile) as broken:
        read_library(content)
    assert [(error.file.split("/")[-1]) for error in broken.value.errors] == [BIAS, BIAS, QUIZ]


class TestFiles:
    def test_a_module_without_a_lesson(self, content: Path) -> None:
        for path in (content / MODULE).glob("[0-9]-*.md"):
            path.unlink()
        assert "no lesson" in self.list_errors(content)

    def test_a_module_without_a_quiz(self, content: Path) -> None:
        (content / MODULE / QUIZ).unlink()
        assert "no quiz" in self.list_errors(content)

    def test_a_quiz_of_four(self, content: Path) -> None:
        path = content / MODULE / QUIZ
        path.write_text(path.read_text().split(":::question first-words")[0])
        assert "There are 4 questions." in self.list_errors(content)

    def test_two_lessons_with_one_number(self, content: Path) -> None:
        (content / MODULE / "2-good-at-and-bad-at.md").rename(content / MODULE / "3-a.md")
        assert "two lessons 3" in self.list_errors(content)

    def test_a_file_that_would_never_be_seen(self, content: Path) -> None:
        (content / MODULE / "notes.md").write_text("+++\n+++\n")
        assert "notes.md, line 1" in self.list_errors(content)

    @pytest.mark.parametrize("page", ["quiz", "print", "certificate", "together"])
    def test_a_lesson_that_hides_a_page_of_its_module(self, page: str, content: Path) -> None:
        (content / MODULE / "2-good-at-and-bad-at.md").rename(content / MODULE / f"2-{page}.md")
        assert f"“{page}” is taken" in self.list_errors(content)

    def test_a_file_that_is_not_utf8(self, content: Path) -> None:
        (content / MODULE / BIAS).write_bytes(b"+++\ntitle = 'a'\nminutes = 1\n+++\n\xff\n")
        assert f"{BIAS}, line 5: This is not UTF-8 text." in self.list_errors(content)

    def test_an_empty_lesson(self, content: Path) -> None:
        (content / MODULE / BIAS).write_text('+++\ntitle = "a"\nminutes = 1\n+++\n\n')
        assert "nothing to read" in self.list_errors(content)

    def test_no_module_at_all(self, tmp_path: Path) -> None:
        assert "no module" in self.list_errors(tmp_path)

    def list_errors(self, content: Path) -> str:
        with pytest.raises(InvalidFile) as broken:
            read_library(content)
        return str(broken.value)


def test_html_that_an_author_types_is_shown_as_typed(content: Path, change: Change) -> None:
    change(BIAS, "You need no statistics", "<script>alert(1)</script> [x](javascript:alert(1)) You need none")
    [module] = read_library(content)
    lesson = next(lesson for lesson in module.lessons if lesson.slug == "bias-in-bias-out")
    html = str([section.as_json() for section in lesson.sections])
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "&lt;script&gt;" in html


def test_an_earlier_slug_of_a_lesson_leads_to_one_lesson(content: Path, change: Change) -> None:
    change("1-what-it-is.md", "minutes = 5", 'was = ["quiz", "talk-about-it"]\nminutes = 5')
    with pytest.raises(InvalidFile) as broken:
        read_library(content)
    assert [error.file for error in broken.value.errors] == [f"{MODULE}/module.md"] * 2
    assert [error.what for error in broken.value.errors] == [
        "“quiz” leads to two lessons.",
        "“talk-about-it” leads to two lessons.",
    ]
