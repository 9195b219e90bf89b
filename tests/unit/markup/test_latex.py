"""Formulas in an answer become MathML, or their source as code if that fails, and money stays money."""

import subprocess
import sys

import pytest

from chat.streaming.rendering import GrowingAnswer
from markup.latex import (
    MAX_BRACKETS,
    MAX_COMMANDS,
    MAX_DEPTH,
    MAX_LENGTH,
    convert_chemistry,
    convert_to_mathml,
    is_safe,
)
from markup.markdown import render_answer


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (r"Since \(x^2\) grows", "<math><msup><mi>x</mi><mn>2</mn></msup></math>"),
        (r"\[ \frac{1}{2} \]", '<math display="block"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>'),
        ("\\[\nx\n= y\n- z\n\\]", "<mo>=</mo><mi>y</mi><mo>−</mo><mi>z</mi></math>"),
        ("$$x + 1$$", "<mi>x</mi><mo>+</mo><mn>1</mn></math>"),
        ("in a line $$y_1$$ too", "<msub><mi>y</mi><mn>1</mn></msub>"),
        (r"$$\begin{pmatrix}1&2\\3&4\end{pmatrix}$$", "<mtable"),
        (r"$$\begin{cases}a&x>0\\b&x<0\end{cases}$$", '<mtd class="m-start m-flush-end m-gap">'),
        ("\\begin{align*}\na&=b\\\\\nc&=d\n\\end{align*}", '<mtd class="m-end m-flush-end">'),
        (r"$$\begin{aligned}a&=b\\c&=d\end{aligned}$$", '<mtd class="m-start m-flush-start">'),
        (r"\(\boxed{x=1}\)", '<mrow class="m-box">'),
        (r"\(\cancel{x}\)", 'class="m-cancel-up"'),
        (r"\(\SI{5}{m}\)", "<mn>5</mn>"),
        (r"\(\sum_{\substack{a\\b}}\)", "<mtable"),
        (r"1. \(x\)", "<li><math>"),
        ("| a |\n|---|\n| \\(x\\) |", "<td><math>"),
        ("> \\[\n> x\n> \\]", "<mi>x</mi></math>"),
        (r"\(a<b\)", "<mo>&lt;</mo>"),
    ],
)
def test_latex_becomes_mathml(markdown: str, expected: str) -> None:
    html = render_answer(markdown)
    assert expected in html
    assert " style=" not in html
    assert "math-source" not in html


@pytest.mark.parametrize(
    "markdown",
    [
        "It costs $5 and $6.",
        "From $5 to $10, or $$ to $$$ on the map",
        "A $$ place, and a $$ meal",
        "`\\(x\\)`",
        "$x$",
        "$$$",
        "```\n\\[x\\]\n```",
    ],
)
def test_money_and_code_are_not_formulas(markdown: str) -> None:
    html = render_answer(markdown)
    assert "<math" not in html
    assert "math-source" not in html


@pytest.mark.parametrize(
    ("markdown", "source"),
    [
        (r"So \(\frac{1}\) is", r"\(\frac{1}\)"),
        (r"So \(x + 1", r"\(x + 1"),
        ("\\[\nx = \\frac{", "\\[\nx = \\frac{"),
        (r"$$x = \fr", r"$$x = \fr"),
        (r"\(\nosuchcommand\)", r"\(\nosuchcommand\)"),
        (r"\(\newcommand{\a}{\a\a}\a\)", r"\(\newcommand{\a}{\a\a}\a\)"),
        (r"\(\href{javascript:alert(1)}{x}\)", r"\(\href{javascript:alert(1)}{x}\)"),
    ],
)
def test_a_formula_that_cannot_be_converted_is_shown_as_source(markdown: str, source: str) -> None:
    assert f'<code class="math-source">{source}</code>' in render_answer(markdown)


def test_a_formula_shows_its_source_until_it_is_closed() -> None:
    answer = GrowingAnswer()
    answer.grow("So\n\n\\[\nx^2")
    assert '<code class="math-source">\\[\nx^2</code>' in answer.growing_html
    answer.grow("\n\\]")
    assert "<msup>" in answer.growing_html


def test_a_formula_that_is_never_closed_ends_with_its_paragraph() -> None:
    html = render_answer("\\[\nx^2\n\nAnd **then**.")
    assert '<code class="math-source">' in html
    assert "<strong>then</strong>" in html


def test_formulas_that_may_scroll_can_be_focused_by_keyboard() -> None:
    assert '<span class="math" tabindex="0">' in render_answer(r"\[x\]")
    assert '<span class="math-long" tabindex="0">' in render_answer(r"\(" + "x + " * 15 + r"y\)")
    assert "tabindex" not in render_answer(r"\(x\)")


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("2H2 + O2 -> 2H2O", r"2\mathrm{H}_{2} + \mathrm{O}_{2}  \rightarrow  2\mathrm{H}_{2}\mathrm{O}"),
        ("SO4^2-", r"\mathrm{S}\mathrm{O}_{4}^{2-}"),
        ("Fe^{3+}", r"\mathrm{Fe}^{3+}"),
        ("Na+ + OH-", r"\mathrm{Na}^{+} + \mathrm{O}\mathrm{H}^{-}"),
        ("NaCl(aq)", r"\mathrm{Na}\mathrm{Cl}\,\mathrm{(aq)}"),
        ("Ca(OH)2", r"\mathrm{Ca}(\mathrm{O}\mathrm{H})_{2}"),
    ],
)
def test_school_chemistry_is_converted(formula: str, latex: str) -> None:
    assert convert_chemistry(formula) == latex
    assert convert_to_mathml(rf"\ce{{{formula}}}", is_display=False)


@pytest.mark.parametrize(
    "latex",
    [
        "x" * (MAX_LENGTH + 1),
        "{" * (MAX_DEPTH + 1) + "x" + "}" * (MAX_DEPTH + 1),
        r"\left(" * (MAX_DEPTH + 1) + "x" + r"\right)" * (MAX_DEPTH + 1),
        r"\color{red}" * (MAX_DEPTH + 1) + "x",
        r"\bar" * (MAX_COMMANDS + 1) + " x",
        "(" * (MAX_BRACKETS + 1),
        "",
    ],
)
def test_too_long_or_too_deep_formulas_are_rejected_unparsed(latex: str) -> None:
    assert not is_safe(latex)
    assert convert_to_mathml(latex, is_display=True) is None


# Runs in a process of its own, because too deep a formula would overflow the stack and end the process.
DEEPEST_FORMULAS_SCRIPT = r"""
import threading
from math_core import LatexError, LatexToMathML
from markup.latex import MAX_BRACKETS, MAX_COMMANDS, MAX_DEPTH, MACROS, is_safe

deep = [
    *(opening * MAX_DEPTH + "x" + closing * MAX_DEPTH for opening, closing in [
        (r"\\sqrt{", "}"), ("{", "}"), ("x^{", "}"), (r"\\left(", r"\\right)"), (r"\\text{", "}"),
        (r"\\begin{matrix}", r"\\end{matrix}"), (r"\\frac{1}{", "}"), (r"\\color{red}", ""),
    ]),
    *(command * (MAX_COMMANDS - 1) + " x" for command in [
        r"\\bar", r"\\sqrt", r"\\not", r"\\frac1", r"\\hat", r"\\mathrm", r"\\displaystyle", r"\\overset a",
    ]),
    "(" * MAX_BRACKETS + ")" * MAX_BRACKETS,
]
converter = LatexToMathML(macros=MACROS)

def convert():
    for latex in deep:
        if is_safe(latex):
            try:
                converter.convert_with_local_state(latex, displaystyle=True)
            except LatexError:
                pass
    print("finished")

# A quarter of what a thread has on Linux.
threading.stack_size(2 * 1024 * 1024)
thread = threading.Thread(target=convert)
thread.start()
thread.join()
"""


def test_the_deepest_accepted_formula_does_not_crash_the_process() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DEEPEST_FORMULAS_SCRIPT], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "finished\n", ran.stderr[-500:]
