"""The reading level of every lesson and quiz: `python -m benchmarks.reading_level`.

The Automated Readability Index (Smith and Senter, AMRL-TR-66-220, 1967) in US school grades:
4.71 · characters a word + 0.5 · words a sentence − 21.43. It needs no list of syllables.
"""

import os
import re
from collections.abc import Iterable

import django

WORD = re.compile(r"[\w’']+")
SENTENCE_END = re.compile(r"[.?!:](?=[\s”)]|$)")


def grade(text: str) -> float:
    """The index of a text of at least one word. Letters and digits count as characters."""
    words: list[str] = WORD.findall(text)
    characters = sum(character.isalnum() for word in words for character in word)
    sentences = max(1, len(SENTENCE_END.findall(text)))
    return 4.71 * characters / len(words) + 0.5 * len(words) / sentences - 21.43


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from courses.library import library_read
    from courses.markdown import plain_of

    for module in library_read():
        texts = {
            lesson.slug: _sentences(section.text for section in lesson.sections) for lesson in module.lessons
        }
        texts["quiz"] = _sentences(
            plain_of(html)
            for question in module.questions
            for html in (question["html"], *(option["explanation"] for option in question["options"]))
        )
        texts["all"] = " ".join(texts.values())
        for name, text in texts.items():
            words = len(WORD.findall(text))
            print(f"{module.language}/{module.slug:14} {name:20} {words:5} words  grade {grade(text):4.1f}")


def _sentences(texts: Iterable[str]) -> str:
    return " ".join(text if text.endswith((".", "?", "”")) else f"{text}." for text in texts)


if __name__ == "__main__":
    main()
