"""Templates show times in a person's or event's time zone, never in the server's."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
SHOWN = re.compile(r"""([\w.]+)((?:\|\w+(?::[\w.'"]+)?)*)\|(?:date|time):(?!'c')""")
# Days without a time, and clock times of an agreement or a shift, which names its zone beside them.
DAYS = {
    "born",
    "briefing.date",
    "briefing.followed_up",
    "preview.page.briefing.date",
    "day.date",
    "day.day",
    "line.last_checked",
    # Whole days of the zone that the page names.
    "chosen.period.first",
    "chosen.period.last",
    "made.period.first",
    "result.month.first",
}
CLOCKS = {"terms.quiet_from", "terms.quiet_to", "shift.starts", "shift.ends"}


def test_every_moment_on_a_page_is_on_the_clock_of_a_zone() -> None:
    lost = []
    for page in TEMPLATES.rglob("*.html"):
        text = page.read_text()
        for match in SHOWN.finditer(text):
            is_named = text[match.end() :].partition("}}")[2].startswith(" UTC")
            if match[1] in DAYS | CLOCKS or "|timezone:" in match[2] or "|utc" in match[2] or is_named:
                continue
            lost.append(f"{page.relative_to(TEMPLATES)}: {match[0]}")
    assert lost == []
