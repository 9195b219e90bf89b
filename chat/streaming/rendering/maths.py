r"""LaTeX as MathML, behind a guard.

math-core recurses for each level of nesting and takes the process with it when the stack ends: on a stack of 1 MB
with about 800 levels, on one of 256 kB with about 200. So what is too long or too deep is never given to it.
"""

import re
from functools import cache, lru_cache
from typing import Final

from django.utils.html import escape
from math_core import LatexError, LatexToMathML

MAX_LENGTH: Final = 4_000
MAX_DEPTH: Final = 60
# Commands without braces nest as well: `\bar\bar\bar x`.
MAX_COMMANDS: Final = 500
MAX_BRACKETS: Final = 400
# A formula inside a line that is longer than this may be wider than a phone, so it scrolls by itself.
LONG_INLINE: Final = 40

# Commands that models write and math-core does not know.
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

# A model's own macros could expand without end.
_DEFINES = re.compile(r"\\(?:(?:re|provide)?newcommand|def|gdef|edef|let|DeclareMathOperator)(?![a-zA-Z])")
_OPENS = re.compile(r"(?<!\\)\{|\\left(?![a-zA-Z])|\\begin(?![a-zA-Z])|\\(?:text|math)?color(?![a-zA-Z])")
_CLOSES = re.compile(r"(?<!\\)\}|\\right(?![a-zA-Z])|\\end(?![a-zA-Z])")
_STEPS = re.compile(rf"(?P<open>{_OPENS.pattern})|(?P<close>{_CLOSES.pattern})")

# Numbers of equations mean nothing in a chat, and a table that is as wide as the page does not scroll.
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
    # `alignat` says how many columns it has.
    r"(?:(?<=\{alignat\})\{\d+\})?"
)
_DROPPED = re.compile(
    r"\\(?:label|require|ref|eqref)\{[^{}]*\}"
    r"|\\(?:nonumber|notag|allowbreak|tiny|small|normalsize|large|Large|LARGE|huge|Huge)(?![a-zA-Z])"
)
_TAG = re.compile(r"\\tag\*?\{([^{}]*)\}")
_TEXT_WITH_MATHS = re.compile(r"\\text\{([^{}$]*)\$([^${}]*)\$([^{}$]*)\}")

_STYLE = re.compile(r'(?<![\w-])style="([^"]*)"')
# What the content policy would refuse as a style is a class in static/css/prose.css; anything else is dropped, such
# as colours, which would be unreadable by night.
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
# Some browsers draw this element and some do not, so none is asked to.
_MENCLOSE = {
    '<menclose notation="box">': '<mrow class="m-box">',
    "</menclose>": "</mrow>",
    'class="menclose-updiagonalstrike"': 'class="m-cancel-up"',
    'class="menclose-downdiagonalstrike"': 'class="m-cancel-down"',
}
_STRUCK = re.compile(r'<menclose notation="[a-z ]*strike">')
CLASSES: Final = frozenset({*_CLASSES.values(), "m-box", "m-cancel", "m-cancel-up", "m-cancel-down"})


def maths_html(latex: str, source: str, *, is_display: bool) -> str:
    """Return a formula as MathML, or its `source` (with delimiters) in a code face where it cannot be made."""
    mathml = mathml_of(latex.strip(), is_display=is_display)
    if mathml is None:
        return source_html(source)
    if is_display:
        return f'<span class="maths" tabindex="0">{mathml}</span>'
    if len(latex) > LONG_INLINE:
        return f'<span class="maths-long" tabindex="0">{mathml}</span>'
    return mathml


def source_html(source: str) -> str:
    return f'<code class="maths-source">{escape(source.strip())}</code>'


@lru_cache(maxsize=512)
def mathml_of(latex: str, *, is_display: bool) -> str | None:
    """Return MathML without styles, or None for what is broken, unfinished, too long or too deep."""
    if not is_safe(latex):
        return None
    latex = _as_known(latex)
    # Rewriting adds braces and commands of its own.
    if not is_safe(latex):
        return None
    try:
        made = _converter().convert_with_local_state(latex, displaystyle=is_display)
    except LatexError:
        return None
    return _STYLE.sub(lambda style: _as_class(style[1]), _without_menclose(made)).replace(' class=""', "")


def is_safe(latex: str) -> bool:
    """Whether the converter can take a formula without running out of stack, and it has something in it."""
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
def _converter() -> LatexToMathML:
    return LatexToMathML(macros=MACROS, fancy_error=False, max_expansions=100)


def _as_known(latex: str) -> str:
    """Rewrite what the converter does not know, or makes too wide, as what it does."""
    latex = _DROPPED.sub("", latex)
    latex = _TAG.sub(r"\\qquad\\text{(\1)}", latex)
    latex = _TEXT_WITH_MATHS.sub(r"\\text{\1}\2\\text{\3}", latex)
    latex = _ENVIRONMENT.sub(_environment, latex)
    return _CHEMISTRY.sub(lambda found: chemistry(found[1]), latex)


def _environment(found: re.Match[str]) -> str:
    edge, name = found[1], found[2]
    if name == "equation":
        return ""
    if name == "eqnarray":
        return r"\begin{array}{rcl}" if edge == "begin" else r"\end{array}"
    if name == "tabular":
        return rf"\{edge}{{array}}"
    return rf"\{edge}{{{_ENVIRONMENTS[name]}}}"


def _without_menclose(mathml: str) -> str:
    for tag, own in _MENCLOSE.items():
        mathml = mathml.replace(tag, own)
    return _STRUCK.sub('<mrow class="m-cancel">', mathml)


def _as_class(style: str) -> str:
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


def chemistry(formula: str) -> str:
    r"""Return what stands in \ce{…} as LaTeX without it."""
    return _CHEMICAL.sub(_chemical, formula)


def _chemical(found: re.Match[str]) -> str:
    forms = {
        "arrow": f" {_ARROWS.get(found[0])} ",
        "charge": f"^{{{found['amount']}}}",
        "state": rf"\,\mathrm{{{found[0]}}}",
        "index": f"_{{{found['count']}}}",
        "ion": f"^{{{found[0]}}}",
        "element": rf"\mathrm{{{found[0]}}}",
    }
    return forms.get(found.lastgroup or "", found[0])
