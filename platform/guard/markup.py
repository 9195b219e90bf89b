"""Removes markup from text, leaving what a reader sees once it is rendered."""

import html
import re

from kit.folding import FoldedText, fold, join_folded, shorten_runs, slice_folded

# Every pattern is bounded, and with it the text that is held back for unfinished markup.
_MARKUP = re.compile(
    r"""
      &(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});
    | <!--(?:(?!-->).){0,200}-->
    | </?[a-z][a-z0-9]{0,15}(?:[ /][^<>]{0,80})?>
    | !?\[
    | \](?:\([^()\n]{0,300}\))?
    | [.]{2,}
    | \n[ >]{0,12}(?:[0-9]{1,9}[.)](?=\s))?
    | \\[a-z]{1,20}
    | [*~=^{}\\]
    """,
    re.VERBOSE | re.DOTALL,
)
_UNFINISHED = re.compile(
    r"""(?:
      &(?:\#[0-9]{0,7}|\#x[0-9a-f]{0,6}|[a-z][a-z0-9]{0,31})?
    | <(?:!|!-|!--(?:(?!-->).){0,202})?
    | </?(?:[a-z][a-z0-9]{0,15}(?:[ /][^<>]{0,80})?)?
    | !
    | \](?:\([^()\n]{0,300})?
    | [.]+
    | \n[ >]{0,12}(?:[0-9]{1,9}[.)]?)?
    | \\[a-z]{0,20}
    )\Z""",
    re.VERBOSE | re.DOTALL,
)
# Text in which this matches nothing has no markup. It must not follow text that was held back.
_BEGINNING = re.compile(r"[&<\[\]\n*~=^{}\\]|!(?:\[|\Z)|[.](?:[.]|\Z)")
_BREAKS = re.compile(r"</?(?:br|p|div|li|td|th|tr|h[1-6]|hr|ul|ol|table)[ />]")


def may_have_markup(text: str) -> bool:
    """Return whether any part of a text that is read by a new MarkupStripper may be removed, replaced or held back."""
    return bool(_BEGINNING.search(text))


class MarkupStripper:
    """Removes markup from folded text that comes in pieces. The result does not depend on how it is cut.

    Removes emphasis, tags, comments, link addresses, list numbers and formula characters, and replaces entities. Line
    ends and ellipses do not end a sentence. Markup that may be unfinished is held back with all that follows it.
    """

    def __init__(self) -> None:
        self._rest = FoldedText("", [0])

    def feed(self, piece: FoldedText, *, is_last: bool = False) -> FoldedText:
        """Return the text that is certain now; with the last piece, all of it.

        Its last offset is where the rest begins.
        """
        self._rest = rest = join_folded(self._rest, piece)
        shown, offsets, position = list[str](), list[int](), 0
        held = None if is_last else _UNFINISHED.search(rest.text)
        for mark in _MARKUP.finditer(rest.text):
            if held and held.start() < position:
                held = _UNFINISHED.search(rest.text, position)
            if held and held.start() <= mark.start():
                break
            shown.append(rest.text[position : mark.start()])
            offsets += rest.offsets[position : mark.start()]
            rendered = _render_markup(mark[0])
            shown.append(rendered)
            offsets += [rest.offsets[mark.start()]] * len(rendered)
            position = mark.end()
        if held and held.start() < position:
            held = _UNFINISHED.search(rest.text, position)
        end = held.start() if held else len(rest.text)
        shown.append(rest.text[position:end])
        offsets += rest.offsets[position : end + 1]
        self._rest = slice_folded(rest, end)
        return shorten_runs("".join(shown), offsets)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is held back."""
        return not self._rest.text


def _render_markup(mark: str) -> str:
    match mark[0]:
        case "&":
            return fold(html.unescape(mark)).text
        case "\n" | ".":
            return " "
        case "<":
            return " " if _BREAKS.match(mark) else ""
        case _:
            return ""
