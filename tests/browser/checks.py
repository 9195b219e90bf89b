"""What every page is held to, by day and by night and on a small phone."""

from collections.abc import Iterator
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (320, 390, 1280)
SCHEMES: dict[Literal["light", "dark"], dict[str, object]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}


def faults(page: Page) -> Iterator[str]:
    """What axe finds by day, and of what may differ by night, the colours."""
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        # Colours of Django's admin fade from day to night, and are none's in between.
        page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        for found in Axe().run(page, options=options).response["violations"]:
            yield f"{scheme}: {found['id']}: {[node['html'][:200] for node in found['nodes'][:3]]}"


def too_wide(page: Page) -> Iterator[str]:
    """What a reader would have to move sideways for. It leaves the page at the last of the widths."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            yield f"needs {needed} of {width} pixels"
