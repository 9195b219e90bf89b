"""An answer that is still being written, as the blocks that are finished and the one that is growing."""

from dataclasses import dataclass, field
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from chat.streaming.rendering.markdown import answer_html, block_starts, without_returns

# A block that is longer than this is shown as plain text until it ends. Whether it has ended is then looked for at
# whole steps only, and the more rarely the longer it is.
MAX_PARSED: Final = 6_000
STEP: Final = 1_000
# After an empty line a line that begins with one of these may still go on with the block above it.
_MAY_CONTINUE: Final = frozenset(" \t-+*0123456789")


@dataclass
class GrowingPage:
    """Takes in text and says which blocks are finished.

    A finished block never changes again, so a reader is sent each of them once; only the growing one is sent again
    as it grows. How the text is cut into pieces makes no difference to what is finished after it.
    """

    _finished: list[str] = field(default_factory=list)
    _growing: str = ""
    _length: int = 0
    _is_long: bool = False
    _look_at: int = 0
    # Whether a line has begun since it was last looked for finished blocks.
    _has_news: bool = False

    @property
    def text(self) -> str:
        return "".join(self._finished) + self._growing

    @property
    def growing_length(self) -> int:
        return len(self._growing)

    def grow(self, text: str) -> str:
        """Take in more text; returns the Markdown of the blocks that it finished, "" when none."""
        text = without_returns(text)
        done = []
        while text:
            piece = text[: STEP - self._length % STEP]
            text = text[len(piece) :]
            # Within a line nothing begins.
            is_news = "\n" in piece or not self._growing or self._growing.endswith("\n")
            self._has_news = self._has_news or is_news
            self._length += len(piece)
            self._growing += piece
            is_step = self._length % STEP == 0
            if self._length >= self._look_at if is_step else not (text or self._is_long):
                done.append(self._take_finished())
            if is_step and self._length >= self._look_at:
                self._is_long = len(self._growing) > MAX_PARSED
                self._look_at = self._length + len(self._growing) // 4 if self._is_long else 0
        return "".join(done)

    @property
    def finished_html(self) -> SafeString:
        return mark_safe("".join(map(answer_html, self._finished)))  # noqa: S308 - each of them is safe

    @property
    def growing_html(self) -> SafeString:
        if self._is_long:
            return format_html('<p class="still-plain" dir="auto">{}</p>', self._growing)
        return answer_html(self._growing)

    def _take_finished(self) -> str:
        if not self._has_news:
            return ""
        self._has_news = False
        border = self._last_block_start()
        if not border:
            return ""
        done, self._growing = self._growing[:border], self._growing[border:]
        self._finished.append(done)
        return done

    def _last_block_start(self) -> int:
        """Where the block that grows begins. A last line that may still become something else is not looked at."""
        lines, _, last = self._growing.rpartition("\n")
        if not lines:
            return 0
        seen = self._growing
        if not last or last[0] in _MAY_CONTINUE or not lines.endswith("\n"):
            seen = lines
        starts = block_starts(seen)
        if len(starts) < 2:  # noqa: PLR2004
            return 0
        return sum(len(line) + 1 for line in seen.split("\n")[: starts[-1]])
