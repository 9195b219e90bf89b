"""Lines of templates and style sheets have at most 120 characters, even those that the formatters do not break.

A template tag cannot be broken, and the formatters do not touch email texts. Put longer text in
`{% blocktranslate trimmed %}`, which turns each line break into one space.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIMIT = 120
KINDS = {".html", ".txt", ".css"}


def test_templates_and_style_sheets_keep_within_the_limit() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("templates", "static/css")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in KINDS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LIMIT
    ]
    assert long == []
