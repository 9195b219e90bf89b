"""Markdown as lessons use it. Raw HTML is not: what an author types is shown as typed."""

import html
import re

from django.utils.html import strip_tags
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin

_markdown = (
    MarkdownIt("commonmark", {"html": False, "typographer": True})
    .enable(["table", "smartquotes", "replacements"])
    .use(colon_fence_plugin)
)
_BLOCK_ENDS = re.compile(r"</(?:p|li|h\d|td|th|tr|blockquote)>|<br ?/?>")


def tokens_of(markdown: str) -> list[Token]:
    return _markdown.parse(markdown)


def html_of(markdown: str | list[Token]) -> str:
    """Blocks as HTML. What may scroll sideways can be reached by keyboard."""
    tokens = tokens_of(markdown) if isinstance(markdown, str) else markdown
    made = str(_markdown.renderer.render(tokens, _markdown.options, {})).strip()
    return made.replace("<table>", '<table tabindex="0">').replace("<pre>", '<pre tabindex="0">')


def line_html_of(markdown: str) -> str:
    """One line's HTML, without a paragraph around it."""
    return str(_markdown.renderInline(" ".join(markdown.split()))).strip()


def plain_of(made: str) -> str:
    """The words of some HTML, for searching and for a model."""
    return " ".join(html.unescape(strip_tags(_BLOCK_ENDS.sub(" ", made))).split())
