"""Separates a model's thinking from its answer while it streams."""

import re
from typing import NamedTuple

from inference.quirks import ANSWER_MARKERS, THINKING

_CLOSERS = frozenset(THINKING.values())
# Phi ends every answer with it, so without an opening tag it does not close any thinking.
_ENDS_ANSWERS = "<|end|>"
_TAGS = (*THINKING, *_CLOSERS, *ANSWER_MARKERS)
_TAG = re.compile("|".join(map(re.escape, sorted(_TAGS, key=len, reverse=True))), re.IGNORECASE)
# The characters that a tag can begin with. Most pieces have none of them.
_BEGINNING = re.compile("|".join({re.escape(tag[0]) for tag in _TAGS}))
_MAX_TAG_LENGTH = max(map(len, _TAGS))
# After one of these, a tag is quoted and not used.
_QUOTES = "`\"'“‘"


class Split(NamedTuple):
    """The parts of one piece. `retracts`: all of the answer so far was thinking too."""

    answer: str
    thinking: str
    retracts: bool = False


class ThinkingFilter:
    """Splits an answer's pieces into answer and thinking.

    With `thinks_first`, nothing is released until the thinking is closed or `finish` finds that there was none.
    """

    def __init__(self, *, thinks_first: bool) -> None:
        self.holds = thinks_first
        # Whether the answer began inside its thinking.
        self.began_inside = False
        self.has_thought = False
        self._closer = ""
        self._unread = ""
        self._last = ""

    def note_separate_thinking(self) -> None:
        """Note that the server sends thinking in a separate field, so all text is answer."""
        self.has_thought, self.holds = True, False

    def feed(self, text: str) -> Split:
        """Split the next piece. Holds back an end that may be the beginning of a tag."""
        if not self._unread and not self._closer and not self.holds and not _BEGINNING.search(text):
            self._last = text[-1:] or self._last
            return Split(text, "")
        self._unread += text
        answer, thinking, retracts = "", "", False
        while tag := self._find_next_tag():
            before, self._unread = self._unread[: tag.start()], self._unread[tag.end() :]
            name = tag.group().lower()
            if self._closer:
                thinking += before
                self._closer = ""
            elif name in ANSWER_MARKERS and not self.has_thought and not name.startswith("<|"):
                # HTML in an answer.
                answer += before + tag.group()
                continue
            elif name in _CLOSERS and name != _ENDS_ANSWERS and not self.has_thought:
                answer, thinking, retracts = "", thinking + answer + before, True
                self.began_inside = True
            else:
                answer += before
                self._closer = THINKING.get(name, "")
            self.has_thought |= name not in ANSWER_MARKERS and name != _ENDS_ANSWERS
            self.holds &= not self.has_thought
            self._last = ""
        rest = self._take_settled()
        if self._closer:
            thinking += rest
        else:
            answer += rest
            self._last = rest[-1:] or self._last
        return Split(answer, thinking, retracts)

    def finish(self, *, has_reached_limit: bool) -> Split:
        """Return the rest. If it was held back and the model reached its limit, it is thinking."""
        rest, self._unread = self._unread, ""
        is_thinking = bool(self._closer) or (self.holds and has_reached_limit)
        self.holds = False
        return Split("", rest) if is_thinking else Split(rest, "")

    def _find_next_tag(self) -> re.Match[str] | None:
        start = 0
        while tag := _TAG.search(self._unread, start):
            if self._closer:
                if tag.group().lower() == self._closer:
                    return tag
            elif (self._unread[tag.start() - 1] if tag.start() else self._last or " ") not in _QUOTES:
                return tag
            start = tag.end()
        return None

    def _take_settled(self) -> str:
        """Take the text that cannot become part of a tag; the rest stays unread."""
        if self.holds:
            return ""
        tail = self._unread[-_MAX_TAG_LENGTH:].lower()
        for start in range(len(tail)):
            if any(tag.startswith(tail[start:]) for tag in _TAGS):
                cut = len(self._unread) - len(tail) + start
                settled, self._unread = self._unread[:cut], self._unread[cut:]
                return settled
        settled, self._unread = self._unread, ""
        return settled
