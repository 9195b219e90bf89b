"""The reading level of every lesson, quiz, briefing, and page of promises: `python -m benchmarks.reading_level`.

The Automated Readability Index (Smith and Senter, AMRL-TR-66-220, 1967) in US school grades:
4.71 · characters a word + 0.5 · words a sentence − 21.43. It needs no list of syllables.
"""

import html
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


BLOCK = re.compile(r"<(p|li|dd|dt|td|h[1-6])\b[^>]*>(.*?)</\1>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
# What is shorter is a heading or a name, and would make a text look easier than it is.
SHORTEST_SENTENCE = 4


def words_of(page: str) -> str:
    """The sentences of a page's own part."""
    own = page[page.index("<main") : page.index("</main>")]
    texts = (" ".join(html.unescape(TAG.sub("", found[2])).split()) for found in BLOCK.finditer(own))
    return _sentences(text for text in texts if len(WORD.findall(text)) >= SHORTEST_SENTENCE)


PAGES = ("/privacy", "/help/protocol", "/help/", "/about")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.test import Client

    from courses.briefings.reading import briefings_read
    from courses.library import CONTENT, library_read
    from courses.markdown import plain_of
    from families.consents import text_now

    for module in library_read():
        texts = {
            lesson.slug: _sentences(section.text for section in lesson.sections) for lesson in module.lessons
        }
        texts["quiz"] = _sentences(
            plain_of(words)
            for question in module.questions
            for words in (question["html"], *(option["explanation"] for option in question["options"]))
        )
        texts["all"] = " ".join(texts.values())
        for name, text in texts.items():
            words = len(WORD.findall(text))
            print(f"{module.language}/{module.slug:14} {name:20} {words:5} words  grade {grade(text):4.1f}")
    for briefing in briefings_read(CONTENT):
        text = _sentences(
            plain_of(block["html"]) for section in briefing.sections for block in section["blocks"]
        )
        words = len(WORD.findall(text))
        print(f"{briefing.language}/{briefing.slug:35} {words:5} words  grade {grade(text):4.1f}")
    for path in PAGES:
        text = words_of(Client(HTTP_HOST="localhost").get(path).content.decode())
        print(f"{path:34} {len(WORD.findall(text)):6} words  grade {grade(text):4.1f}")
    consent = " ".join(text_now().points)
    print(f"{'consent':34} {len(WORD.findall(consent)):6} words  grade {grade(consent):4.1f}")


def _sentences(texts: Iterable[str]) -> str:
    return " ".join(text if text.endswith((".", "?", "”")) else f"{text}." for text in texts)


if __name__ == "__main__":
    main()
