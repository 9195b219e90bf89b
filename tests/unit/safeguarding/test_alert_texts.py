"""The texts of alerts: every language has the same, none says what a teen wrote, and each is marked as not reviewed."""

import tomllib

import pytest

from safeguarding.datafile import FOLDER, list_languages

LANGUAGES = list_languages("alerts")
FILES = {
    language: tomllib.loads((FOLDER / f"alerts.{language}.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES
}
NEVER_IN_A_MESSAGE = {
    "en": ("suicid", "self-harm", "kill", "die", "wrote", "said", "tutor"),
    "es": ("suicid", "autoles", "matar", "morir", "escrib", "dijo", "tutor"),
}


def test_every_language_of_the_site_has_them() -> None:
    assert LANGUAGES == ["en", "es"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_have_the_same_entries(language: str) -> None:
    def shape(table: object) -> object:
        return (
            {name: shape(value) for name, value in table.items()} if isinstance(table, dict) else type(table)
        )

    assert shape(FILES[language]) == shape(FILES["en"])
    assert FILES[language]["lesson"] == FILES["en"]["lesson"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_are_marked_as_not_reviewed(language: str) -> None:
    assert FILES[language]["reviewed"] is False


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", ["stated", "acute"])
def test_a_message_to_a_parent_says_nothing_of_what_was_written(level: str, language: str) -> None:
    text = " ".join(FILES[language][level].values()).lower()
    assert not [word for word in NEVER_IN_A_MESSAGE[language] if word in text]
