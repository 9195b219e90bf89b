"""Takes the README's pictures from a running demo: `.venv/bin/python docs/pictures/take.py http://localhost:8000`."""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent
PHONE: ViewportSize = {"width": 390, "height": 844}


def sign_in(page: Page) -> None:
    page.goto("/sign-in?next=/tutor/")
    page.get_by_role("button", name=re.compile("Noor")).click()
    page.wait_for_url("**/tutor/")


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(
            base_url=address, viewport=PHONE, color_scheme="light", reduced_motion="reduce"
        )
        page = context.new_page()
        sign_in(page)
        page.screenshot(path=HERE / "start-phone-light.png")
        page.get_by_label("Your question").fill("Why is the sky blue?")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator(".answer-foot").wait_for(timeout=60_000)
        page.emulate_media(color_scheme="dark")
        page.locator(".answer-foot").scroll_into_view_if_needed()
        page.screenshot(path=HERE / "answer-phone-dark.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
