"""Splits a model's answer into sentences while it streams, so that each can be judged once it is finished."""

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from guard.verdict import Verdict

# Judges one finished sentence of an answer. Its evidence, if any, has offsets into the sentence.
type SentenceJudge = Callable[[str], Verdict]


class AnswerJudge(Protocol):
    """Judges one finished sentence of an answer with the question that it answers.

    If `is_question_ordinary`, a quicker look may do.
    """

    def __call__(self, *, question: str, sentence: str, is_question_ordinary: bool) -> Verdict: ...


# A longer sentence ends at the next space, or in the middle of a word after this many characters.
MAX_SENTENCE_WORDS = 40
MAX_SENTENCE_LENGTH = 400

_TOKEN = re.compile(
    r"""(?P<line> \n )
      | (?P<space> [^\S\n]+ )
      | (?P<formula> \\[()\[\]] | \$\$ )
      | (?P<end> [.!?…]{1,20} ["'”’»)\]*_~`]{0,10} )
      | (?P<wide_end> [。！？] [”’」』）]{0,10} )""",
    re.VERBOSE,
)
# The next piece may make these longer, or another token.
_MAY_GROW = re.compile(r"""(?: \\ | \$ | [.!?…]+["'”’»)\]*_~`]* | [。！？][”’」』）]* )\Z""", re.VERBOSE)
# How many characters of a line tell whether it is a fence, a heading or a table's row.
_LINE_BEGINNING = 3
_CODE_FENCE = re.compile(r"\s*(?:```|~~~)")
_ROW_OR_HEADING = re.compile(r"\s*(?P<sign>[|#])")
_LIST_NUMBER = re.compile(r"[\W_]*\d{1,3}")
# How many characters after a line's end tell whether its sentence goes on.
_MAX_INDENT = 40
_FORMULA_ENDS = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}
_LAST_WORD = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)*\Z")
_MAX_ABBREVIATION_LENGTH = 12
# A point after them does not end a sentence. "etc." is missing because it often does.
_ABBREVIATIONS = frozenset({
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "approx", "dept", "jr", "fig", "vol",
    "sr", "sra", "srta", "dra", "profa", "ud", "uds", "pág", "págs", "núm", "ej", "aprox", "tel", "av", "dpto",
})  # fmt: skip


class SentenceSplitter:
    """Splits a growing text into sentences, which joined together are the text.

    The result does not depend on how the text is cut into pieces. A sentence begins with the space before it. It ends:

    - with its mark, except within a formula, code or a table's row, or after an abbreviation or a list's number
    - with its line, unless the next line goes on with a lowercase letter. Code goes on until an empty line
    - before the first space after MAX_SENTENCE_WORDS words, or after MAX_SENTENCE_LENGTH characters

    At most MAX_SENTENCE_LENGTH characters, and the last word or mark, wait for the end of their sentence.
    """

    def __init__(self) -> None:
        self._text = ""
        # Offsets into the text: the unfinished sentence, what was not read yet, and the line.
        self._start = self._position = self._line_start = 0
        self._words = 0
        self._is_line_start = True
        self._is_code = self._is_fence = self._is_row = self._is_heading = False
        # The mark that ends the formula, or "".
        self._formula_end = ""

    def feed(self, text: str) -> list[str]:
        """Take the next piece. Returns the sentences that it finished."""
        return self._split(text, is_complete=False)

    def finish(self) -> list[str]:
        """End the text. Returns its last sentences."""
        sentences = self._split("", is_complete=True)
        rest = self._text[self._start :]
        self._text, self._start, self._position = "", 0, 0
        return [*sentences, rest] if rest else sentences

    def _split(self, text: str, *, is_complete: bool) -> list[str]:
        self._text += text
        sentences = []
        for end in self._find_ends(is_complete=is_complete):
            sentences.append(self._text[self._start : end])
            self._start, self._words = end, 0
        # Keep the beginning of the line while the sentence is on it.
        self._text = self._text[self._start :]
        self._position -= self._start
        self._line_start -= self._start
        self._start = 0
        return sentences

    def _find_ends(self, *, is_complete: bool) -> Iterator[int]:
        while self._position < len(self._text):
            if self._is_line_start and not self._begin_line(is_complete=is_complete):
                return
            token = _TOKEN.search(self._text, self._position)
            hard_end = self._start + MAX_SENTENCE_LENGTH
            certain_end = token.start() if token else self._find_certain_end(is_complete=is_complete)
            if certain_end > hard_end:
                self._position = max(self._position, hard_end)
                yield hard_end
                continue
            if not token:
                self._position = certain_end
                return
            if (
                not is_complete
                and token.end() == len(self._text)
                and _MAY_GROW.match(self._text, token.start())
            ):
                self._position = token.start()
                return
            if token.lastgroup == "line":
                end = self._read_line_end(token.start(), is_complete=is_complete)
                if end is None:
                    self._position = token.start()
                    return
            else:
                end = self._read_token(token)
                self._position = token.end()
            if end and self._text[self._start : end].strip():
                yield end

    def _find_certain_end(self, *, is_complete: bool) -> int:
        """Return the end of the text, without a last character that may begin a mark."""
        growing = (
            None if is_complete else _MAY_GROW.search(self._text, max(self._position, len(self._text) - 1))
        )
        return growing.start() if growing else len(self._text)

    def _begin_line(self, *, is_complete: bool) -> bool:
        """Find out what kind of line begins. Returns whether enough of it is known."""
        line_end = self._text.find("\n", self._line_start)
        beginning = self._text[self._line_start : line_end if line_end >= 0 else None]
        is_known = line_end >= 0 or len(beginning.lstrip()) >= _LINE_BEGINNING or len(beginning) > _MAX_INDENT
        if not is_known and not is_complete:
            return False
        self._is_line_start = False
        self._is_fence = bool(_CODE_FENCE.match(beginning[: _MAX_INDENT + 1]))
        if self._is_fence:
            self._is_code = not self._is_code
        sign = None if self._is_code else _ROW_OR_HEADING.match(beginning[: _MAX_INDENT + 1])
        self._is_row = sign is not None and sign["sign"] == "|"
        self._is_heading = sign is not None and sign["sign"] == "#"
        return True

    def _read_line_end(self, position: int, *, is_complete: bool) -> int | None:
        """Return where the sentence ends that the line ends, or 0 if it goes on; None if that is not known yet."""
        is_blank = self._is_whole_line and not self._text[self._line_start : position].strip()
        goes_on = False
        if not is_blank and not self._ends_with_line:
            follows = self._follows_on_next_line(position + 1, is_complete=is_complete)
            if follows is None:
                return None
            goes_on = self._is_code or bool(self._formula_end) or follows
        if is_blank or self._formula_end == r"\)":
            self._formula_end = ""
        ends_by_length = self._count_word(position)
        self._position = self._line_start = position + 1
        self._is_line_start = True
        return 0 if goes_on and not ends_by_length else position

    @property
    def _is_whole_line(self) -> bool:
        """Whether the sentence has all of its line so far."""
        return self._line_start >= self._start

    @property
    def _ends_with_line(self) -> bool:
        """Whether nothing of the sentence can follow on the next line."""
        return self._is_heading or self._is_row or (self._is_fence and not self._is_code)

    def _follows_on_next_line(self, position: int, *, is_complete: bool) -> bool | None:
        """Return whether the sentence goes on with a lowercase letter; None if that is not known yet."""
        window = self._text[position : position + _MAX_INDENT + 1]
        begins = window.lstrip(" \t")
        if not begins and not is_complete and len(window) <= _MAX_INDENT:
            return None
        return begins[:1].islower()

    def _read_token(self, token: re.Match[str]) -> int:
        """Return where the sentence ends that the token ends, or 0."""
        position, end = token.span()
        match token.lastgroup:
            case "space":
                return position if self._count_word(position) else 0
            case "formula":
                self._read_formula_mark(token[0])
                return 0
            case "wide_end":
                return 0 if self._is_code or self._formula_end else end
        if self._is_code or self._is_row or self._formula_end:
            return 0
        is_followed = end < len(self._text) and not self._text[end].isspace()
        if is_followed or (token[0].rstrip("*_") == "." and self._is_abbreviated(position)):
            return 0
        return end

    def _count_word(self, position: int) -> bool:
        """Count the word before `position`, if there is one. Returns whether the sentence is as long as it may be."""
        if position > self._start and not self._text[position - 1].isspace():
            self._words += 1
        return self._words >= MAX_SENTENCE_WORDS

    def _read_formula_mark(self, mark: str) -> None:
        if self._is_code:
            return
        if self._formula_end:
            if mark == self._formula_end:
                self._formula_end = ""
        else:
            self._formula_end = _FORMULA_ENDS.get(mark, "")

    def _is_abbreviated(self, position: int) -> bool:
        """Return whether the point at `position` belongs to an abbreviation, an initial or a list number."""
        if self._is_whole_line and _LIST_NUMBER.fullmatch(self._text, self._line_start, position):
            return True
        start = max(self._start, position - _MAX_ABBREVIATION_LENGTH)
        word = _LAST_WORD.search(self._text, start, position)
        if not word or word[0] == "I":
            return False
        parts = word[0].casefold().split(".")
        has_short_parts = len(parts) > 1 and all(len(part) <= 2 for part in parts)  # noqa: PLR2004
        return len(word[0]) == 1 or has_short_parts or parts[-1] in _ABBREVIATIONS


def split_finished_sentences(text: str) -> list[str]:
    """Split a whole text into sentences, which joined together are the text."""
    splitter = SentenceSplitter()
    return [*splitter.feed(text), *splitter.finish()]
