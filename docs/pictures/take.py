"""Takes the README's pictures from a running demo: `.venv/bin/python docs/pictures/take.py http://localhost:8000`."""

import base64
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 860}


def open_signed_in(browser: Browser, address: str, name: str, path: str, size: ViewportSize) -> Page:
    """Sign in as one of the demo's people, each in a browser context of their own, and open a page."""
    context = browser.new_context(
        base_url=address, viewport=size, color_scheme="light", reduced_motion="reduce", locale="en-US"
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_role("button", name=re.compile(name)).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(path)
    return page


def take_parent(browser: Browser, address: str) -> None:
    page = open_signed_in(browser, address, "Sam", "/learn/good-and-bad", PHONE)
    page.screenshot(path=HERE / "parent.png")


def take_teen(browser: Browser, address: str) -> None:
    page = open_signed_in(browser, address, "Noor", "/tutor/", PHONE)
    page.screenshot(path=HERE / "teen.png")
    page.get_by_label("Your question").fill("Why is the sky blue?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".answer-foot").wait_for(timeout=60_000)
    page.emulate_media(color_scheme="dark")
    page.locator(".answer-foot").scroll_into_view_if_needed()
    page.screenshot(path=HERE / "answer-phone-dark.png")


def take_admin(browser: Browser, address: str) -> None:
    page = open_signed_in(browser, address, "Ana", "/admin/events/event/", DESKTOP)
    page.get_by_role("link", name=re.compile("around one table")).click()
    page.wait_for_url("**/change/**")
    page.screenshot(path=HERE / "admin.png")


DESK_PAGES = {
    "today": "/admin/",
    "costs": "/admin/desk/costs?period=last",
    "forecast": "/admin/desk/forecast",
    "people": "/admin/budgets/budgetowner/",
    "near-edge": "/admin/budgets/budget/near-edge/",
    "site-budget": "/admin/budgets/budget/site/",
    "families": "/admin/budgets/budget/?scope__exact=family",
    "plans": "/admin/budgets/plan/",
    "grant-file": "/admin/budgets/grant/file/",
    "changes": "/admin/budgets/budgetchange/",
    "stop": "/admin/budgets/budget/stop/",
    "first-run": "/admin/desk/first-run",
    "team": "/admin/desk/team",
    "health": "/admin/desk/health",
}
# Longer pages are lists, whose first rows say enough.
MAX_HEIGHT = 2400


def save_as_webp(page: Page, path: Path) -> None:
    """Save the page from its top. Playwright writes no WebP; the browser does, in a fifth of a PNG's bytes."""
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.evaluate("document.documentElement.clientWidth")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, MAX_HEIGHT), "scale": 1}
    options = {"format": "webp", "quality": 70, "captureBeyondViewport": True, "clip": clip}
    picture = page.context.new_cdp_session(page).send("Page.captureScreenshot", options)
    path.write_bytes(base64.b64decode(picture["data"]))


def take_desk(browser: Browser, address: str) -> None:
    """Take the pages of the desk. First fill the demo with `manage.py generate_load` and run `audit_budgets`."""
    for width, size in {"390": PHONE, "1280": DESKTOP}.items():
        page = open_signed_in(browser, address, "Ana", "/admin/", size)
        for name, path in DESK_PAGES.items():
            page.goto(path)
            save_as_webp(page, HERE / f"desk-{name}-{width}.webp")


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for take in (take_parent, take_teen, take_admin, take_desk):
            take(browser, address)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
