"""The consent texts and the ages of consent: every error is told at once, with its file, line and hint."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from families import consent_texts, consents
from kit.authored import InvalidFile


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of consent texts to change."""
    for path in consent_texts.DATA.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr(consent_texts, "DATA", tmp_path)
    consent_texts.list_texts.cache_clear()
    yield tmp_path
    consent_texts.list_texts.cache_clear()


def test_every_error_of_every_text_is_told(texts: Path) -> None:
    for name, old, new in [
        ("2026-11-23.en.toml", "title =", "titel ="),
        ("2026-11-23.es.toml", "points = [", "points = [\n  3,"),
    ]:
        path = texts / name
        path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InvalidFile) as invalid:
        consent_texts.list_texts()
    assert [str(error) for error in invalid.value.errors] == [
        "2026-11-23.en.toml, line 1: “title” is missing. Add it: title = …",
        "2026-11-23.en.toml, line 4: “titel” is not a known entry. Use only: version, title, points, covers_review.",
        '2026-11-23.es.toml, line 5: Entry 1 of “points” is not a text. Write it in quotes: points = "…".',
    ]


def test_a_text_has_the_version_of_its_files_name(texts: Path) -> None:
    (texts / "2026-11-23.en.toml").rename(texts / "2026-12-01.en.toml")
    with pytest.raises(InvalidFile, match=r"2026-12-01\.en\.toml, line 3: “version” is 2026-11-23"):
        consent_texts.list_texts()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("US = 13", "ages.toml, line 1: “default” is missing"),
        (
            "default = 16\nUS = '13'",
            "ages.toml, line 2: “US” is not a whole number. Give the age in whole years",
        ),
        ("default = 16\nUS = 130", "ages.toml, line 2: “US” is 130. Give the age in whole years"),
        (
            "default = 16\nUSA = 13",
            "ages.toml, line 2: “USA” cannot be a key here. Name a country by its ISO 3166 code",
        ),
    ],
)
def test_a_broken_table_of_ages_has_the_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ages.toml").write_text(text)
    monkeypatch.setattr(consents, "AGES", tmp_path / "ages.toml")
    consents._load_consent_ages.cache_clear()
    with pytest.raises(InvalidFile, match=message):
        consents.get_own_consent_age("US")
    consents._load_consent_ages.cache_clear()
