"""Chooses which of a person's own sentences are worth remembering in a conversation. Pure: no model, no database.

A sentence with a personal detail, or with anything that the guard's rules mark, is never chosen: when in doubt it is
left out. The phrases are in note_cues.toml.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import models
from django.utils.translation import gettext_lazy as _

from guard import Level, judge_by_rules
from kit.folding import FoldedText, fold
from kit.lazy import load_once

MAX_NOTE_LENGTH = 160
MAX_NOTES_PER_QUESTION = 3

_CUES = Path(__file__).with_name("note_cues.toml")
_MAX_READ_LENGTH = 8192
_MAX_LINE_LENGTH = 2000
"""A longer line is not something that a person typed."""
_MAX_SENTENCE_LENGTH = 320
_MIN_NOTE_WORDS = 3
# Pasted prose is long, and a person's own words stand before or after it.
_MAX_SENTENCES, _SENTENCES_AT_EACH_END = 8, 3
_MIN_NUMBERED_LINES = 2
"""So many numbered lines are a worksheet."""
_MAX_SENTENCES_OF_SHORT = 4
"""In a longer text, what is not about the person's own work may be pasted."""
_MAX_TITLE_LENGTH = 60
_MIN_PART_LENGTH = 40
"""A clause shorter than this is not cut off a long sentence: it would lose what matters."""

_FENCE = re.compile(r"(?:```|~~~)")
_QUOTE = re.compile(r"[\"“«„][^\"”»“«„]{12,}+[\"”»“]?")
_NUMBERED = re.compile(r"\s{0,8}(?:\d{1,3}|[a-hA-H])[.)]\s")
_SENTENCE_END = re.compile(
    r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bMrs)(?<!\bSra)(?<!\bSr)([.!?…]++)(?=\s|$)|(?=[¿¡])"
)
_CLAUSE_END = re.compile(r"[,;]\s|\s(?=(?:and|but|so|because|y|pero|porque|así que)\s)")
_CAPITALIZED = r"[A-ZÁÉÍÓÚÑ][a-záéíóúñ]+"
_NAME_BESIDE = re.compile(
    r"(?i:\b(?:teacher|coach|prof(?:e|esor|esora)?|maestr[oa]|director|don|doña|with|con|(?:me|yo|I) (?:and|y))) "
    rf"{_CAPITALIZED}"
    rf"|\b{_CAPITALIZED} (?:and|y) (?:I|me|yo)\b"
)
_COMPARED = re.compile(r"(?i:\b(?:compar|contrast|mix|mezcl)\w*\b.*)")
_WORK = re.compile(
    r"\b(?:essay|report|book|project|poster|presentation|play|ensayo|reporte|libro|proyecto|trabajo)\b"
)
_HE_OR_SHE = re.compile(r"\b(?:he|she|him|his|hers?|hes|shes)\b")
_QUOTE_MARKS = ("…", '"', "“", "”", "‘", "'", "«", "„", "(")
_UNSAID = {"Cc", "Cf", "Cs", "Co", "Cn"}


class NoteKind(models.TextChoices):
    """What a note is about. The values are stored."""

    GOAL = "goal", _("goal")
    GRADE = "grade", _("grade")
    TRIED = "tried", _("what was tried")
    FACT = "fact", _("fact")
    WISH = "wish", _("wish")


@dataclass(frozen=True)
class NoteCandidate:
    """A person's own sentence: one line of at most MAX_NOTE_LENGTH characters."""

    kind: NoteKind
    text: str


@dataclass(frozen=True)
class _Cues:
    kinds: tuple[tuple[NoteKind, re.Pattern[str]], ...]
    lead_in: re.Pattern[str]
    question: re.Pattern[str]
    goes_on: re.Pattern[str]
    asks: re.Pattern[str]
    empty: re.Pattern[str]
    own: re.Pattern[str]
    injection: re.Pattern[str]
    code: re.Pattern[str]
    letter: re.Pattern[str]
    personal: re.Pattern[str]
    name: re.Pattern[str]
    topic_name: re.Pattern[str]


def choose_notes(question: str) -> list[NoteCandidate]:
    """Return the sentences of a question to remember, in its order; an empty list for most questions."""
    notes: dict[str, NoteCandidate] = {}
    text = question[:_MAX_READ_LENGTH]
    if len(text.split(None, _MIN_NOTE_WORDS)) < 2 or _is_injection(text):  # noqa: PLR2004
        return []
    # A phrase of danger may span sentences.
    if judge_by_rules(text[:_MAX_LINE_LENGTH]).level >= Level.HINTS:
        return []
    sentences = _list_own_sentences(text)
    is_long = len(sentences) > _MAX_SENTENCES_OF_SHORT
    for sentence in sentences:
        note = _choose_note(sentence, is_long=is_long)
        if note and len(notes) < MAX_NOTES_PER_QUESTION:
            notes.setdefault(note.text.casefold(), note)
    return list(notes.values())


def has_personal_detail(text: str) -> bool:
    """Return whether a text seems to tell who someone is or how they live. When in doubt, it does.

    That is also the answer for a text much longer than any note, which is not read.
    """
    if len(text) > _MAX_SENTENCE_LENGTH:
        return True
    cues, folded = _load_cues(), fold(text).text
    if cues.personal.search(folded) or _NAME_BESIDE.search(_COMPARED.sub("", text)):
        return True
    topics = len(cues.topic_name.findall(folded)) if _WORK.search(folded) else 0
    if len(cues.name.findall(folded)) > topics:
        return True
    verdict = judge_by_rules(text)
    return bool(verdict.categories) or verdict.level > Level.NONE


def _is_injection(text: str) -> bool:
    """Return whether a message tries to steer the model, so that none of it is taken as the person's own."""
    injection = _load_cues().injection
    return any(injection.search(fold(line[:_MAX_LINE_LENGTH]).text) for line in text.splitlines())


def _list_own_sentences(text: str) -> list[str]:
    """Return the sentences that a person seems to have typed, without questions, and of a long text only its ends."""
    sentences = [sentence for line in _list_own_lines(text) for sentence in _split_line(line)]
    if len(sentences) > _MAX_SENTENCES:
        sentences = [*sentences[:_SENTENCES_AT_EACH_END], *sentences[-_SENTENCES_AT_EACH_END:]]
    return [_tidy(sentence) for sentence in sentences if len(sentence) <= _MAX_SENTENCE_LENGTH]


def _list_own_lines(text: str) -> Iterator[str]:
    """Yield the lines that are not code, a quotation, a worksheet or a log; none at all of a letter."""
    cues = _load_cues()
    prose = "\n".join(_FENCE.split(text)[::2])
    lines = [line for line in prose.splitlines() if line.strip() and len(line) <= _MAX_LINE_LENGTH]
    if any(cues.letter.search(fold(line[:60]).text) for line in lines) and len(lines) > 1:
        return
    is_worksheet = sum(bool(_NUMBERED.match(line)) for line in lines) >= _MIN_NUMBERED_LINES
    for line in lines:
        is_pasted = line.lstrip().startswith((">", "|")) or (is_worksheet and _NUMBERED.match(line))
        if not is_pasted and not cues.code.search(line.lower()):
            yield _QUOTE.sub(_remove_long_quote, line)


def _remove_long_quote(quote: re.Match[str]) -> str:
    """Keep a title in quotation marks; remove what was copied."""
    is_title = len(quote[0]) <= _MAX_TITLE_LENGTH and not _SENTENCE_END.search(quote[0].rstrip('"”»“'))
    return quote[0] if is_title else " "


def _split_line(line: str) -> Iterator[str]:
    """Yield the sentences of a line with their end marks."""
    start = 0
    for match in _SENTENCE_END.finditer(line):
        if line[start : match.end()].strip():
            yield line[start : match.end()].strip()
        start = match.end()
    if line[start:].strip():
        yield line[start:].strip()


def _tidy(text: str) -> str:
    """Return a text on one line without control, invisible and unpaired characters."""
    seen = (" " if character.isspace() else character for character in text)
    return " ".join(
        "".join(part for part in seen if part == " " or unicodedata.category(part) not in _UNSAID).split()
    )


def _choose_note(sentence: str, *, is_long: bool) -> NoteCandidate | None:
    statement = _strip_question(_strip_lead_ins(sentence))
    if len(statement.split()) < _MIN_NOTE_WORDS - 1 or sentence.startswith(_QUOTE_MARKS):
        return None
    folded = fold(statement).text
    kind = _find_kind(folded)
    if kind is None or (is_long and kind is NoteKind.FACT and not _load_cues().own.match(folded)):
        return None
    return None if has_personal_detail(sentence) else NoteCandidate(kind, _shorten(statement))


def _find_kind(folded: str) -> NoteKind | None:
    cues = _load_cues()
    kind = next((kind for kind, pattern in cues.kinds if pattern.match(folded)), None)
    if _HE_OR_SHE.search(folded) or (kind in {NoteKind.GOAL, NoteKind.TRIED} and cues.empty.search(folded)):
        return None
    return kind


def _strip_lead_ins(sentence: str) -> str:
    """Remove what stands before a statement and carries nothing, as in "ok so"."""
    cues, folded = _load_cues(), fold(sentence)
    match = cues.lead_in.match(folded.text)
    return _slice(sentence, folded, match.end() if match else 0, len(folded.text))


def _strip_question(sentence: str) -> str:
    """Return the statement before a question in the same sentence, or "" if all of it is a question."""
    cues, folded = _load_cues(), fold(sentence)
    if cues.asks.match(folded.text):
        return ""
    for match in cues.question.finditer(folded.text):
        if not cues.goes_on.search(folded.text[: match.start()]):
            return _slice(sentence, folded, 0, match.start()).rstrip(" ,;:-")
    return "" if sentence.endswith("?") else sentence.strip().rstrip(",;:-")


def _slice(text: str, folded: FoldedText, start: int, end: int) -> str:
    return text[folded.offsets[start] : folded.offsets[end]].strip()


def _shorten(text: str) -> str:
    """Cut a long statement at the end of a clause, or at a word."""
    if len(text) <= MAX_NOTE_LENGTH:
        return text
    ends = [match.start() for match in _CLAUSE_END.finditer(text, _MIN_PART_LENGTH, MAX_NOTE_LENGTH)]
    if ends:
        return text[: ends[-1]].rstrip()
    return text[: MAX_NOTE_LENGTH - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


@load_once
def _load_cues() -> _Cues:
    data = tomllib.loads(_CUES.read_text(encoding="utf-8"))
    sets, other, personal = data["sets"], data["other"], data["personal"]

    def read(*patterns: str, flags: int = 0) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{_fill(pattern, sets)})" for pattern in patterns), flags)

    names = rf"\b(?:{'|'.join(personal['names'].split())})\b"
    return _Cues(
        kinds=tuple((NoteKind(kind), read(*patterns)) for kind, patterns in data["kinds"].items()),
        lead_in=read(rf"\W*(?:{other['lead_in']})*+"),
        question=read(rf"[\s,;:.-]++(?:so |and |then |entonces |y )?(?:{other['question']})"),
        goes_on=read(rf"\b(?:{other['before_question']})\W*$"),
        asks=read(other["asks"]),
        empty=read(rf"\b{other['before_empty']} {other['empty']}[.! ]*$"),
        own=read(other["own"]),
        injection=read(*other["injection"]),
        code=read(other["code"]),
        letter=read(other["letter"]),
        personal=read(*personal["cues"]),
        name=read(names),
        topic_name=read(rf"\b{personal['topic']} {names} (?!and\b|y\b|who\b|is\b)\w{{3,}}"),
    )


def _fill(pattern: str, sets: dict[str, str]) -> str:
    """Replace the names of sets by their patterns. Sets may contain those before them."""
    for name in reversed(sets):
        pattern = pattern.replace(f"<{name}>", sets[name])
    return pattern
