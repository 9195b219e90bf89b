"""Templates and style sheets keep within 120 characters: the formatters break what they can, and this holds the rest.

A tag of Django's cannot be broken, and a formatter leaves the words of a mail alone. Longer words stand in
`{% blocktranslate trimmed %}`, which makes one space of each break and so says the same.
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
