r"""Finds LaTeX formulas in Markdown and converts them to MathML.

Formulas are in `\( \)`, `\[ \]`, `$$ $$` or an amsmath environment, never in a single `$`. A blank line ends a formula,
as in LaTeX, so that an unclosed formula cannot take the rest of the answer.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.utils.html import escape
from math_core import LatexError, LatexToMathML

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

MAX_LENGTH: Final = 4_000
# How deep braces, environments and the like may nest.
MAX_DEPTH: Final = 60
# Commands without braces also nest: `\bar\bar\bar x`.
MAX_COMMANDS: Final = 500
# Opening brackets and bars, in the whole formula.
MAX_BRACKETS: Final = 400
# A longer inline formula may be wider than a phone, so it scrolls by itself.
MIN_SCROLLING_LENGTH: Final = 40

# Commands that models write and math-core does not support.
MACROS: Final = {
    "SI": r"#1\,\mathrm{#2}",
    "qty": r"#1\,\mathrm{#2}",
    "si": r"\mathrm{#1}",
    "unit": r"\mathrm{#1}",
    "num": r"#1",
    "substack": r"\begin{matrix}#1\end{matrix}",
    "smash": r"#1",
    "enclose": r"\boxed{#2}",
    "longdiv": r"\overline{)#1}",
    "euro": r"\text{€}",
    "R": r"\mathbb{R}",
    "N": r"\mathbb{N}",
    "Z": r"\mathbb{Z}",
    "Q": r"\mathbb{Q}",
    "C": r"\mathbb{C}",
}

# Macros that a model defines could expand without end.
_DEFINES = re.compile(r"\\(?:(?:re|provide)?newcommand|def|gdef|edef|let|DeclareMathOperator)(?![a-zA-Z])")
_OPENS = re.compile(r"(?<!\\)\{|\\left(?![a-zA-Z])|\\begin(?![a-zA-Z])|\\(?:text|math)?color(?![a-zA-Z])")
_CLOSES = re.compile(r"(?<!\\)\}|\\right(?![a-zA-Z])|\\end(?![a-zA-Z])")
_STEPS = re.compile(rf"(?P<open>{_OPENS.pattern})|(?P<close>{_CLOSES.pattern})")

# Equation numbers are useless here, and environments of full page width do not scroll.
_ENVIRONMENTS = {
    "align": "aligned",
    "alignat": "aligned",
    "flalign": "aligned",
    "split": "aligned",
    "gather": "gathered",
    "multline": "gathered",
}
_ENVIRONMENT = re.compile(
    r"\\(begin|end)\{(align|alignat|flalign|split|gather|multline|equation|eqnarray|tabular)\*?\}"
    # `alignat` takes the number of columns.
    r"(?:(?<=\{alignat\})\{\d+\})?"
)
_DROPPED = re.compile(
    r"\\(?:label|require|ref|eqref)\{[^{}]*\}"
    r"|\\(?:nonumber|notag|allowbreak|tiny|small|normalsize|large|Large|LARGE|huge|Huge)(?![a-zA-Z])"
)
_TAG = re.compile(r"\\tag\*?\{([^{}]*)\}")
_TEXT_WITH_MATH = re.compile(r"\\text\{([^{}$]*)\$([^${}]*)\$([^{}$]*)\}")

_STYLE = re.compile(r'(?<![\w-])style="([^"]*)"')
# The content security policy forbids inline styles, so these become classes of static/css/prose.css. All other styles
# are dropped, such as colors, which would be unreadable in dark mode.
_CLASSES = {
    "text-align:left": "m-start",
    "text-align:right": "m-end",
    "padding-left:0": "m-flush-start",
    "padding-right:0": "m-flush-end",
    "padding-left:1em": "m-gap",
    "border-left": "m-rule-start",
    "border-right": "m-rule-end",
    "border-top": "m-rule-top",
    "border-bottom": "m-rule-bottom",
    "margin-left:-0.16666667em": "m-back",
}
# Not every browser draws this element, so it is replaced.
_MENCLOSE = {
    '<menclose notation="box">': '<mrow class="m-box">',
    "</menclose>": "</mrow>",
    'class="menclose-updiagonalstrike"': 'class="m-cancel-up"',
    'class="menclose-downdiagonalstrike"': 'class="m-cancel-down"',
}
_STRUCK = re.compile(r'<menclose notation="[a-z ]*strike">')
CLASSES: Final = frozenset({*_CLASSES.values(), "m-box", "m-cancel", "m-cancel-up", "m-cancel-down"})


def render_formula(latex: str, source: str, *, is_display: bool) -> str:
    """Render a formula as MathML, or its `source` (with delimiters) as code if it cannot be converted."""
    mathml = convert_to_mathml(latex.strip(), is_display=is_display)
    if mathml is None:
        return render_source(source)
    if is_display:
        return f'<span class="math" tabindex="0">{mathml}</span>'
    if len(latex) > MIN_SCROLLING_LENGTH:
        return f'<span class="math-long" tabindex="0">{mathml}</span>'
    return mathml


def render_source(source: str) -> str:
    """Return LaTeX as escaped code."""
    return f'<code class="math-source">{escape(source.strip())}</code>'


@lru_cache(maxsize=512)
def convert_to_mathml(latex: str, *, is_display: bool) -> str | None:
    """Return MathML without styles, or None if the formula is broken, unfinished, too long or too deep."""
    if not is_safe(latex):
        return None
    latex = _rewrite_unknown(latex)
    # Rewriting adds braces and commands, so check again.
    if not is_safe(latex):
        return None
    try:
        mathml = _get_converter().convert_with_local_state(latex, displaystyle=is_display)
    except LatexError:
        return None
    return _STYLE.sub(lambda style: _convert_style(style[1]), _replace_menclose(mathml)).replace(
        ' class=""', ""
    )


def is_safe(latex: str) -> bool:
    """Return whether a formula is not empty and the converter can handle it without running out of stack."""
    if not latex or len(latex) > MAX_LENGTH or "\0" in latex or _DEFINES.search(latex):
        return False
    if latex.count("\\") > MAX_COMMANDS or sum(map(latex.count, "([|")) > MAX_BRACKETS:
        return False
    depth = 0
    for step in _STEPS.finditer(latex):
        depth = depth + 1 if step.lastgroup == "open" else max(0, depth - 1)
        if depth > MAX_DEPTH:
            return False
    return True


@cache
def _get_converter() -> LatexToMathML:
    return LatexToMathML(macros=MACROS, fancy_error=False, max_expansions=100)


def _rewrite_unknown(latex: str) -> str:
    """Rewrite commands that the converter does not support, or that it makes too wide."""
    latex = _DROPPED.sub("", latex)
    latex = _TAG.sub(r"\\qquad\\text{(\1)}", latex)
    latex = _TEXT_WITH_MATH.sub(r"\\text{\1}\2\\text{\3}", latex)
    latex = _ENVIRONMENT.sub(_rewrite_environment, latex)
    return _CHEMISTRY.sub(lambda match: convert_chemistry(match[1]), latex)


def _rewrite_environment(match: re.Match[str]) -> str:
    edge, name = match[1], match[2]
    if name == "equation":
        return ""
    if name == "eqnarray":
        return r"\begin{array}{rcl}" if edge == "begin" else r"\end{array}"
    if name == "tabular":
        return rf"\{edge}{{array}}"
    return rf"\{edge}{{{_ENVIRONMENTS[name]}}}"


def _replace_menclose(mathml: str) -> str:
    for tag, own in _MENCLOSE.items():
        mathml = mathml.replace(tag, own)
    return _STRUCK.sub('<mrow class="m-cancel">', mathml)


def _convert_style(style: str) -> str:
    names = []
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        known = _CLASSES.get(f"{name}:{value}") or _CLASSES.get(name)
        if known:
            names.append(known)
    return f'class="{" ".join(names)}"'


# --- School chemistry: \ce{2H2 + O2 -> 2H2O}, \ce{SO4^2-}, \ce{Fe^{3+}}, \ce{CuSO4.5H2O} ---

_CHEMISTRY = re.compile(r"\\ce\{((?:[^{}]|\{[^{}]*\})*)\}")
_ARROWS = {"<=>": r"\rightleftharpoons", "<->": r"\leftrightarrow", "->": r"\rightarrow", "<-": r"\leftarrow"}
_CHEMICAL = re.compile(
    r"(?P<arrow><=>|<->|->|<-)"
    r"|(?P<charge>\^\{?(?P<amount>\d*[+-])\}?)"
    r"|(?P<state>\((?:s|l|g|aq)\))"
    r"|(?P<index>(?<=[A-Za-z)\]])_?\{?(?P<count>\d+)\}?)"
    r"|(?P<ion>(?<=[A-Za-z)\]\d}])[+-](?=\s|$))"
    r"|(?P<element>[A-Z][a-z]?)"
)


def convert_chemistry(formula: str) -> str:
    r"""Return the content of \ce{…} as plain LaTeX."""
    return _CHEMICAL.sub(_convert_chemical, formula)


def _convert_chemical(match: re.Match[str]) -> str:
    forms = {
        "arrow": f" {_ARROWS.get(match[0])} ",
        "charge": f"^{{{match['amount']}}}",
        "state": rf"\,\mathrm{{{match[0]}}}",
        "index": f"_{{{match['count']}}}",
        "ion": f"^{{{match[0]}}}",
        "element": rf"\mathrm{{{match[0]}}}",
    }
    return forms.get(match.lastgroup or "", match[0])


_BLOCKS = (
    r"(?:align|aligned|alignat|alignedat|flalign|gather|gathered|multline|equation|eqnarray|split|array"
    r"|cases|dcases|rcases|[pbBvV]?matrix)\*?"
)
_OPENING = re.compile(rf"\\\[|\\\(|\$\$(?!\$)|\\begin\{{({_BLOCKS})\}}")
# Dollars are money unless the text between them could be a formula.
_LIKE_MATH = re.compile(r"[\\^_=+*/<>{}|0-9]|^\s*\S{1,3}\s*$")
_BEGINS_LIKE_MATH = re.compile(r"\s*\\|[^\s$]{0,20} ?[\\^_={]")
_INDENT_OF_CODE = 4


class _Opening:
    """The start of a formula, and the mark that ends it."""

    def __init__(self, match: re.Match[str]) -> None:
        self.mark = match[0]
        self.environment = match[1]
        self.is_dollars = self.mark == "$$"
        self.is_display = self.mark != r"\("
        self.closing = (
            rf"\end{{{self.environment}}}"
            if self.environment
            else {r"\[": r"\]", r"\(": r"\)", "$$": "$$"}[self.mark]
        )

    def find_closing(self, text: str, begin: int, end: int) -> int:
        """Return the position of the closing mark, or -1."""
        close = text.find(self.closing, begin, end)
        # Three dollar signs are a price range.
        while self.is_dollars and close >= 0 and text.startswith("$", close + 2):
            after = close + 2
            while text.startswith("$", after):
                after += 1
            close = text.find(self.closing, after, end)
        return close

    def extract_latex(self, source: str) -> str:
        """Return the LaTeX of a whole formula. An environment's own marks belong to it."""
        return source if self.environment else source[len(self.mark) : -len(self.closing)]

    def is_plausible(self, inside: str) -> bool:
        return not self.is_dollars or bool(_LIKE_MATH.search(inside))

    def is_plausible_unclosed(self, rest: str) -> bool:
        """Return whether an unclosed text is a formula rather than dollar signs in a sentence."""
        return not self.is_dollars or not rest or bool(_BEGINS_LIKE_MATH.match(rest))


def latex_plugin(markdown: "MarkdownIt") -> None:
    """Add formulas to a Markdown parser, inline and as blocks."""
    markdown.inline.ruler.before("escape", "math", _parse_inline_formula)
    interrupts = ["paragraph", "reference", "blockquote", "list"]
    markdown.block.ruler.before("fence", "math_block", _parse_block_formula, {"alt": interrupts})
    markdown.add_render_rule("math", _render)
    markdown.add_render_rule("math_block", _render_block)


def _parse_inline_formula(state: "StateInline", silent: bool) -> bool:  # noqa: FBT001 - the parser's interface
    if state.src[state.pos] not in "\\$" or not (match := _OPENING.match(state.src, state.pos)):
        return False
    opening, start = _Opening(match), match.end()
    if opening.is_dollars and state.src[state.pos - 1 : state.pos] == "$":
        return False
    close = opening.find_closing(state.src, start, state.posMax)
    if close >= 0:
        end = close + len(opening.closing)
        is_closed = opening.is_plausible(state.src[start:close])
    else:
        end = _find_unclosed_end(state, opening, start)
        is_closed = False
    if not is_closed and (close >= 0 or not opening.is_plausible_unclosed(state.src[start:end])):
        # Skip both dollars: the second must not begin a formula.
        if not silent:
            state.pending += opening.mark
        state.pos = start
        return opening.is_dollars
    if not silent:
        token = state.push("math", "", 0)
        token.content = state.src[state.pos : end]
        token.meta = {"opening": opening, "is_closed": is_closed}
    state.pos = end
    return True


def _find_unclosed_end(state: "StateInline", opening: _Opening, start: int) -> int:
    """Return where an unclosed formula ends: an inline one ends with its line."""
    if opening.is_display:
        return state.posMax
    line_end = state.src.find("\n", start, state.posMax)
    return line_end if line_end >= 0 else state.posMax


def _parse_block_formula(state: "StateBlock", start_line: int, end_line: int, silent: bool) -> bool:  # noqa: FBT001
    if state.sCount[start_line] - state.blkIndent >= _INDENT_OF_CODE:
        return False
    begin = state.bMarks[start_line] + state.tShift[start_line]
    match = _OPENING.match(state.src, begin, state.eMarks[start_line])
    if not match or match[0] == r"\(":
        return False
    opening = _Opening(match)
    line, close = _find_close(state, opening, start_line, end_line, match.end())
    if close < 0:
        rest = state.src[match.end() : state.eMarks[start_line]]
        if not opening.is_plausible_unclosed(rest.strip()):
            return False
    elif not opening.is_plausible(state.src[match.end() : close]):
        return False
    if silent:
        return True
    end = close + len(opening.closing) if close >= 0 else state.eMarks[line]
    token = state.push("math_block", "", 0)
    token.block = True
    token.content = _strip_marks(state, start_line, line, end)
    token.meta = {"opening": opening, "is_closed": close >= 0}
    token.map = [start_line, line + 1]
    if after := state.src[end : state.eMarks[line]].strip():
        _push_paragraph(state, after, token.map)
    state.line = line + 1
    return True


def _find_close(
    state: "StateBlock", opening: _Opening, start_line: int, end_line: int, position: int
) -> tuple[int, int]:
    """Return the line on which a formula ends, and the position of its closing mark, or -1 if it is not closed."""
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


def _strip_marks(state: "StateBlock", first: int, last: int, end: int) -> str:
    """Return the lines of a formula without the marks of an enclosing quotation or list."""
    ends = [*state.eMarks[first:last], end]
    begins = (state.bMarks[line] + state.tShift[line] for line in range(first, last + 1))
    return "\n".join(state.src[begin:stop] for begin, stop in zip(begins, ends, strict=True))


def _push_paragraph(state: "StateBlock", text: str, lines: list[int]) -> None:
    """Add the text after a formula as a paragraph. It has the formula's lines, because a line is never split."""
    opened = state.push("paragraph_open", "p", 1)
    opened.map = lines
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = text, lines, []
    state.push("paragraph_close", "p", -1)


def _render_token(token: "Token") -> str:
    opening: _Opening = token.meta["opening"]
    if not token.meta["is_closed"]:
        return render_source(token.content)
    return render_formula(opening.extract_latex(token.content), token.content, is_display=opening.is_display)


def _render(_renderer: Any, tokens: "Sequence[Token]", index: int, _options: Any, _env: Any) -> str:
    return _render_token(tokens[index])


def _render_block(_renderer: Any, tokens: "Sequence[Token]", index: int, _options: Any, _env: Any) -> str:
    return f"<p>{_render_token(tokens[index])}</p>\n"
