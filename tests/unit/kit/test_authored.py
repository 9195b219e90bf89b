"""Every error of a file that people write is told at once, with its line and a hint."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from kit.authored import FileError, FileErrors, InvalidFile, parse_toml, read_toml
from kit.schemas import (
    Hint,
    Items,
    Line,
    RootTable,
    Table,
    Texts,
    build_schema_error,
    validate,
    validate_line,
)

WHOLE = """# a [comment] = 1
title = "[no] # header"
"quoted.key" = 1
dotted.key = 2
list = [
  "one", # ]
  'two "',
  { inner = 1, deep = [1,
2] },
]
long = \"\"\"
[no]
title = 3
\"\"\"
when = 2024-01-01 10:00:00

[table]
key = true
[[US.lines]]
name = "a"
[US.lines.call]
dial = "1"
[[ US . lines ]]
name = "b"
"""
LINES = {
    ("title",): 2,
    ("quoted.key",): 3,
    ("dotted", "key"): 4,
    ("list",): 5,
    ("list", 0): 6,
    ("list", 1): 7,
    ("list", 2, "inner"): 8,
    ("list", 2, "deep", 1): 9,
    ("long",): 11,
    ("when",): 15,
    ("table",): 17,
    ("table", "key"): 18,
    ("US", "lines", 0): 19,
    ("US", "lines", 0, "name"): 20,
    ("US", "lines", 0, "call", "dial"): 22,
    ("US", "lines", 1): 23,
    ("US", "lines", 1, "name"): 24,
    ("table", "missing"): 17,
    ("list", 2, "missing"): 8,
    ("missing", 3): 1,
}


class Entry(Table):
    id: Annotated[str, Hint("Give a short name.")]
    count: Annotated[int, Field(ge=1, le=5)] = 1


class File(Table):
    title: Line
    level: Literal[0, 1, "S"]
    day: dt.date
    words: Texts
    entries: Annotated[tuple[Entry, ...], Items]
    by_name: dict[str, Entry] = {}


def list_errors(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidFile) as invalid:
        validate(File, parse_toml(text, file="f.toml"))
    assert {error.file for error in invalid.value.errors} == {"f.toml"}
    return [(error.line, error.what, error.hint) for error in invalid.value.errors]


@pytest.mark.parametrize(("location", "line"), LINES.items())
def test_the_line_of_an_entry_or_of_the_table_around_it(location: tuple[str | int, ...], line: int) -> None:
    assert parse_toml(WHOLE, file="f.toml").get_line(location) == line
    assert parse_toml(WHOLE, file="f.md", first_line=2).get_line(location) == (line + 1 if line > 1 else 1)


@given(st.dictionaries(st.text("ab.\"'=[]#", min_size=1), st.text("ab\"'=[]{}#,\n"), min_size=1))
def test_every_key_is_found_whatever_stands_in_keys_and_texts(data: dict[str, str]) -> None:
    def quote(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    source = parse_toml("\n".join(f"{quote(key)} = {quote(data[key])}" for key in data), file="f")
    assert [source.get_line((key,)) for key in data if '"' not in key] == [
        line for line, key in enumerate(data, 1) if '"' not in key
    ]


def test_all_errors_are_told_at_once_in_the_order_of_the_lines() -> None:
    errors = list_errors(
        'title = ""\nlevel = 2\nday = 2024-01-01T10:00:00\nother = 1\nwords = ["a",\n7]\n'
        '[[entries]]\nid = 3\ncount = 9\n[[entries]]\ncount = "1"\n[by_name.k]\nid = "x"\ncount = true'
    )
    assert errors == [
        (1, "“title” is empty.", "Write it."),
        (2, "“level” is 2.", "Use one of: 0, 1 or 'S'."),
        (3, "“day” is not a date.", "Write it without quotes: day = 2026-11-23."),
        (4, "“other” is not a known entry.", "Use only: title, level, day, words, entries, by_name."),
        (6, "Entry 2 of “words” is not a text.", 'Write it in quotes: words = "…".'),
        (8, "“id” in “entries” is not a text.", "Give a short name."),
        (9, "“count” in “entries” is 9.", "Choose 5 or less."),
        (10, "“id” in “entries” is missing.", "Give a short name."),
        (11, "“count” in “entries” is not a whole number.", "Make it a whole number, without quotes."),
        (14, "“count” in “by_name.k” is not a whole number.", "Make it a whole number, without quotes."),
    ]


def test_an_empty_list_and_a_list_that_is_none() -> None:
    assert list_errors('title = "x"\nlevel = 0\nday = 2024-01-01\nwords = "abc"\nentries = []') == [
        (4, "“words” is not a list.", 'Write it as words = ["one", "two"].'),
        (5, "“entries” has 0 entries.", "Give 1 or more."),
    ]


def test_a_fault_of_a_validator_keeps_its_own_sentences() -> None:
    class Root(RootTable[dict[str, Entry]]):
        def model_post_init(self, _context: object) -> None:
            raise build_schema_error("It is wrong {as} written.", "Correct it.", at=("b", "id"))

    with pytest.raises(InvalidFile) as invalid:
        validate(Root, parse_toml('[a]\nid = "x"\n[b]\nid = "y"', file="f.toml"))
    assert invalid.value.errors == (FileError("f.toml", 4, "It is wrong {as} written.", "Correct it."),)


def test_values_of_one_line_have_that_line() -> None:
    with pytest.raises(InvalidFile, match=r"f\.md, line 7: “id” is missing\. Give a short name\."):
        validate_line(Entry, {}, file="f.md", line=7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = \n", "f.toml, line 2: This is not TOML"),
        (b"a = 1\nb = [\n", "f.toml, line 3: This is not TOML"),
        (b"a = " + b"[" * 5000, "f.toml, line 1: This is not TOML"),
        (b"a = " + b"9" * 5000, "f.toml, line 1: This is not TOML"),
        (b"a = 1\n\xff", "f.toml, line 2: This is not UTF-8"),
    ],
)
def test_a_file_that_is_not_toml_has_the_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_bytes(content)
    with pytest.raises(InvalidFile, match=message):
        read_toml(tmp_path / "f.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"f\.toml, line 1: It cannot be read: No such file"):
        read_toml(tmp_path / "f.toml")


def test_errors_of_several_files_are_sorted() -> None:
    errors = FileErrors()
    for file in ("b.toml", "a.toml"):
        assert errors.collect(lambda file=file: read_toml(Path("none") / file), 0) == 0  # type: ignore[misc]
    assert errors.collect(lambda: 1, 0) == 1
    with pytest.raises(InvalidFile) as invalid:
        errors.raise_any()
    assert [error.file for error in invalid.value.errors] == ["a.toml", "b.toml"]
