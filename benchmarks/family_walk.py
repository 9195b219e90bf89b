"""Measures what a parent needs on a phone, from the front page to the teen's first question: taps, words, seconds.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.family_walk \\
        [--language es] [--zone Europe/Madrid] [--country ES] [--json]

A real Chromium walks the parent's side (sign up, confirm the address, invite, consent, agree) and that of the teen,
who has an account: open the invitation, accept it, open the tutor, ask. Each side has its own phone and is counted
separately. With --zone the browser is in that zone and runs scripts. The evidence of the consent is printed too.
Human seconds are the keystroke-level model of Card, Moran and Newell (1980), with 1.1 s to point and 1.35 s to decide
before each tap; typing on a phone at 36 words a minute (Palin et al. 2019, MobileHCI) or 3.0 characters a second; and
every line on the way read once, at 238 words a minute (Brysbaert 2019, Journal of Memory and Language).
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
from datetime import date
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
from mail.models import Email  # noqa: E402
from tests import live  # noqa: E402

PHONE: ViewportSize = {"width": 390, "height": 844}
POINT, DECIDE, CHARACTERS_PER_SECOND, WORDS_PER_MINUTE = 1.1, 1.35, 3.0, 238
QUESTION = "Why does AI make things up?"
# The teen is 15 in every month of this year.
BORN = date(date.today().year - 16, 12, 1)  # noqa: DTZ011 - a month, anywhere
PASSWORD = "walnut trees whistle"  # noqa: S105 - of a test account


class Walker:
    """Walks a page and counts what a person would have to do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = self.fields = self.characters = self.words = 0
        self.machine_seconds = 0.0
        self.seen: set[str] = set()

    def tap(self, selector: str) -> None:
        """Tap a control by selector and not by name, so that the walk is the same in every language."""
        started = time.perf_counter()
        self.page.locator(f"main {selector}, .site-head {selector}").first.click()
        self.page.wait_for_load_state()
        self.machine_seconds += time.perf_counter() - started
        self.taps += 1
        self.read()

    def type(self, selector: str, text: str) -> None:
        self.page.locator(selector).fill(text)
        self.fields += 1
        self.characters += len(text)

    def choose(self, selector: str, value: str) -> None:
        """Choose a value from a list, if the page has it and the value is not preselected. This takes two taps."""
        field = self.page.locator(selector)
        if not field.count():
            return
        # A list of only some countries has an empty value for all others.
        value = value if field.locator(f'option[value="{value}"]').count() else ""
        if field.input_value() != value:
            field.select_option(value)
            self.taps += 2

    def type_if_asked(self, selector: str, text: str) -> None:
        if self.page.locator(selector).count():
            self.type(selector, text)

    def read(self) -> None:
        """Count the words of the lines that were not on an earlier page. A select counts only its label."""
        lines = set(self.page.locator("main").inner_text().splitlines())
        # A real site does not list the demo's people.
        for skipped in self.page.locator("main select, .demo-people").all():
            lines -= set(skipped.inner_text().splitlines())
        self.words += sum(len(line.split()) for line in lines - self.seen)
        self.seen |= lines

    def counted(self) -> dict[str, float]:
        moving = (self.taps + self.fields) * (POINT + DECIDE)
        human = moving + self.characters / CHARACTERS_PER_SECOND + self.words / WORDS_PER_MINUTE * 60
        return {
            "taps": self.taps,
            "fields": self.fields,
            "characters": self.characters,
            "words": self.words,
            "machine_seconds": round(self.machine_seconds, 1),
            "human_seconds": round(human),
        }


@contextmanager
def site() -> Iterator[live.Web]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    with tempfile.TemporaryDirectory() as folder:
        with live.running(live.Web(Path(folder) / "web.log")) as web:
            yield web
        live.wait_until(live.is_alone, what="the site to leave the database")
    teardown_databases(made, verbosity=0)


def get_emailed_address() -> str:
    match = re.search(r"http://[^/]+(/\S+)", Email.objects.get().text)
    # Django opens another connection beside Playwright's event loop. Nothing else would close it.
    connections.close_all()
    if match is None:
        raise LookupError("The email has no address.")
    return match[1]


def walk(hers: Walker, his: Walker, *, zone: str, country: str) -> list[dict[str, Any]]:
    """Walk to the first question. Returns the consents that the parent may download."""
    page = hers.page
    page.goto("/")
    hers.tap('a[href="/sign-in"]')
    hers.tap('a[href^="/sign-up"]')
    hers.type("#id_display_name", "Sam")
    hers.type("#id_email", "sam@example.org")
    hers.type("#id_password1", PASSWORD)
    hers.choose("#id_month", "5")
    hers.type_if_asked("#id_year", "1980")
    if zone:
        hers.choose('select[name="time_zone"]', zone)
    hers.tap('form[action*="sign-up"] button')
    page.goto(get_emailed_address())
    hers.tap('form[action*="confirm-email"] button')
    hers.tap('form[action="/family/invite"] button')
    address = page.locator(".invitations code").inner_text()
    his.page.goto(address)
    his.read()
    his.tap('form[action$="/accept"] .button-primary')
    # The email and the card on every home page link to this page.
    page.goto("/family/")
    hers.tap(".next-step .button")
    hers.choose('select[name="country"]', country)
    hers.tap("form:has([name=country]) .button-primary")
    hers.type("#quiet_from", "21:00")
    hers.type("#quiet_to", "07:00")
    hers.tap("form:has(#quiet_from) .button-primary")
    expect(page.locator("#proposal")).to_be_visible()
    his.page.goto("/")
    his.tap('a[href="/tutor/"]')
    his.type('textarea[name="question"]', QUESTION)
    his.tap('form:has(textarea[name="question"]) button.button-primary')
    expect(his.page.locator(".question").first).to_contain_text(QUESTION)
    consents: list[dict[str, Any]] = page.request.get("/family/consents.json").json()["consents"]
    return consents


def measure(*, language: str, zone: str, country: str) -> dict[str, Any]:
    with site() as web:
        here = {"time_zone": zone} if zone else {}
        teen = Person.objects.create_user("noor", role=Role.TEEN, display_name="Noor", born=BORN, **here)
        cookies = live.SignedInClient(web, teen).cookies
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
            )
            pages = [
                chromium.new_context(
                    base_url=web.url,
                    viewport=PHONE,
                    java_script_enabled=bool(zone),
                    locale=language,
                    timezone_id=zone or None,
                ).new_page()
                for _person in range(2)
            ]
            hers, his = map(Walker, pages)
            for name, value in cookies.items():
                his.page.context.add_cookies([{"name": name, "value": value, "url": web.url}])
            started = time.perf_counter()
            evidence = walk(hers, his, zone=zone, country=country)
            whole = time.perf_counter() - started
            chromium.close()
    return {
        "language": language,
        "zone": zone,
        "country": country,
        "evidence": evidence,
        "parent": hers.counted(),
        "teen": his.counted(),
        "walk_seconds": round(whole, 1),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--language", default="en")
    arguments.add_argument("--zone", default="", help="an IANA time zone, such as America/Chicago")
    arguments.add_argument("--country", default="US", help="where the teen lives (ISO 3166)")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure(language=options.language, zone=options.zone, country=options.country)
    for who in ("parent", "teen"):
        walked = results[who]
        print(
            f"The {who}: {walked['taps']} taps, {walked['fields']} fields, {walked['characters']} characters typed,"
        )
        print(f"  {walked['words']} words to read; one who reads every word: {walked['human_seconds']} s")
    print(f"The machine took {results['walk_seconds']} s in all.")
    for consent in results["evidence"]:
        print("Evidence:", ", ".join(f"{name} {value}" for name, value in consent.items()))
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
