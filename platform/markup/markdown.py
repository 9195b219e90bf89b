"""Renders the Markdown of an answer as safe HTML, with highlighted code and math.

Of HTML only `<br>`, `<sub>` and `<sup>` are supported; all other tags stay text. Links and images are dropped, because
a small model makes up addresses, and an invented address is worse than none. A link's text stays. The site itself links
lessons from the margin.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from kit.lazy import load_once
from markup import latex
from markup.latex import latex_plugin

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

_ITEM = re.compile(r"(?:[-+*]|(?P<number>\d{1,9})[.)])(?P<space>\s+|$)")
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_BLOCK_STARTS = "#>|`~\\$"
# In columns, beyond the text around it: indented code, and a nested list item.
_CODE_INDENT = 4
_NESTED_INDENT = 2


def nest_sub_points(markdown: str) -> str:
    """Indent nested list items as CommonMark requires.

    Models put two spaces before a nested item. That is enough below `- `, but CommonMark wants three below `1. ` and
    four below `10. `, and starts a new list otherwise. The number of lines stays the same.
    """
    if "\n " not in markdown and "\n\t" not in markdown:
        return markdown
    nesting = _Nesting()
    return "\n".join(map(nesting.indent, markdown.split("\n")))


@dataclass
class _Nesting:
    """The indentation of open list items, while lines are read one by one."""

    # The columns of each open item's marker and text.
    items: list[tuple[int, int]] = field(default_factory=list)
    # From which indentation lines are shifted, and by how many columns.
    shifts: list[tuple[int, int]] = field(default_factory=list)
    fence: str = ""
    after_blank: bool = False

    def indent(self, line: str) -> str:
        text = line.lstrip(" \t")
        if not text:
            self.after_blank = True
            return line
        raw = len(line[: len(line) - len(text)].expandtabs(4))
        if not self.fence:
            self._close(raw, text)
        shift = self.shifts[-1][1] if self.shifts else 0
        indent = raw + shift
        if self.fence:
            if text.rstrip().startswith(self.fence) and not text.strip(self.fence[0] + " \t"):
                self.fence = ""
        elif opened := _FENCE.match(text):
            self.fence = opened[1]
        elif item := _ITEM.match(text):
            extra = self._count_missing_columns(indent)
            if extra:
                self.shifts.append((raw, shift + extra))
                shift, indent = shift + extra, indent + extra
            self._open(indent, item)
        self.after_blank = False
        return " " * indent + text if shift else line

    def _close(self, raw: int, text: str) -> None:
        """Close the items that this line is not part of."""
        is_item = _ITEM.match(text) is not None
        while self.shifts and raw < self.shifts[-1][0]:
            self.shifts.pop()
        indent = raw + (self.shifts[-1][1] if self.shifts else 0)
        while self.items:
            marker, text_column = self.items[-1]
            if indent >= text_column or (is_item and indent >= marker + _NESTED_INDENT):
                break
            if not is_item and not self.after_blank and text[0] not in _BLOCK_STARTS:
                # A line without indentation continues the paragraph above it.
                break
            self.items.pop()

    def _count_missing_columns(self, indent: int) -> int:
        """Return how many columns a line lacks to be a nested item."""
        if not self.items:
            return 0
        marker, text_column = self.items[-1]
        return text_column - indent if marker + _NESTED_INDENT <= indent < text_column else 0

    def _open(self, indent: int, item: re.Match[str]) -> None:
        base = self.items[-1][1] if self.items else 0
        if indent - base >= _CODE_INDENT:
            return
        width = len(item[0].rstrip())
        space = len(item["space"].expandtabs(4))
        self.items.append((indent, indent + width + (space if 1 <= space <= _CODE_INDENT else 1)))


# Languages that lessons and schools use. Each lexer runs regular expressions on a model's output, so keep this short.
LANGUAGES: Final = frozenset({
    "bash", "c", "c#", "c++", "cpp", "cs", "csharp", "css", "diff", "go", "haskell", "html", "java", "javascript",
    "js", "json", "kotlin", "lua", "php", "py", "python", "python3", "r", "ruby", "rust", "sh", "shell", "sql",
    "swift", "toml", "ts", "typescript", "xml", "yaml", "yml",
})  # fmt: skip
# Longer code is shown without highlighting.
MAX_HIGHLIGHTED_LENGTH: Final = 8_000
CODE_CLASSES: Final = frozenset(filter(None, STANDARD_TYPES.values()))


def render_code(code: str, language: str, *, is_closed: bool = True) -> str:
    """Render a code block. An open block may still grow, and is not highlighted yet."""
    name = language.lower()
    is_highlighted = is_closed and name in LANGUAGES and len(code) <= MAX_HIGHLIGHTED_LENGTH
    html = _highlight(code, name) if is_highlighted else escape(code)
    return f'<div class="code-block"><pre dir="ltr" tabindex="0"><code>{html}</code></pre></div>\n'


@lru_cache(maxsize=128)
def _highlight(code: str, language: str) -> str:
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    highlighted: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return highlighted


MATHML_TAGS: Final = frozenset({
    "math", "merror", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow", "mspace",
    "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
})  # fmt: skip
MATHML_ATTRIBUTES: Final = frozenset({
    "accent", "accentunder", "display", "displaystyle", "form", "linethickness", "lspace", "mathvariant", "maxsize",
    "minsize", "rspace", "scriptlevel", "stretchy", "width",
})  # fmt: skip
# These blocks set dir="auto". static/css/prose.css sets the direction within lists and tables.
_WITH_DIRECTION: Final = frozenset({"p", "h3", "ul", "ol", "blockquote", "table"})
TAGS: Final = MATHML_TAGS | _WITH_DIRECTION | {
    "br", "hr", "em", "strong", "del", "sub", "sup", "b", "i", "code", "pre", "li", "thead", "tbody", "tr", "th", "td",
    "div", "span",
}  # fmt: skip
ATTRIBUTES: Final = {tag: set(MATHML_ATTRIBUTES) for tag in MATHML_TAGS} | {"ol": {"start"}}
ATTRIBUTE_VALUES: Final = {
    **{tag: {"dir": {"auto"}} for tag in _WITH_DIRECTION},
    "pre": {"dir": {"ltr"}, "tabindex": {"0"}},
    "table": {"dir": {"auto"}, "tabindex": {"0"}},
    "span": {"tabindex": {"0"}},
}
CLASSES: Final = {
    **{tag: set(latex.CLASSES) for tag in MATHML_TAGS},
    "code": {"math-source"},
    "div": {"code-block"},
    "li": {"task"},
    "p": {"footnote"},
    "span": set(CODE_CLASSES) | {"math", "math-long"},
    "sup": {"footnote-mark"},
    "td": {"cell-end", "cell-center"},
    "th": {"cell-end", "cell-center"},
}

_cleaner = nh3.Cleaner(
    tags=set(TAGS),
    attributes=ATTRIBUTES,
    tag_attribute_values=ATTRIBUTE_VALUES,
    allowed_classes=CLASSES,
    link_rel=None,
)


def render_answer(markdown: str) -> SafeString:
    """Render an answer, or some of its blocks, as safe HTML.

    Every heading becomes an h3, below the page's own: a skipped rank would mislead a screen reader. Blocks that scroll
    sideways can be focused by keyboard.
    """
    rendered: str = _build_parser().render(nest_sub_points(normalize_newlines(markdown)))
    return mark_safe(_cleaner.clean(rendered))  # noqa: S308 - nothing is left but the tags and attributes above


def render_question(question: str) -> SafeString:
    """Render a question as safe HTML: as typed, with line breaks and indentation, and fenced code as code."""
    question, parts, position = normalize_newlines(question), [], 0
    for fence in _FENCED.finditer(question):
        parts.append(_render_paragraph(question[position : fence.start()]))
        parts.append(render_code(fence["code"], fence["language"]))
        position = fence.end()
    parts.append(_render_paragraph(question[position:]))
    return mark_safe(_cleaner.clean("".join(parts)))  # noqa: S308 - as above


def _render_paragraph(text: str) -> str:
    text = text.strip("\n")
    return f'<p dir="auto">{escape(text)}</p>\n' if text.strip() else ""


def normalize_newlines(text: str) -> str:
    # The parser treats a lone carriage return as a line break.
    return text.replace("\r\n", "\n").replace("\r", "")


def find_block_starts(markdown: str) -> list[int]:
    """Return the line numbers on which top-level blocks begin. Inline content is not parsed."""
    tokens: list[Token] = []
    _build_parser().block.parse(nest_sub_points(markdown), _build_parser(), {}, tokens)
    return [token.map[0] for token in tokens if token.level == 0 and token.map and token.nesting >= 0]


# --- Parser rules ---

_FENCED = re.compile(r"^```(?P<language>[\w+#-]*)[ \t]*\n(?P<code>(?:(?!```).*\n)*)```[ \t]*$", re.MULTILINE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SUB_OR_SUP = re.compile(r"<(su[bp])>([^\n<]{1,200})</\1>", re.IGNORECASE)
_ADDRESS = re.compile(r"<(https?://[^\s<>]{1,500})>", re.IGNORECASE)
_LINK = re.compile(
    r"!?\[(?P<text>[^\[\]\n]{0,300})\]"
    r"\([ \t]*(?:<[^<>\n]{0,500}>|[^\s()<>]{0,500}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,200})?)"
    r'(?:[ \t]+(?:"[^"\n]{0,200}"|\'[^\'\n]{0,200}\'))?[ \t]*\)'
)
_FOOTNOTE = re.compile(r"\[\^(?P<name>[\w-]{1,20})\](?P<colon>:[ \t]*)?")
_TASK = re.compile(r"\[([ xX])\]\s+")


def _parse_tag(state: "StateInline", silent: bool) -> bool:  # noqa: FBT001 - the parser's interface
    if state.src[state.pos] != "<":
        return False
    if match := _BREAK.match(state.src, state.pos, state.posMax):
        if not silent:
            state.push("hardbreak", "br", 0)
    elif match := _SUB_OR_SUP.match(state.src, state.pos, state.posMax):
        tag = match[1].lower()
        if not silent:
            _parse_inside(state, tag, *match.span(2))
    elif match := _ADDRESS.match(state.src, state.pos, state.posMax):
        if not silent:
            state.push("text", "", 0).content = match[1]
    else:
        return False
    state.pos = match.end()
    return True


def _parse_link(state: "StateInline", silent: bool) -> bool:  # noqa: FBT001
    """Keep only a link's text. The parser's own rule would take quadratic time on many brackets."""
    if state.src[state.pos] not in "![" or not (match := _LINK.match(state.src, state.pos, state.posMax)):
        return False
    if not silent and not match[0].startswith("!"):
        _parse_inside(state, "", *match.span("text"))
    state.pos = match.end()
    return True


def _parse_footnote(state: "StateInline", silent: bool) -> bool:  # noqa: FBT001
    """Render a footnote mark. Notes stay in place, because nothing may move in an answer that grows."""
    if state.src[state.pos] != "[" or not (match := _FOOTNOTE.match(state.src, state.pos, state.posMax)):
        return False
    begins_line = state.pos == 0 or state.src[state.pos - 1] == "\n"
    if not silent:
        opened = state.push("sup_open", "sup", 1)
        opened.attrSet("class", "footnote-mark")
        state.push("text", "", 0).content = match["name"]
        state.push("sup_close", "sup", -1)
        if begins_line and match["colon"]:
            state.push("text", "", 0).content = " "
    state.pos = match.end() if begins_line else match.end() - len(match["colon"] or "")
    return True


def _parse_inside(state: "StateInline", tag: str, begin: int, end: int) -> None:
    """Parse the text between two positions inside a tag, or without a tag if `tag` is ""."""
    name = tag or "plain"
    state.push(f"{name}_open", tag, 1)
    outer_end, state.pos, state.posMax = state.posMax, begin, end
    state.md.inline.tokenize(state)
    state.posMax = outer_end
    state.push(f"{name}_close", tag, -1)


def _finish(state: "StateCore") -> None:
    """Adjust headings, directions, task lists, footnotes and table alignment."""
    for index, token in enumerate(state.tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h3"
        if token.type in {"th_open", "td_open"}:
            _set_alignment(token)
        if token.nesting == 1 and token.level == 0 and token.tag in _WITH_DIRECTION:
            token.attrSet("dir", "auto")
        if token.type == "table_open":
            token.attrSet("tabindex", "0")
        if token.type == "inline":
            _finish_inline(state.tokens, index)


def _set_alignment(cell: "Token") -> None:
    side = str(cell.attrs.pop("style", "")).rpartition(":")[2]
    if side in {"right", "center"}:
        cell.attrSet("class", "cell-end" if side == "right" else "cell-center")


def _finish_inline(tokens: "Sequence[Token]", index: int) -> None:
    paragraph, inline = tokens[index - 1], tokens[index]
    if _FOOTNOTE.match(inline.content) and paragraph.type == "paragraph_open" and ":" in inline.content[:24]:
        paragraph.attrJoin("class", "footnote")
    first = inline.children[0] if inline.children else None
    item = tokens[index - 2]
    if (
        item.type == "list_item_open"
        and first
        and first.type == "text"
        and (task := _TASK.match(first.content))
    ):
        item.attrSet("class", "task")
        first.content = ("☐ " if task[1] == " " else "☑ ") + first.content[task.end() :]


def _render_nothing(_renderer: Any, _tokens: "Sequence[Token]", _index: int, _options: Any, _env: Any) -> str:
    return ""


def _render_fence(_renderer: Any, tokens: "Sequence[Token]", index: int, _options: Any, _env: Any) -> str:
    token = tokens[index]
    language, *_rest = token.info.split() or [""]
    begin, end = token.map or [0, 0]
    # The number of lines without the two fences; an open block has only one.
    lines = token.content.count("\n") + (not token.content.endswith("\n") and token.content != "")
    return render_code(token.content, language, is_closed=lines == end - begin - 2)


def _render_indented_code(
    _renderer: Any, tokens: "Sequence[Token]", index: int, _options: Any, _env: Any
) -> str:
    return render_code(tokens[index].content, "")


@load_once
def _build_parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - heavy, and needed only to render an answer

    markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    # A link definition further down would change text that is already shown, and links are dropped anyway.
    markdown.disable(["reference", "link", "image", "autolink"])
    markdown.use(latex_plugin)
    markdown.inline.ruler.before("emphasis", "tag", _parse_tag)
    markdown.inline.ruler.before("emphasis", "footnote", _parse_footnote)
    markdown.inline.ruler.before("emphasis", "link_text", _parse_link)
    markdown.core.ruler.push("finish", _finish)
    for rule in ("plain_open", "plain_close"):
        markdown.add_render_rule(rule, _render_nothing)
    markdown.add_render_rule("fence", _render_fence)
    markdown.add_render_rule("code_block", _render_indented_code)
    return markdown
