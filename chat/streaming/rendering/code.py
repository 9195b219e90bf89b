"""Code with its parts in classes, which static/css/prose.css colours by day and by night."""

from functools import lru_cache
from typing import Final

from django.utils.html import escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

# What lessons and schools use. Every lexer is a set of regular expressions that runs on a model's words.
LANGUAGES: Final = frozenset({
    "bash", "c", "c#", "c++", "cpp", "cs", "csharp", "css", "diff", "go", "haskell", "html", "java", "javascript",
    "js", "json", "kotlin", "lua", "php", "py", "python", "python3", "r", "ruby", "rust", "sh", "shell", "sql",
    "swift", "toml", "ts", "typescript", "xml", "yaml", "yml",
})  # fmt: skip
# A longer program is shown without colours.
MAX_LENGTH: Final = 8_000
CLASSES: Final = frozenset(filter(None, STANDARD_TYPES.values()))


def code_html(code: str, language: str, *, is_closed: bool = True) -> str:
    """Return a block of code. While it is not closed it may still grow, and is not coloured over and over."""
    name = language.lower()
    coloured = is_closed and name in LANGUAGES and len(code) <= MAX_LENGTH
    inside = _highlighted(code, name) if coloured else escape(code)
    return f'<div class="code-block"><pre dir="ltr" tabindex="0"><code>{inside}</code></pre></div>\n'


@lru_cache(maxsize=128)
def _highlighted(code: str, language: str) -> str:
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    coloured: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return coloured
