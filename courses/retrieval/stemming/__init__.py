"""Cut and stem words as the text search of PostgreSQL does, without asking it.

`stop_words_*.txt` are PostgreSQL's own lists. tests/courses/test_stemming.py compares all of it with PostgreSQL.

Public: list_lexemes.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from courses.retrieval.stemming.english import stem_english
from courses.retrieval.stemming.spanish import stem_spanish

# In a word of letters, digits, "_" and "'", PostgreSQL's parser also ends a token after a number such as "1e5".
TOKEN = re.compile(r"[0-9]+e[0-9]+|[^\W_]+")
HAS_DIGIT = re.compile(r"[0-9]")
STEMMERS: dict[str, Callable[[str], str]] = {"en": stem_english, "es": stem_spanish}


def list_lexemes(word: str, language: str, known: Mapping[str, str]) -> list[str]:
    """Return the lexemes of a lowercase word of letters, digits, "_" and "'"; none of stop words.

    `known` has the lexemes of tokens that PostgreSQL has stemmed already. A language without a stemmer keeps its words.
    """
    lexemes = []
    for token in TOKEN.findall(word):
        if lexeme := known.get(token):
            lexemes.append(lexeme)
        elif language not in STEMMERS or HAS_DIGIT.search(token):
            lexemes.append(token)
        elif token not in _read_stop_words(language):
            lexemes.append(STEMMERS[language](token))
    return lexemes


@cache
def _read_stop_words(language: str) -> frozenset[str]:
    return frozenset(
        Path(__file__).with_name(f"stop_words_{language}.txt").read_text(encoding="utf-8").split()
    )
