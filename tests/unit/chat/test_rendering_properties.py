"""For every text: the growing rendering equals the whole one, stays within the allow-list, and takes bounded time."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.streaming import rendering
from chat.streaming.rendering import MAX_PARSED_LENGTH, GrowingAnswer
from markup.markdown import (
    ATTRIBUTE_VALUES,
    ATTRIBUTES,
    CLASSES,
    TAGS,
    render_answer,
    render_question,
)

PIECES = [
    *(
        "# ",
        "## ",
        "- ",
        "* ",
        "+ ",
        "1. ",
        "10) ",
        "> ",
        "    ",
        "  ",
        " ",
        "\t",
        "\n",
        "\n\n",
        "\r\n",
        "---",
        "===",
    ),
    *(
        "```",
        "```python\n",
        "~~~",
        "`",
        "|",
        "|---|",
        "a | b",
        "**",
        "*",
        "_",
        "~~",
        "[",
        "]",
        "(",
        ")",
        "[^1]",
        ": ",
    ),
    *(
        "[x] ",
        "![a](b)",
        "[w](http://x)",
        "<br>",
        "<sub>",
        "</sub>",
        "<script>",
        "&amp;",
        "&",
        "<",
        ">",
        "\\",
        "\\\\",
    ),
    *(
        r"\(",
        r"\)",
        r"\[",
        r"\]",
        "$$",
        "$",
        r"\frac{1}{2}",
        r"\begin{align}",
        r"\end{align}",
        "{",
        "}",
        "^",
        "x=1",
    ),
    *("word", "Two words", "قطة", "é", "0", "\u2028", "\x00", "\x0b", "😀", "."),
]
MARKDOWN = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join)


@given(MARKDOWN, st.integers(min_value=1, max_value=30))
@example("- a\n\n1. b", 1)
@example("- a\n***b**", 1)
@example("1. a\n\n10) b\n  - c", 1)
@settings(max_examples=400, deadline=None)
def test_a_growing_answer_renders_like_the_whole_one(markdown: str, size: int) -> None:
    page, sent = GrowingAnswer(), ""
    for start in range(0, len(markdown), size):
        sent += render_answer(page.grow(markdown[start : start + size]))
    assert sent + page.growing_html == render_answer(markdown)
    assert page.finished_html + page.growing_html == render_answer(markdown)


@given(MARKDOWN, st.integers(min_value=1, max_value=30))
@settings(max_examples=200, deadline=None)
def test_finished_blocks_do_not_depend_on_how_the_text_arrives(markdown: str, size: int) -> None:
    # Also of blocks that are longer than what is parsed each time: a page that is opened later takes all at once.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "MAX_PARSED_LENGTH", 30)
        patch.setattr(rendering, "STEP_LENGTH", 10)
        piecewise = GrowingAnswer()
        for start in range(0, len(markdown), size):
            piecewise.grow(markdown[start : start + size])
            whole = GrowingAnswer()
            whole.grow(markdown[: start + size])
            assert whole.finished_html == piecewise.finished_html
            assert whole.growing_html == piecewise.growing_html


class Allowed(HTMLParser):
    """Fails on any tag or attribute that is not on the allow-list."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            if name == "class":
                assert set((value or "").split()) <= CLASSES[tag], (tag, value)
            elif value not in ATTRIBUTE_VALUES.get(tag, {}).get(name, set()):
                assert name in ATTRIBUTES.get(tag, set()), (tag, name)
            assert name not in {"style", "href", "src", "id", "name"}
            assert not name.startswith(("on", "hx-"))


@given(MARKDOWN)
@settings(max_examples=300, deadline=None)
def test_nothing_beyond_the_allow_list_is_rendered(markdown: str) -> None:
    for html in (render_answer(markdown), render_question(markdown)):
        Allowed().feed(html)


@settings(deadline=None)
@given(st.text(alphabet="abc \n\r.", max_size=300).filter(str.strip))
def test_no_letter_is_lost(text: str) -> None:
    for html in (render_answer(text), render_question(text)):
        assert re.sub(r"\W", "", re.sub("<[^>]*>", "", html)) == re.sub(r"\W", "", text)


HOSTILE = {
    "brackets": "[" * 64_000,
    "pairs of brackets": "[]" * 32_000,
    "links": "[a](" * 16_000,
    "stars": "*" * 64_000,
    "stars apart": "* a *" * 12_000,
    "underscores": "_a__b" * 12_000,
    "tildes": "~~a" * 20_000,
    "backticks": "".join("`" * (number % 60) + "a" for number in range(2_000)),
    "angles": "<" * 64_000,
    "quotes": "> " * 32_000,
    "lists": "- " * 32_000,
    "deeper lists": "\n".join("  " * depth + "- a" for depth in range(250)),
    "numbers": "1. a\n  - b\n" * 4_000,
    "a long table": "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 5_000,
    "a wide table": "|a" * 10_000 + "|\n" + "|-" * 10_000 + "|\n" + "|b" * 10_000,
    "rows that may be tables": "a|b\n" * 10_000,
    "a long line": "word " * 13_000,
    "many lines": "a\n" * 32_000,
    "math never closed": r"\(" * 30_000,
    "math closed": r"\(x\)" * 8_000,
    "display math never closed": "\\[\n\n" * 12_000,
    "dollars": "$" * 64_000,
    "pairs of dollars": "$$ a " * 12_000,
    "environments": r"\begin{align}" * 4_000,
    "environments on lines": "\\begin{align}\n" * 4_000,
    "deep math": r"\(" + r"\sqrt{" * 3_000 + "x" + "}" * 3_000 + r"\)",
    "deep math without braces": r"\(" + r"\bar" * 900 + r" x\)",
    "a matrix": r"\[\begin{matrix}" + "1&" * 1_500 + r"\end{matrix}\]",
    "entities": "&#x" * 20_000,
    "footnotes": "[^a]: " * 10_000,
    "code": "```python\n" + "(" * 60_000 + "\n```",
    "quotes in code": "```js\n" + "'\\" * 3_900 + "\n```",
    "escapes": "\\" * 64_000,
    "sub": "<sub>" * 12_000,
    "images": "![" * 32_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markdown_is_rendered_in_bounded_time(name: str) -> None:
    began = time.process_time()
    render_answer(HOSTILE[name])
    assert time.process_time() - began < 2.5


@pytest.mark.parametrize("name", HOSTILE)
def test_a_growing_block_of_it_costs_no_more_than_some_milliseconds(name: str) -> None:
    page = GrowingAnswer()
    page.grow(HOSTILE[name][:MAX_PARSED_LENGTH])
    began = time.process_time()
    assert page.growing_html is not None
    assert time.process_time() - began < 1
