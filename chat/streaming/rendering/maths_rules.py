r"""Where maths stands in Markdown: `\( \)`, `\[ \]`, `$$ $$` and the environments of amsmath, never a single `$`.

A blank line ends a formula, as in LaTeX, so that one that is never closed cannot take the rest of the answer.
"""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chat.streaming.rendering.maths import maths_html, source_html

_ENVIRONMENTS = (
    r"(?:align|aligned|alignat|alignedat|flalign|gather|gathered|multline|equation|eqnarray|split|array"
    r"|cases|dcases|rcases|[pbBvV]?matrix)\*?"
)
_OPENING = re.compile(rf"\\\[|\\\(|\$\$(?!\$)|\\begin\{{({_ENVIRONMENTS})\}}")
# Dollars are money unless what stands between them could be a formula.
_LIKE_MATHS = re.compile(r"[\\^_=+*/<>{}|0-9]|^\s*\S{1,3}\s*$")
_BEGINS_LIKE_MATHS = re.compile(r"\s*\\|[^\s$]{0,20} ?[\\^_={]")
_INDENT_OF_CODE = 4


class _Opening:
    """The beginning of a formula, and how it ends."""

    def __init__(self, found: re.Match[str]) -> None:
        self.mark = found[0]
        self.environment = found[1]
        self.is_dollars = self.mark == "$$"
        self.is_display = self.mark != r"\("
        self.closing = (
            rf"\end{{{self.environment}}}"
            if self.environment
            else {r"\[": r"\]", r"\(": r"\)", "$$": "$$"}[self.mark]
        )

    def find_closing(self, text: str, begin: int, end: int) -> int:
        """Where the closing mark stands, or -1."""
        close = text.find(self.closing, begin, end)
        # Three dollars are a price range.
        while self.is_dollars and close >= 0 and text.startswith("$", close + 2):
            after = close + 2
            while text.startswith("$", after):
                after += 1
            close = text.find(self.closing, after, end)
        return close

    def inside(self, source: str) -> str:
        """The LaTeX of a whole formula. An environment belongs to it."""
        return source if self.environment else source[len(self.mark) : -len(self.closing)]

    def is_plausible(self, inside: str) -> bool:
        return not self.is_dollars or bool(_LIKE_MATHS.search(inside))

    def is_plausible_unclosed(self, rest: str) -> bool:
        """Whether something that is not closed, or not yet, is a formula rather than two dollars in a sentence."""
        return not self.is_dollars or not rest or bool(_BEGINS_LIKE_MATHS.match(rest))


def maths_plugin(markdown: MarkdownIt) -> None:
    markdown.inline.ruler.before("escape", "maths", _inline)
    interrupts = ["paragraph", "reference", "blockquote", "list"]
    markdown.block.ruler.before("fence", "maths_block", _block, {"alt": interrupts})
    markdown.add_render_rule("maths", _render)
    markdown.add_render_rule("maths_block", _render_block)


def _inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's interface
    if state.src[state.pos] not in "\\$" or not (found := _OPENING.match(state.src, state.pos)):
        return False
    opening, start = _Opening(found), found.end()
    if opening.is_dollars and state.src[state.pos - 1 : state.pos] == "$":
        return False
    close = opening.find_closing(state.src, start, state.posMax)
    if close >= 0:
        end = close + len(opening.closing)
        is_closed = opening.is_plausible(state.src[start:close])
    else:
        end = _end_of_unclosed(state, opening, start)
        is_closed = False
    if not is_closed and (close >= 0 or not opening.is_plausible_unclosed(state.src[start:end])):
        # Past both dollars at once: the second is no beginning of its own.
        if not silent:
            state.pending += opening.mark
        state.pos = start
        return opening.is_dollars
    if not silent:
        token = state.push("maths", "", 0)
        token.content = state.src[state.pos : end]
        token.meta = {"opening": opening, "is_closed": is_closed}
    state.pos = end
    return True


def _end_of_unclosed(state: StateInline, opening: _Opening, start: int) -> int:
    """A formula within a line that is not closed there ends with the line."""
    if opening.is_display:
        return state.posMax
    line_end = state.src.find("\n", start, state.posMax)
    return line_end if line_end >= 0 else state.posMax


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: FBT001
    if state.sCount[start_line] - state.blkIndent >= _INDENT_OF_CODE:
        return False
    begin = state.bMarks[start_line] + state.tShift[start_line]
    found = _OPENING.match(state.src, begin, state.eMarks[start_line])
    if not found or found[0] == r"\(":
        return False
    opening = _Opening(found)
    line, close = _find_close(state, opening, start_line, end_line, found.end())
    if close < 0:
        rest = state.src[found.end() : state.eMarks[start_line]]
        if not opening.is_plausible_unclosed(rest.strip()):
            return False
    elif not opening.is_plausible(state.src[found.end() : close]):
        return False
    if silent:
        return True
    end = close + len(opening.closing) if close >= 0 else state.eMarks[line]
    token = state.push("maths_block", "", 0)
    token.block = True
    token.content = _without_marks(state, start_line, line, end)
    token.meta = {"opening": opening, "is_closed": close >= 0}
    token.map = [start_line, line + 1]
    if after := state.src[end : state.eMarks[line]].strip():
        _push_paragraph(state, after, token.map)
    state.line = line + 1
    return True


def _find_close(
    state: StateBlock, opening: _Opening, start_line: int, end_line: int, position: int
) -> tuple[int, int]:
    """The line on which a formula ends, and where its closing mark stands, -1 when it is not closed."""
    line = start_line
    while True:
        close = opening.find_closing(state.src, position, state.eMarks[line])
        following = line + 1
        if close >= 0:
            return line, close
        if following >= end_line or state.isEmpty(following) or state.sCount[following] < state.blkIndent:
            return line, -1
        line = following
        position = state.bMarks[line] + state.tShift[line]


def _without_marks(state: StateBlock, first: int, last: int, end: int) -> str:
    """The lines of a formula without what makes them part of a quotation or a list."""
    ends = [*state.eMarks[first:last], end]
    begins = (state.bMarks[line] + state.tShift[line] for line in range(first, last + 1))
    return "\n".join(state.src[begin:stop] for begin, stop in zip(begins, ends, strict=True))


def _push_paragraph(state: StateBlock, text: str, lines: list[int]) -> None:
    """What stands after a formula on its last line. It begins where the formula does, as a line is never cut."""
    opened = state.push("paragraph_open", "p", 1)
    opened.map = lines
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = text, lines, []
    state.push("paragraph_close", "p", -1)


def _html(token: Token) -> str:
    opening: _Opening = token.meta["opening"]
    if not token.meta["is_closed"]:
        return source_html(token.content)
    return maths_html(opening.inside(token.content), token.content, is_display=opening.is_display)


def _render(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return _html(tokens[index])


def _render_block(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return f"<p>{_html(tokens[index])}</p>\n"
