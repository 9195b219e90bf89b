"""Markdown for lessons, without raw HTML: tags are shown as typed."""

import html
import re
from typing import TYPE_CHECKING

from django.utils.html import strip_tags

from kit.lazy import load_once

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_BLOCK_ENDS = re.compile(r"</(?:p|li|h\d|td|th|tr|blockquote)>|<br ?/?>")


@load_once
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - heavy, and only what loads or previews content needs it
    from mdit_py_plugins.colon_fence import colon_fence_plugin  # noqa: PLC0415

    return (
        MarkdownIt("commonmark", {"html": False, "typographer": True})
        .enable(["table", "smartquotes", "replacements"])
        .use(colon_fence_plugin)
    )


def parse_tokens(markdown: str) -> "list[Token]":
    return _parser().parse(markdown)


def render_html(markdown: "str | list[Token]") -> str:
    """Render blocks as HTML. Elements that may scroll sideways can be focused by keyboard."""
    parser = _parser()
    tokens = parse_tokens(markdown) if isinstance(markdown, str) else markdown
    html = str(parser.renderer.render(tokens, parser.options, {})).strip()
    return html.replace("<table>", '<table tabindex="0">').replace("<pre>", '<pre tabindex="0">')


def render_inline_html(markdown: str) -> str:
    """Render one line as HTML, without a paragraph around it."""
    return str(_parser().renderInline(" ".join(markdown.split()))).strip()


def extract_text(rendered: str) -> str:
    """Return the text of some HTML, for search and for a model."""
    return " ".join(html.unescape(strip_tags(_BLOCK_ENDS.sub(" ", rendered))).split())
