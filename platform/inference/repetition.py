"""Detects, while an answer is being written, that it only repeats itself, as small models do until they reach their
limit.

Good answers repeat themselves too: refrains, tables, code, sums, a song's "la la la". So only what comes back many
times in a row counts, and code and tables are not read at all.
"""

import re
from collections import Counter, deque
from collections.abc import Sequence

# How many copies of a phrase in a row count as repetition, by its number of words.
PHRASE_COPIES = {1: 12, 2: 8, 3: 6, 4: 5} | dict.fromkeys(range(5, 17), 4)
# Phrases of short words ("la la la", "ha ha ha") count only from this many words in a row.
SYLLABLE_LENGTH, MIN_SYLLABLES = 3, 24
# Formulas repeat too ("2 times 2 times 2"): they need this many times as many copies.
FORMULA_FACTOR = 4

# The same for a block of sentences or lines, by their number. A song may repeat a line three times.
BLOCK_COPIES = {1: 4} | dict.fromkeys(range(2, 9), 3)
# Shorter blocks, or blocks of shorter lines, are the answers of a list ("yes", "true").
MIN_BLOCK_WORDS, MIN_WORDS_PER_LINE = 4, 2
# The same for list items that differ only in their numbers ("Day 3: Review", "Day 4: Review" …), by how many items
# repeat together. Eight copies, because a week has seven days.
ITEM_COPIES = dict.fromkeys(range(1, 5), 8)
# How often a long sentence may come in one answer, with others in between.
LONG_SENTENCE_WORDS, MAX_LONG_SENTENCE_COPIES = 8, 3

# Letters that a word repeats ("selfselfself"). One or two ("aaaa", "hahaha") need more copies: people write them too.
LETTERS_COPIES, SHORT_LETTERS_COPIES = 6, 20
MAX_LETTERS_LENGTH, SHORT_LETTERS_LENGTH = 24, 2
# Only the end of a longer word or sentence is read.
MAX_WORD_LENGTH, MAX_SENTENCE_LENGTH = MAX_LETTERS_LENGTH * LETTERS_COPIES, 4000
_REPEATED_LETTERS = re.compile(
    rf"([^\W\d_]{{{SHORT_LETTERS_LENGTH + 1},{MAX_LETTERS_LENGTH}}}?)\1{{{LETTERS_COPIES - 1}}}"
    rf"|([^\W\d_]{{1,{SHORT_LETTERS_LENGTH}}}?)\2{{{SHORT_LETTERS_COPIES - 1}}}"
)
# DNA or RNA.
_DNA = re.compile("[ACGTU]+")

# Lexical tokens, not the model's.
_TOKEN = re.compile(
    r"""(?P<word> \\?[^\W_]+ (?: ['’] [^\W_]+ )* ) | (?P<end> [.!?…]+ ["'”’»)*_]* ) | (?P<line> \n )""",
    re.VERBOSE,
)
_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)*_]*\s*$""")
_CODE_FENCE = re.compile(r"\s*(?:```|~~~)")
_TABLE_ROW = re.compile(r"\s*\|")
# How many characters of a line tell whether it is a fence or a table's row.
_LINE_BEGINNING = 3
# As in "12)", "- Day 8-9:", "**Step 4:**".
_NUMBER_LABEL = re.compile(r"[\W_]*(?:\w+\s+)?\d+(?:\s*[-–]\s*\d+)?\s*[.):]+")
# The number of a list item, as in "3.": its full stop ends no sentence.
_ITEM_NUMBER = re.compile(r"[\W_]*\d+[.)]\s*")
# A word of a formula: a LaTeX command, anything with a digit, or a single consonant.
_SYMBOL = re.compile(r"\\.*|.*\d.*|[^aeiouyáéíóú\W]", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:\s*[-–]\s*\d+)?")
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}")


class _PeriodCounter:
    """Counts, for each period p, how many of the latest items in a row equal the item p places before.

    `A B A B A` has repeated 3 items with period 2. The items are words, sentences, lines or list items.
    """

    def __init__(self, longest_period: int) -> None:
        self.recent: deque[str] = deque(maxlen=longest_period)
        self._starts: deque[int] = deque()
        self._repeated = [0] * (longest_period + 1)

    def add(self, item: str, start: int) -> list[tuple[int, int]]:
        """Add the item that starts at the offset `start`. Return the periods that repeat, with their whole copies."""
        for period in range(1, len(self._repeated)):
            is_same = period <= len(self.recent) and self.recent[-period] == item
            self._repeated[period] = self._repeated[period] + 1 if is_same else 0
        self.recent.append(item)
        self._starts.append(start)
        return [
            (period, 1 + repeated // period)
            for period, repeated in enumerate(self._repeated)
            if period and repeated >= period
        ]

    def get_last(self, period: int) -> list[str]:
        return list(self.recent)[-period:]

    def get_second_copy_start(self, period: int) -> int:
        """Return the offset at which a repeating period begins to repeat."""
        return self._starts[-self._repeated[period]]

    def clear(self) -> None:
        self.recent.clear()
        self._starts.clear()
        self._repeated = [0] * len(self._repeated)


class RepetitionDetector:
    """Reads one answer piece by piece. The work of a piece does not grow with the text before it."""

    def __init__(self) -> None:
        self._words = _PeriodCounter(max(PHRASE_COPIES))
        self._blocks = _PeriodCounter(max(BLOCK_COPIES))
        self._items = _PeriodCounter(max(ITEM_COPIES))
        self._long_sentences: Counter[str] = Counter()
        # The sentence or line that is being read, and its offset in the answer.
        self._text, self._offset = "", 0
        # Up to where `_text` has been read.
        self._position = 0
        self._sentence: list[str] = []
        self._is_line_start, self._is_code = True, False
        # Where sentences and lines ended: the answer can be cut there.
        self._ends = [0]

    def feed(self, text: str) -> int | None:
        """Take the next piece. Return None, or, once the answer only repeats itself, how many characters to keep.

        They end with the last whole sentence or line before the repetition, or else with one copy of what is repeated.
        """
        self._text += text
        found = self._read_tokens()
        if self._position > MAX_SENTENCE_LENGTH:
            self._begin_sentence(self._position)
        return None if found is None else self._get_end(found)

    def get_last_end(self) -> int:
        """Return where the last whole sentence or line of an answer ends; 0 if it has none. Call it at the end."""
        if _SENTENCE_END.search(self._text) and not _ITEM_NUMBER.fullmatch(self._text):
            return self._offset + len(self._text)
        return self._ends[-1]

    def _read_tokens(self) -> int | None:
        """Read what the last piece has completed. Returns the offset at which the answer begins to repeat itself."""
        while self._position < len(self._text):
            if self._is_line_start:
                if not self._begin_line():
                    return None
                continue
            token = _TOKEN.search(self._text, self._position)
            if not token:
                self._position = len(self._text)
                return None
            self._position = token.start()
            if token.lastgroup != "line" and self._may_grow(token):
                return self._find_growing_letters(token)
            if (found := self._read_token(token)) is not None:
                return found
        return None

    def _begin_line(self) -> bool:
        """Skip the line that begins here if it is code or a table row. Returns False if more of it must come first."""
        end = self._text.find("\n", self._position)
        beginning = self._text[self._position : end if end >= 0 else None]
        if end < 0 and len(beginning.lstrip()) < _LINE_BEGINNING:
            return False
        is_fence = bool(_CODE_FENCE.match(beginning))
        if not (is_fence or self._is_code or _TABLE_ROW.match(beginning)):
            self._is_line_start = False
            return True
        if end < 0:
            return False
        self._is_code ^= is_fence
        for counter in (self._words, self._blocks, self._items):
            counter.clear()
        self._begin_sentence(end + 1)
        return True

    def _may_grow(self, token: re.Match[str]) -> bool:
        """Return whether the next piece may add to the token at the end of the text so far."""
        rest = self._text[token.end() : token.end() + 2]
        return not rest or (token.lastgroup == "word" and rest in {"'", "’"})

    def _read_token(self, token: re.Match[str]) -> int | None:
        """Read a token. Returns the offset at which the answer begins to repeat itself, if it does."""
        self._position = token.end()
        start = self._offset + token.start()
        if token.lastgroup == "word":
            return self._read_word(token[0], start)
        if token.lastgroup == "line":
            self._is_line_start = True
        elif not self._text[self._position].isspace():
            # The point in "3.5" or in an address.
            return None
        return self._end_sentence(is_whole=token.lastgroup == "end")

    def _read_word(self, word: str, start: int) -> int | None:
        if repeat := _get_repeat_offset(word):
            return start + repeat
        word = word.casefold()
        self._sentence.append(word)
        for period, copies in self._words.add(word, start):
            if copies >= _count_needed_copies(self._words.get_last(period)):
                return self._words.get_second_copy_start(period)
        return None

    def _find_growing_letters(self, token: re.Match[str]) -> int | None:
        """Return the offset at which the unfinished last word begins to repeat its letters, or None.

        The end of such a word may never come.
        """
        repeat = _get_repeat_offset(token[0])
        found = self._offset + self._position + repeat if repeat else None
        self._position = max(self._position, token.end() - MAX_WORD_LENGTH)
        return found

    def _end_sentence(self, *, is_whole: bool) -> int | None:
        written, words, start = self._text[: self._position], self._sentence, self._offset
        self._begin_sentence(self._position)
        found = self._find_repeated_block(written, words, start, is_whole=is_whole)
        if found is None and not _ITEM_NUMBER.fullmatch(written):
            self._ends.append(self._offset)
        return found

    def _begin_sentence(self, position: int) -> None:
        self._offset += position
        self._text, self._position, self._sentence = self._text[position:], 0, []

    def _find_repeated_block(
        self, written: str, words: Sequence[str], start: int, *, is_whole: bool
    ) -> int | None:
        sentence = " ".join(words)
        if not _TWO_LETTERS.search(sentence):
            return None
        for period, copies in self._blocks.add(sentence, start):
            size = sum(len(part.split()) for part in self._blocks.get_last(period))
            if copies >= BLOCK_COPIES[period] and size >= max(MIN_BLOCK_WORDS, period * MIN_WORDS_PER_LINE):
                return self._blocks.get_second_copy_start(period)
        if is_whole and len(words) >= LONG_SENTENCE_WORDS:
            self._long_sentences[sentence] += 1
            if self._long_sentences[sentence] > MAX_LONG_SENTENCE_COPIES:
                return start
        return self._find_repeated_item(written, start)

    def _find_repeated_item(self, written: str, start: int) -> int | None:
        label = _NUMBER_LABEL.match(written)
        # Without its number, so that "Day 1:", "Day 2:" … repeat too.
        item = _DIGITS.sub("", label[0]) + written[label.end() :].strip().casefold() if label else ""
        if not _TWO_LETTERS.search(item):
            self._items.clear()
            return None
        for period, copies in self._items.add(item, start):
            if copies >= ITEM_COPIES[period]:
                return self._items.get_second_copy_start(period)
        return None

    def _get_end(self, repeated_from: int) -> int:
        """Return the end of the last whole sentence or line at or before `repeated_from`, or else `repeated_from`."""
        return next((end for end in reversed(self._ends) if end <= repeated_from), 0) or repeated_from


def _get_repeat_offset(word: str) -> int:
    """Return the offset in a word at which it begins to repeat its letters; 0 if it does not."""
    if len(word) < LETTERS_COPIES * (SHORT_LETTERS_LENGTH + 1) or _DNA.fullmatch(word):
        return 0
    found = _REPEATED_LETTERS.search(word.casefold())
    return found.start() + len(found[1] or found[2]) if found else 0


def _count_needed_copies(phrase: Sequence[str]) -> int:
    """Return how many copies of a phrase in a row mean that the answer only repeats itself.

    Formulas and short words need more.
    """
    needed = PHRASE_COPIES[len(phrase)]
    if not any(_TWO_LETTERS.search(word) for word in phrase) or any(map(_SYMBOL.fullmatch, phrase)):
        return needed * FORMULA_FACTOR
    if all(len(word) <= SYLLABLE_LENGTH for word in phrase):
        return max(needed, MIN_SYLLABLES // len(phrase))
    return needed
