"""Keeps a model's thinking out of its answer, however it is cut into pieces."""

import re
from typing import NamedTuple

from inference.quirks import ANSWER_MARKERS, THINKING

_CLOSERS = frozenset(THINKING.values())
# Phi ends every answer with it, so that alone it closes no thinking.
_ENDS_ANSWERS = "<|end|>"
_TAGS = (*THINKING, *_CLOSERS, *ANSWER_MARKERS)
_TAG = re.compile("|".join(map(re.escape, sorted(_TAGS, key=len, reverse=True))), re.IGNORECASE)
# Most pieces hold none of the signs that a tag begins with.
_BEGINNING = re.compile("|".join({re.escape(tag[0]) for tag in _TAGS}))
_LONGEST = max(map(len, _TAGS))
# After one of these a tag is spoken of, and not used.
_QUOTES = "`\"'“‘"


class Split(NamedTuple):
    """One piece, taken apart. `retracts` says that all of the answer before it was thinking too."""

    answer: str
    thought: str
    retracts: bool = False


class ThinkingFilter:
    """Takes an answer's pieces apart into answer and thinking.

    With `thinks_first` nothing is let through until the thinking has been closed, or `finish` says that there was none.
    """

    def __init__(self, *, thinks_first: bool) -> None:
        self.holds = thinks_first
        # Whether the answer turned out to begin inside its thinking.
        self.began_inside = False
        self.has_thought = False
        self._closer = ""
        self._unread = ""
        self._last = ""

    def note_thought(self) -> None:
        """The server sends the model's thinking apart, so that the text is answer from its beginning."""
        self.has_thought, self.holds = True, False

    def feed(self, text: str) -> Split:
        """Take the next piece apart. The end of one that may still become a tag waits for the next."""
        if not self._unread and not self._closer and not self.holds and not _BEGINNING.search(text):
            self._last = text[-1:] or self._last
            return Split(text, "")
        self._unread += text
        answer, thought, retracts = "", "", False
        while tag := self._next_tag():
            before, self._unread = self._unread[: tag.start()], self._unread[tag.end() :]
            name = tag.group().lower()
            if self._closer:
                thought += before
                self._closer = ""
            elif name in ANSWER_MARKERS and not self.has_thought and not name.startswith("<|"):
                # HTML that a lesson may show.
                answer += before + tag.group()
                continue
            elif name in _CLOSERS and name != _ENDS_ANSWERS and not self.has_thought:
                answer, thought, retracts = "", thought + answer + before, True
                self.began_inside = True
            else:
                answer += before
                self._closer = THINKING.get(name, "")
            self.has_thought |= name not in ANSWER_MARKERS and name != _ENDS_ANSWERS
            self.holds &= not self.has_thought
            self._last = ""
        rest = self._settled()
        if self._closer:
            thought += rest
        else:
            answer += rest
            self._last = rest[-1:] or self._last
        return Split(answer, thought, retracts)

    def finish(self, *, reached_limit: bool) -> Split:
        """What is left at the end. Where it was held and the model ran out of room, it was thinking still."""
        rest, self._unread = self._unread, ""
        is_thought = bool(self._closer) or (self.holds and reached_limit)
        self.holds = False
        return Split("", rest) if is_thought else Split(rest, "")

    def _next_tag(self) -> re.Match[str] | None:
        start = 0
        while tag := _TAG.search(self._unread, start):
            if self._closer:
                if tag.group().lower() == self._closer:
                    return tag
            elif (self._unread[tag.start() - 1] if tag.start() else self._last or " ") not in _QUOTES:
                return tag
            start = tag.end()
        return None

    def _settled(self) -> str:
        """What of the unread text cannot become a tag any more; the rest stays unread."""
        if self.holds:
            return ""
        tail = self._unread[-_LONGEST:].lower()
        for start in range(len(tail)):
            if any(tag.startswith(tail[start:]) for tag in _TAGS):
                cut = len(self._unread) - len(tail) + start
                settled, self._unread = self._unread[:cut], self._unread[cut:]
                return settled
        settled, self._unread = self._unread, ""
        return settled
