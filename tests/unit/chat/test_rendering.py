import re

import pytest

from chat.streaming.rendering import GrowingAnswer
from markup.markdown import render_answer, render_question

LONG = """# Light

Blue light *scatters* more.

1. one
2. two

   still two

```python
x < 1

y = 2
```

| a | b |
|---|---|
| 1 | 2 |

> said

The end."""


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("Plain **and** `code`", '<p dir="auto">Plain <strong>and</strong> <code>code</code></p>\n'),
        ("# Title", '<h3 dir="auto">Title</h3>\n'),
        ("###### Deep", '<h3 dir="auto">Deep</h3>\n'),
        (
            "    code",
            '<div class="code-block"><pre dir="ltr" tabindex="0"><code>code\n</code></pre></div>\n',
        ),
        ("3. three", '<ol start="3" dir="auto">\n<li>three</li>\n</ol>\n'),
    ],
)
def test_markdown_becomes_plain_html(markdown: str, html: str) -> None:
    assert render_answer(markdown) == html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[a page](https://example.com)",
        "![x](https://example.com/x.png)",
        "<svg/onload=alert(1)>",
        "`<iframe src=x>`",
        '<p style="position:fixed" onclick="x">hello</p>',
        '<hx-partial hx-target="body">x</hx-partial>',
    ],
)
def test_no_markup_by_the_model_reaches_the_page(hostile: str) -> None:
    html = render_answer(hostile)
    for tag in ("<script", "<img", "<a", "<svg", "<iframe", "<p style", "<hx-", "href"):
        assert tag not in html


def test_a_links_text_stays() -> None:
    assert "a page" in render_answer("[a page](https://example.com)")


@pytest.mark.parametrize("size", [1, 3, 7, 40, 1000])
def test_an_answer_that_grows_in_pieces_reads_as_the_whole(size: int) -> None:
    page, sent = GrowingAnswer(), ""
    for start in range(0, len(LONG), size):
        sent += render_answer(page.grow(LONG[start : start + size]))
    assert page.text == LONG
    assert sent + page.growing_html == render_answer(LONG)
    assert page.finished_html + page.growing_html == render_answer(LONG)


def test_a_block_is_finished_only_when_the_next_has_begun() -> None:
    page = GrowingAnswer()
    assert page.grow("One.\n\n") == ""
    assert page.grow("Two.") == "One.\n\n"
    assert page.growing_html == '<p dir="auto">Two.</p>\n'


def test_other_line_endings_lose_no_word() -> None:
    page = GrowingAnswer()
    finished = page.grow("One\u2028still one\x0b.\r\n\r\nTwo")
    assert "still one" in finished
    assert page.growing_html == '<p dir="auto">Two</p>\n'


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("Roses are red\nViolets are blue", "Roses are red<br>\nViolets are blue"),
        ("one<br>two<br/>three", "one<br>\ntwo<br>\nthree"),
        ("H<sub>2</sub>O and 10<sup>3</sup>", "H<sub>2</sub>O and 10<sup>3</sup>"),
        ("a <sub>b", "a &lt;sub&gt;b"),
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("- [ ] to do\n- [x] done", '<li class="task">☐ to do</li>\n<li class="task">☑ done</li>'),
        ("It is so.[^1]", 'It is so.<sup class="footnote-mark">1</sup>'),
        ("[^1]: A note.", '<p dir="auto" class="footnote"><sup class="footnote-mark">1</sup> A note.</p>'),
        ("[Tip]: drink", "[Tip]: drink"),
        ("<https://example.com>", "https://example.com"),
        ("| a |\n|--:|\n| 1 |", '<td class="cell-end">1</td>'),
    ],
)
def test_common_model_output_renders_as_intended(markdown: str, html: str) -> None:
    assert html in render_answer(markdown)


@pytest.mark.parametrize(
    "markdown",
    [
        "1. one\n  - sub\n2. two",
        "1. one\n   - sub\n2. two",
        "10. one\n  - sub\n11. two",
        "- one\n  - sub\n- two",
        "-   one\n  - sub\n-   two",
        "1) one\n  * sub\n2) two",
        "1. one\n\n  - sub\n\n2. two",
    ],
)
def test_nested_items_are_in_their_item(markdown: str) -> None:
    html = re.sub(r"</?p>|\s", "", render_answer(markdown))
    assert re.search(r"<li>one<ul><li>sub</li></ul></li><li>two</li></[uo]l>$", html)


def test_items_can_nest_three_levels_deep() -> None:
    html = re.sub(r"\s", "", render_answer("1. a\n  1. b\n    - c\n      more\n2. d"))
    assert "<li>a<ol><li>b<ul><li>c<br>more</li></ul></li></ol></li><li>d</li>" in html


def test_code_in_a_list_keeps_its_own_indentation() -> None:
    assert "<code>- a\n  - b\n</code>" in render_answer("1. x\n\n   ```\n   - a\n     - b\n   ```")


def test_code_is_highlighted_once_its_fence_is_closed() -> None:
    assert '<span class="k">def</span>' in render_answer("```python\ndef f(): ...\n```")
    assert "<span" not in render_answer("```python\ndef f(): ...\n")
    assert "<span" not in render_answer("```nosuchlanguage\ndef\n```")
    assert "<span" not in render_answer("```python\n" + "x = 1\n" * 2_000 + "```")


def test_each_block_has_its_own_direction_and_code_has_none_but_its_own() -> None:
    html = render_answer("مرحبا\n\n> hello\n\n- قطة\n\n```\nx\n```")
    for opening in ('<p dir="auto">', '<blockquote dir="auto">', '<ul dir="auto">', '<pre dir="ltr"'):
        assert opening in html
    # A paragraph with a direction of its own would not count for that of its list.
    assert "<li dir" not in html


class TestAQuestion:
    def test_keeps_its_lines_and_its_indentation(self) -> None:
        assert render_question("for x in y:\n    print(x)") == '<p dir="auto">for x in y:\n    print(x)</p>\n'

    def test_shows_what_is_fenced_as_code(self) -> None:
        html = render_question("Why?\n```python\nif x:\n    y\n```\nThanks")
        assert html.startswith('<p dir="auto">Why?</p>\n<div class="code-block"><pre dir="ltr"')
        assert '<span class="k">if</span>' in html
        assert html.endswith('<p dir="auto">Thanks</p>\n')

    def test_shows_markup_as_it_was_written(self) -> None:
        html = render_question("# a *b* <i>c</i> <script>")
        assert html == '<p dir="auto"># a *b* &lt;i&gt;c&lt;/i&gt; &lt;script&gt;</p>\n'


def test_a_block_that_is_too_long_to_parse_again_and_again_is_plain_until_it_ends() -> None:
    page = GrowingAnswer()
    page.grow("- **point**\n" * 700)
    assert page.growing_html.startswith('<p class="still-plain" dir="auto">- **point**')
    page.grow("\nThe end.\n\n" + "And more. " * 300)
    assert "still-plain" not in page.growing_html
    assert page.finished_html.count("<strong>point</strong>") == 700


@pytest.mark.parametrize("partial", ["- a\n*", "- a\n\n-", "1. a\n\n2", "a\n=", "- a\n\n "])
def test_a_line_that_may_still_continue_a_block_does_not_end_it(partial: str) -> None:
    assert GrowingAnswer().grow(partial) == ""
