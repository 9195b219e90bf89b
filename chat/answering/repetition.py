"""Notices while an answer is written that it only repeats itself, as small models do until they reach their limit.

Good answers repeat themselves too: refrains, tables, code, sums, a song's "la la la". So only what comes back many
times in a row counts, and code and tables are not read at all.
"""

import re
from collections import Counter, deque
from collections.abc import Sequence

# How many times in a row a phrase of so many words must come: a longer one fewer times.
COPIES_OF_PHRASE = {1: 12, 2: 8, 3: 6, 4: 5} | dict.fromkeys(range(5, 17), 4)
# "la la la" and "ha ha ha" go on for longer.
SYLLABLE_LENGTH, COPIES_OF_SYLLABLE = 3, 24
# So does arithmetic: "2 times 2 times 2".
FORMULA_FACTOR = 4

# How many times in a row a block of so many sentences or lines must come. Songs have a line three times.
COPIES_OF_BLOCK = {1: 4} | dict.fromkeys(range(2, 9), 3)
# Shorter blocks, or blocks of shorter lines, are the answers of a list ("yes", "true").
MIN_BLOCK_WORDS, MIN_LINE_WORDS = 4, 2
# Blocks of so many list items that differ only in their numbers: "Day 3: Review", "Day 4: Review" … A week has seven.
COPIES_OF_ITEMS = dict.fromkeys(range(1, 5), 8)
# How often a long sentence may come in one answer, with others in between.
LONG_SENTENCE_WORDS, MOST_LONG_SENTENCES = 8, 3

# Letters within a word: "selfselfself", or "aaaa" and "hahaha", which people write too.
COPIES_OF_LETTERS, COPIES_OF_FEW_LETTERS = 6, 20
LONGEST_LETTERS, FEW_LETTERS = 24, 2
# Only the end of a longer word or sentence is read.
MAX_WORD_LENGTH, MAX_SENTENCE_LENGTH = LONGEST_LETTERS * COPIES_OF_LETTERS, 4000
_REPEATED_LETTERS = re.compile(
    rf"([^\W\d_]{{{FEW_LETTERS + 1},{LONGEST_LETTERS}}}?)\1{{{COPIES_OF_LETTERS - 1}}}"
    rf"|([^\W\d_]{{1,{FEW_LETTERS}}}?)\2{{{COPIES_OF_FEW_LETTERS - 1}}}"
)
# A strand of DNA or RNA.
_STRAND = re.compile("[ACGTU]+")

_TOKEN = re.compile(
    r"""(?P<word> \\?[^\W_]+ (?: ['’] [^\W_]+ )* ) | (?P<end> [.!?…]+ ["'”’»)*_]* ) | (?P<line> \n )""",
    re.VERBOSE,
)
_ENDED = re.compile(r"""[.!?…]["'”’»)*_]*\s*$""")
_CODE_FENCE = re.compile(r"\s*(?:```|~~~)")
_NOT_PROSE = re.compile(r"\s*\|")
# How many characters of a line tell whether it is a fence or a table's row.
_LINE_BEGINNING = 3
# As in "12)", "- Day 8-9:", "**Step 4:**".
_NUMBER_LABEL = re.compile(r"[\W_]*(?:\w+\s+)?\d+(?:\s*[-–]\s*\d+)?\s*[.):]+")
# Not a sentence of its own.
_ITEM_NUMBER = re.compile(r"[\W_]*\d+[.)]\s*")
_SYMBOL = re.compile(r"\\.*|.*\d.*|[^aeiouyáéíóú\W]", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:\s*[-–]\s*\d+)?")
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}")


class _Sequence:
    """Words, sentences or lines, and for how long each period has repeated itself."""

    def __init__(self, longest_period: int) -> None:
        self.items: deque[str] = deque(maxlen=longest_period)
        self._starts: deque[int] = deque()
        self._repeated = [0] * (longest_period + 1)

    def add(self, item: str, start: int) -> list[tuple[int, int]]:
        """Add the item that starts at the offset `start`. Return the periods that repeat, with their whole copies."""
        for period in range(1, len(self._repeated)):
            is_same = period <= len(self.items) and self.items[-period] == item
            self._repeated[period] = self._repeated[period] + 1 if is_same else 0
        self.items.append(item)
        self._starts.append(start)
        return [
            (period, 1 + repeated // period)
            for period, repeated in enumerate(self._repeated)
            if period and repeated >= period
        ]

    def get_phrase(self, period: int) -> list[str]:
        return list(self.items)[-period:]

    def find_second_copy(self, period: int) -> int:
        """Return the offset at which a repeating period begins to repeat."""
        return self._starts[-self._repeated[period]]

    def clear(self) -> None:
        self.items.clear()
        self._starts.clear()
        self._repeated = [0] * len(self._repeated)


class RepetitionDetector:
    """Reads one answer piece by piece. The work of a piece does not grow with the text before it."""

    def __init__(self) -> None:
        self._words = _Sequence(max(COPIES_OF_PHRASE))
        self._blocks = _Sequence(max(COPIES_OF_BLOCK))
        self._items = _Sequence(max(COPIES_OF_ITEMS))
        self._long_sentences: Counter[str] = Counter()
        # The sentence or line that is being read, and its offset in the answer.
        self._text, self._offset = "", 0
        self._place = 0
        self._sentence: list[str] = []
        self._is_line_start, self._is_code = True, False
        # Where the last sentences and lines ended: a place to end the answer.
        self._ends = [0]

    def feed(self, text: str) -> int | None:
        """Take the next piece. Return how many characters of the answer to keep, once it only repeats itself.

        They end with the last whole sentence or line before the repetition. If there is none, they end with what is
        then repeated.
        """
        self._text += text
        found = self._read_tokens()
        if self._place > MAX_SENTENCE_LENGTH:
            self._begin_sentence(self._place)
        return None if found is None else self._find_end(found)

    def find_last_end(self) -> int:
        """Return where the last whole sentence or line of an answer ends that has ended. 0 if it has none."""
        if _ENDED.search(self._text) and not _ITEM_NUMBER.fullmatch(self._text):
            return self._offset + len(self._text)
        return self._ends[-1]

    def _read_tokens(self) -> int | None:
        """Read what the last piece has completed. Returns the offset at which the answer begins to repeat itself."""
        while self._place < len(self._text):
            if self._is_line_start:
                if not self._begin_line():
                    return None
                continue
            token = _TOKEN.search(self._text, self._place)
            if not token:
                self._place = len(self._text)
                return None
            self._place = token.start()
            if token.lastgroup != "line" and self._may_grow(token):
                return self._find_growing_letters(token)
            if (found := self._read(token)) is not None:
                return found
        return None

    def _begin_line(self) -> bool:
        """Skip a line of code or of a table. Returns whether enough of the line is known."""
        end = self._text.find("\n", self._place)
        beginning = self._text[self._place : end if end >= 0 else None]
        if end < 0 and len(beginning.lstrip()) < _LINE_BEGINNING:
            return False
        is_fence = bool(_CODE_FENCE.match(beginning))
        if not (is_fence or self._is_code or _NOT_PROSE.match(beginning)):
            self._is_line_start = False
            return True
        if end < 0:
            return False
        self._is_code ^= is_fence
        for sequence in (self._words, self._blocks, self._items):
            sequence.clear()
        self._begin_sentence(end + 1)
        return True

    def _may_grow(self, token: re.Match[str]) -> bool:
        """Whether the next piece may add to the token at the end of the text so far."""
        rest = self._text[token.end() : token.end() + 2]
        return not rest or (token.lastgroup == "word" and rest in {"'", "’"})

    def _read(self, token: re.Match[str]) -> int | None:
        """Read a token. Returns the offset at which the answer begins to repeat itself, if it does."""
        self._place = token.end()
        start = self._offset + token.start()
        if token.lastgroup == "word":
            return self._read_word(token[0], start)
        if token.lastgroup == "line":
            self._is_line_start = True
        elif not self._text[self._place].isspace():
            # The point of "3.5" or of an address.
            return None
        return self._end_sentence(is_whole=token.lastgroup == "end")

    def _read_word(self, word: str, start: int) -> int | None:
        if letters := _find_repeated_letters(word):
            return start + letters
        word = word.casefold()
        self._sentence.append(word)
        for period, copies in self._words.add(word, start):
            if copies >= _count_needed_copies(self._words.get_phrase(period)):
                return self._words.find_second_copy(period)
        return None

    def _find_growing_letters(self, token: re.Match[str]) -> int | None:
        """Do not wait for the end of a word that repeats its letters, because it may never come."""
        letters = _find_repeated_letters(token[0])
        found = self._offset + self._place + letters if letters else None
        self._place = max(self._place, token.end() - MAX_WORD_LENGTH)
        return found

    def _end_sentence(self, *, is_whole: bool) -> int | None:
        written, words, start = self._text[: self._place], self._sentence, self._offset
        self._begin_sentence(self._place)
        found = self._find_repeated_block(written, words, start, is_whole=is_whole)
        if found is None and not _ITEM_NUMBER.fullmatch(written):
            self._ends.append(self._offset)
        return found

    def _begin_sentence(self, place: int) -> None:
        self._offset += place
        self._text, self._place, self._sentence = self._text[place:], 0, []

    def _find_repeated_block(
        self, written: str, words: Sequence[str], start: int, *, is_whole: bool
    ) -> int | None:
        sentence = " ".join(words)
        if not _TWO_LETTERS.search(sentence):
            return None
        for period, copies in self._blocks.add(sentence, start):
            size = sum(len(part.split()) for part in self._blocks.get_phrase(period))
            if copies >= COPIES_OF_BLOCK[period] and size >= max(MIN_BLOCK_WORDS, period * MIN_LINE_WORDS):
                return self._blocks.find_second_copy(period)
        if is_whole and len(words) >= LONG_SENTENCE_WORDS:
            self._long_sentences[sentence] += 1
            if self._long_sentences[sentence] > MOST_LONG_SENTENCES:
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
            if copies >= COPIES_OF_ITEMS[period]:
                return self._items.find_second_copy(period)
        return None

    def _find_end(self, repeated_from: int) -> int:
        """Return the end of the last whole sentence or line up to there; up to there if that would leave nothing."""
        return next((end for end in reversed(self._ends) if end <= repeated_from), 0) or repeated_from


def _find_repeated_letters(word: str) -> int:
    """Return the length of the word up to the end of the letters that it repeats; 0 if it does not."""
    if len(word) < COPIES_OF_LETTERS * (FEW_LETTERS + 1) or _STRAND.fullmatch(word):
        return 0
    found = _REPEATED_LETTERS.search(word.casefold())
    return found.start() + len(found[1] or found[2]) if found else 0


def _count_needed_copies(phrase: Sequence[str]) -> int:
    needed = COPIES_OF_PHRASE[len(phrase)]
    if not any(_TWO_LETTERS.search(word) for word in phrase) or any(map(_SYMBOL.fullmatch, phrase)):
        return needed * FORMULA_FACTOR
    if all(len(word) <= SYLLABLE_LENGTH for word in phrase):
        return max(needed, COPIES_OF_SYLLABLE // len(phrase))
    return needed
