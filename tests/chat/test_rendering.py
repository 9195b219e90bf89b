import pytest

from chat.rendering import GrowingPage, answer_html

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
    assert answer_html(markdown) == html


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
def test_no_markup_of_the_models_own_reaches_the_page(hostile: str) -> None:
    html = answer_html(hostile)
    for tag in ("<script", "<img", "<a", "<svg", "<iframe", "<p style", "<hx-", "href"):
        assert tag not in html


def test_a_links_words_stay() -> None:
    assert "a page" in answer_html("[a page](https://example.com)")


@pytest.mark.parametrize("size", [1, 3, 7, 40, 1000])
def test_an_answer_that_grows_in_pieces_reads_as_the_whole(size: int) -> None:
    page, sent = GrowingPage(), ""
    for start in range(0, len(LONG), size):
        sent += answer_html(page.grow(LONG[start : start + size]))
    assert page.text == LONG
    assert sent + page.growing_html == answer_html(LONG)
    assert page.finished_html + page.growing_html == answer_html(LONG)


def test_a_block_is_finished_only_when_the_next_has_begun() -> None:
    page = GrowingPage()
    assert page.grow("One.\n\n") == ""
    assert page.grow("Two.") == "One.\n\n"
    assert page.growing_html == '<p dir="auto">Two.</p>\n'


def test_line_ends_of_other_kinds_lose_no_word() -> None:
    page = GrowingPage()
    finished = page.grow("One\u2028still one\x0b.\r\n\r\nTwo")
    assert "still one" in finished
    assert page.growing_html == '<p dir="auto">Two</p>\n'
