"""Measures words, minutes and reading level of modules, briefings and pages: `python -m benchmarks.reading_level`.

English: the Flesch-Kincaid grade (Kincaid and others, Naval Technical Training Command report 8-75, 1975), in US school
grades: 0.39 · words a sentence + 11.8 · syllables a word − 15.59. Aim: 9 or less for parents, 7 or less for teens.
Spanish: perspicuity (Szigriszt Pazos, 1993), 206.835 − 62.3 · syllables a word − words a sentence; by the INFLESZ scale
(Barrio, 2008) 55 and more is what most can read, 65 and more is easy.

Syllables are counted by rule. On the words of the English lessons the rule counts 0.7% more than the CMU Pronouncing
Dictionary does, a tenth of a grade too hard; a number counts a syllable a digit.
"""

import html
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from courses.authoring.modules import ModuleText

WORD = re.compile(r"[\w’']+")
SENTENCE_END = re.compile(r"[.?!](?=[\s”»)]|$)")
# Silent reading of non-fiction in English (Brysbaert, Journal of Memory and Language 109, 2019).
WORDS_PER_MINUTE = 238

VOWELS = re.compile(r"[aeiouy]+")
ENDING = re.compile(r"['’](?:s|ll|re|ve|d|m)$")
SILENT = re.compile(r"(?:[^aeiouyl]e|[^aeiouytd]ed|[^aeiouylszxcg]es|[aeiouy]les?)$")
APART = re.compile(r"(?<![tscg])i[ao]|[^qg]ua|[ey]ing")

# A weak vowel joins its neighbor unless it has an accent; the u of que and gue is silent.
SPANISH = re.compile(r"[iuüy]?[aeoáéíóú](?:[iuy](?![aeoáéíóú]))?|[iuüy]+")
UNSAID = re.compile(r"(?<=[qg])u(?=[eiéí])")


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade of an English text of at least one word."""
    words: list[str] = WORD.findall(text)
    return (
        0.39 * len(words) / _count_sentences(text)
        + 11.8 * sum(map(_count_syllables, words)) / len(words)
        - 15.59
    )


def perspicuity(text: str) -> float:
    """Return the readability of a Spanish text of at least one word, from 0 to about 100; higher is easier."""
    words: list[str] = WORD.findall(text)
    syllables = sum(_count_spanish_syllables(word) for word in words)
    return 206.835 - 62.3 * syllables / len(words) - len(words) / _count_sentences(text)


def _count_sentences(text: str) -> int:
    return max(1, len(SENTENCE_END.findall(text)))


def _count_syllables(word: str) -> int:
    letters = re.sub(r"[^a-z]", "", ENDING.sub("", word.lower()))
    if not letters:
        return max(1, sum(character.isdigit() for character in word))
    count = len(VOWELS.findall(letters)) - bool(SILENT.search(letters)) + len(APART.findall(letters))
    return max(1, count)


def _count_spanish_syllables(word: str) -> int:
    digits = sum(character.isdigit() for character in word)
    return max(1, digits + len(SPANISH.findall(UNSAID.sub("", word.lower()))))


BLOCK = re.compile(r"<(p|li|dd|dt|td|h[1-6])\b[^>]*>(.*?)</\1>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
# Shorter text is a heading or a name, which would make a page look easier than it is.
SHORTEST_SENTENCE = 4


def read_words(page: str) -> str:
    """Return the sentences of a page's main block."""
    own = page[page.index("<main") : page.index("</main>")]
    texts = (" ".join(html.unescape(TAG.sub("", match[2])).split()) for match in BLOCK.finditer(own))
    return _join_sentences(text for text in texts if len(WORD.findall(text)) >= SHORTEST_SENTENCE)


PAGES = ("/privacy", "/help/protocol", "/help/", "/about")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.test import Client

    from courses.authoring.briefings import read_briefings
    from courses.authoring.modules import read_library
    from courses.authoring.source import CONTENT_ROOT
    from courses.markdown import extract_text
    from families.consent_texts import get_current_text

    for module in read_library():
        texts = list_texts(module)
        for name, text in texts.items():
            print(_format_row(f"{module.language}/{module.slug}/{name}", text, module.language))
        whole = _format_row(f"{module.language}/{module.slug}", " ".join(texts.values()), module.language)
        print(f"{whole}  said to take {module.minutes} min")
    for briefing in read_briefings(CONTENT_ROOT):
        text = _join_sentences(
            extract_text(block["html"]) for section in briefing.sections for block in section["blocks"]
        )
        print(_format_row(f"{briefing.language}/{briefing.slug}", text, briefing.language))
    for path in PAGES:
        print(_format_row(path, read_words(Client(HTTP_HOST="localhost").get(path).content.decode()), "en"))
    print(_format_row("consent", " ".join(get_current_text().points), "en"))


def list_texts(module: "ModuleText") -> dict[str, str]:
    """Return the sentences of each lesson, by slug, and of the quiz."""
    from courses.markdown import extract_text

    texts = {
        lesson.slug: _join_sentences(section.text for section in lesson.sections) for lesson in module.lessons
    }
    texts["quiz"] = _join_sentences(
        extract_text(words)
        for question in module.questions
        for words in (question["html"], *(option["explanation"] for option in question["options"]))
    )
    return texts


def _format_row(name: str, text: str, language: str) -> str:
    words = len(WORD.findall(text))
    level = f"perspicuity {perspicuity(text):3.0f}" if language == "es" else f"grade {grade(text):4.1f}"
    return f"{name:50} {words:5} words {words / WORDS_PER_MINUTE:5.1f} min  {level}"


def _join_sentences(texts: Iterable[str]) -> str:
    return " ".join(text if text.endswith((".", "?", "”")) else f"{text}." for text in texts)


if __name__ == "__main__":
    main()
