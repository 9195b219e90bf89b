"""How long a parent needs on a phone, from the front page to a teen who may ask: steps, machine and human seconds.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.family_walk [--json]

A real Chromium walks the parent's side: sign up, confirm the address, invite, consent, agree. The teen's two taps are
done on a phone of their own and not counted. Human seconds are the keystroke-level model of Card, Moran and Newell
(1980), with 1.1 s to point and 1.35 s to decide before each tap; typing on a phone at 36 words a minute (Palin et al.
2019, MobileHCI) or 3.0 characters a second; and every line on the way read once, at 238 words a minute
(Brysbaert 2019, Journal of Memory and Language).
"""

import argparse
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.db import connections  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from mail.models import Mail  # noqa: E402
from tests import live  # noqa: E402

PHONE: ViewportSize = {"width": 390, "height": 844}
POINT, DECIDE, CHARACTERS_A_SECOND, WORDS_A_MINUTE = 1.1, 1.35, 3.0, 238
PASSWORD = "walnut trees whistle"  # noqa: S105 - of nobody


class Walker:
    """Walks a page and counts what a person would have to do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = self.fields = self.characters = self.words = 0
        self.machine_seconds = 0.0
        self.seen: set[str] = set()

    def tap(self, role: Any, name: str, *, exact: bool = False) -> None:
        started = time.perf_counter()
        self.page.get_by_role(role, name=name, exact=exact).first.click()
        self.page.wait_for_load_state()
        self.machine_seconds += time.perf_counter() - started
        self.taps += 1
        self.read()

    def type(self, selector: str, text: str) -> None:
        self.page.locator(selector).fill(text)
        self.fields += 1
        self.characters += len(text)

    def read(self) -> None:
        """Every line that was not on an earlier page; of a list to choose from, the label."""
        lines = set(self.page.locator("main").inner_text().splitlines())
        # The people of a demo are not on the page of a site in earnest.
        for apart in self.page.locator("main select, .demo-people").all():
            lines -= set(apart.inner_text().splitlines())
        self.words += sum(len(line.split()) for line in lines - self.seen)
        self.seen |= lines

    @property
    def human_seconds(self) -> float:
        moving = (self.taps + self.fields) * (POINT + DECIDE)
        return moving + self.characters / CHARACTERS_A_SECOND + self.words / WORDS_A_MINUTE * 60


@contextmanager
def site() -> Iterator[live.Web]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    with tempfile.TemporaryDirectory() as folder:
        with live.running(live.Web(Path(folder) / "web.log")) as web:
            yield web
        live.wait_until(live.is_alone, what="the site to leave the database")
    teardown_databases(made, verbosity=0)


def address_in_the_mail() -> str:
    found = re.search(r"http://[^/]+(/\S+)", Mail.objects.get().text)
    # Beside Playwright's loop Django opens a connection of its own, which nobody else would close.
    connections.close_all()
    if found is None:
        raise LookupError("The mail holds no address.")
    return found[1]


def walk(hers: Walker, his: Page) -> None:
    page = hers.page
    page.goto("/")
    hers.tap("link", "Sign in")
    hers.tap("link", "Make an account")
    hers.type("#id_display_name", "Sam")
    hers.type("#id_email", "sam@example.org")
    hers.type("#id_password1", PASSWORD)
    hers.tap("button", "Sign up")
    page.goto(address_in_the_mail())
    hers.tap("button", "Yes, it is mine")
    hers.tap("button", "Make an invitation")
    address = page.locator(".invitations code").inner_text()
    his.goto(address)
    his.get_by_role("button", name="Yes, link us").click()
    page.goto("/family/")
    hers.tap("link", "Consent", exact=True)
    hers.tap("button", "I have read this, and I agree")
    hers.type("#quiet_from", "21:00")
    hers.type("#quiet_to", "07:00")
    hers.tap("button", "Ask for this")
    expect(page.get_by_role("heading", name="You asked for this")).to_be_visible()


def measure() -> dict[str, Any]:
    with site() as web:
        teen = Person.objects.create_user("noor", role=Role.TEEN, display_name="Noor")
        cookies = live.Visitor(web, teen).cookies
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
            )
            pages = [
                chromium.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False).new_page()
                for _person in range(2)
            ]
            hers, his = Walker(pages[0]), pages[1]
            for name, value in cookies.items():
                his.context.add_cookies([{"name": name, "value": value, "url": web.url}])
            started = time.perf_counter()
            walk(hers, his)
            whole = time.perf_counter() - started
            chromium.close()
    return {
        "taps": hers.taps,
        "fields": hers.fields,
        "characters": hers.characters,
        "words": hers.words,
        "machine_seconds": round(hers.machine_seconds, 1),
        "walk_seconds": round(whole, 1),
        "human_seconds": round(hers.human_seconds),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    found = measure()
    print(f"{found['taps']} taps, {found['fields']} fields, {found['characters']} characters typed,")
    print(f"{found['words']} words to read; the machine took {found['walk_seconds']} s in all.")
    print(f"A person who reads every word: {found['human_seconds']} s")
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
