"""Checks for every page, in light and dark mode and on a small phone."""

from collections.abc import Iterator
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (320, 390, 1280)
SCHEMES: dict[Literal["light", "dark"], dict[str, object]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}


def list_problems(page: Page) -> Iterator[str]:
    """Return what axe finds in light mode, and its color findings in dark mode."""
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        # Django's admin fades between light and dark mode. Colors in between are not checked.
        page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        for violation in _list_violations(page, options):
            yield f"{scheme}: {violation['id']}: {[node['html'][:200] for node in violation['nodes'][:3]]}"


def _list_violations(page: Page, options: dict[str, object]) -> list[dict[str, Any]]:
    # Half a megabyte, which a page needs only once. axe_playwright_python sends it for each run.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(
        "(options) => axe.run(options).then((results) => results.violations)", options
    )
    return found


def list_overflows(page: Page) -> Iterator[str]:
    """Return what overflows sideways at any width. The page keeps the last width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            yield f"needs {needed} of {width} pixels"
