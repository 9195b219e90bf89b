"""An answer's Markdown as safe HTML, whole or while it grows."""

from dataclasses import dataclass

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# No links and no pictures: a small model makes addresses up, and an invented one is worse than none. A link's
# words stay. Lessons are linked from the margin by the site itself.
TAGS = {
    "p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li",
    "h3", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"ol": {"start"}}

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def answer_html(markdown: str) -> SafeString:
    """The HTML of an answer, or of a run of its blocks.

    Every heading is an h3, under the page's own: a model ranks them as it likes, and a skipped rank misleads a
    screen reader. What may scroll sideways can be reached by keyboard.
    """
    tokens = _markdown.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h3"
    made = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(made, tags=TAGS, attributes=ATTRIBUTES, link_rel=None)
    for scrolls in ("pre", "table"):
        clean = clean.replace(f"<{scrolls}>", f'<{scrolls} tabindex="0">')
    return mark_safe(clean)  # noqa: S308 - nh3 has left nothing but the tags above


@dataclass
class GrowingPage:
    """An answer that is still being written, as the blocks that are finished and the one that is growing.

    A finished block never changes again, so a reader is sent each of them once; only the growing one is sent
    again as it grows.
    """

    _finished: str = ""
    _growing: str = ""

    @property
    def text(self) -> str:
        return self._finished + self._growing

    def grow(self, text: str) -> str:
        """Take in more text; returns the Markdown of the blocks that it finished, "" when none."""
        # The parser counts a carriage return as a line's end of its own.
        self._growing += text.replace("\r", "")
        border = self._last_block_start()
        done, self._growing = self._growing[:border], self._growing[border:]
        self._finished += done
        return done

    @property
    def finished_html(self) -> SafeString:
        return answer_html(self._finished)

    @property
    def growing_html(self) -> SafeString:
        return answer_html(self._growing)

    def _last_block_start(self) -> int:
        if "\n" not in self._growing:
            return 0
        starts = [
            token.map[0]
            for token in _markdown.parse(self._growing)
            if token.level == 0 and token.map and token.nesting >= 0
        ]
        if len(starts) < 2:  # noqa: PLR2004
            return 0
        return sum(len(line) + 1 for line in self._growing.split("\n")[: starts[-1]])
