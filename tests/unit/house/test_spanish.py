"""Every text on screen has a Spanish translation that follows docs/spanish.md."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.template.defaultfilters import floatformat
from django.utils import translation
from django.utils.formats import number_format

ROOT = Path(__file__).resolve().parents[3]
CATALOG = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"
# Parts that a translation must keep: placeholders, percent signs, tags, line breaks.
PARTS = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}|</?\w+[^>]*>|`[^`]+`|\n")


def messages() -> Iterator[Message]:
    with CATALOG.open("rb") as file:
        yield from (message for message in read_po(file, locale="es") if message.id)


def pairs() -> Iterator[tuple[str, str]]:
    """Yield each English text with its Spanish, for every plural form."""
    for message in messages():
        if isinstance(message.id, str):
            assert isinstance(message.string, str)
            yield message.id, message.string
        else:
            assert isinstance(message.string, tuple | list)
            yield from zip(message.id, message.string, strict=True)


def test_the_catalog_has_exactly_the_messages_on_screen(tmp_path: Path) -> None:
    """`make messages` must change nothing. If this fails, run it and translate the new messages."""
    shutil.copytree(ROOT / "locale", tmp_path / "locale")
    made = subprocess.run(
        ["make", "messages", f"LOCALE={tmp_path}/locale"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    fresh = (tmp_path / "locale" / CATALOG.relative_to(ROOT / "locale")).read_text()
    assert CATALOG.read_text() == fresh


def test_every_message_is_translated() -> None:
    assert [english for english, spanish in pairs() if not spanish.strip()] == []


def test_nothing_is_fuzzy() -> None:
    assert [message.id for message in messages() if message.fuzzy] == []


def test_placeholders_are_kept_in_spanish() -> None:
    wrong = [
        (english, spanish)
        for english, spanish in pairs()
        if sorted(PARTS.findall(english)) != sorted(PARTS.findall(spanish))
    ]
    assert wrong == []


def test_edges_and_quotation_marks_are_kept() -> None:
    def edges(words: str) -> tuple[int, int]:
        return len(words) - len(words.lstrip()), len(words) - len(words.rstrip())

    assert [english for english, spanish in pairs() if edges(english) != edges(spanish)] == []
    assert [spanish for _, spanish in pairs() if re.search("[«»!¡]", spanish)] == []
    quoted = [
        spanish
        for _, spanish in pairs()
        if spanish.count("“") != spanish.count("”") or spanish.count("?") > spanish.count("¿")
    ]
    assert quoted == []


@pytest.mark.parametrize(
    "word",
    [
        "ordenador(?:es)?", "móvil(?:es)?", "neveras?", "coches?", "deberes", "coger", "puls(?:ar|a|e|as)",
        r"rellen\w+", "fichero", "vídeos?", "costes?", "vosotros", "vuestr[oa]s?", "ustedes", "usted",
        r"\w+(?:áis|(?<!is)éis)",
    ],
)  # fmt: skip
def test_words_of_spain_are_not_used(word: str) -> None:
    assert [words for words in spanish_texts() if re.search(rf"\b{word}\b", words, re.IGNORECASE)] == []


def spanish_texts() -> list[str]:
    """Return the catalog's Spanish texts, and the lines of the reviewed ones."""
    reviewed = [
        line
        for path in sorted((ROOT / "platform").glob("*/data/*.es.toml"))
        for line in path.read_text().splitlines()
    ]
    assert reviewed
    return [*reviewed, *(spanish for _, spanish in pairs())]


class TestNumbers:
    """As in the United States and Mexico."""

    def test_have_a_comma_for_thousands_and_a_point_for_decimals(self) -> None:
        with translation.override("es"):
            assert number_format(1_458, force_grouping=True) == "1,458"
            assert floatformat(13.1, 1) == "13.1"

    @pytest.mark.parametrize(
        "wrong",
        [r"\d\s+%", r"\d,\d{1,2}(?!\d)", r"\d\.\d{3}\b"],
        ids=["13 %", "13,1", "1.458"],
    )
    def test_are_written_like_that_in_texts(self, wrong: str) -> None:
        assert [text for text in spanish_texts() if re.search(wrong, text)] == []


def test_the_compiled_catalog_is_current() -> None:
    with translation.override("es"):
        assert [
            english
            for message in messages()
            if isinstance(english := message.id, str)
            and not message.context
            and translation.gettext(english) != message.string
        ] == []
