"""Measures how far a teen is from the first word of an answer, on a phone of 390 px: taps and seconds, in Chromium.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.first_word [--runs 5] [--json]

A teen who is signed in opens the start page, goes to the tutor, taps the question box, types a question and sends it.
The model is scripted and answers at once, so the seconds are those of the site, the network and the phone, without the
time of a person: to the painted start page, from the tap on the link until the box is seen, and from the tap on Ask
until the first word is seen. Each walk has an empty cache. The slow phone is that of benchmarks.slow_phone:
Lighthouse's Slow 4G, and a processor four times slower than this one.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.conf import settings  # noqa: E402 - models need the settings first
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from benchmarks.slow_phone import NETWORK, SLOWER  # noqa: E402
from tests import live  # noqa: E402
from tests.browser.conftest import PHONE, launch  # noqa: E402
from tests.conftest import with_consent  # noqa: E402
from tests.quirk_cases import END  # noqa: E402
from tests.scripted import OK, scripted, words  # noqa: E402

QUESTION = "Why do plants need light?"
ANSWER = ("Plants make sugar ", "from light, water ", "and air. ", "That is called photosynthesis.")
PHONES = {"fast": False, "slow": True}


class Walk:
    """Walks one phone from the start page to the first word. `taps` counts what a person taps."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = 0
        self.seconds: dict[str, float] = {}

    def walk(self, url: str) -> None:
        self._time("start_page", lambda: self.page.goto(url, wait_until="load"))
        self._time("tutor", self._open_tutor)
        self._tap("#question")
        self.page.locator("#question").fill(QUESTION)
        self._time("first_word", self._ask)

    def _open_tutor(self) -> None:
        self._tap("a[href='/tutor/'] >> visible=true")
        self.page.locator("#question").wait_for()

    def _ask(self) -> None:
        self._tap("#composer-button")
        self.page.locator(".turn .prose", has_text=ANSWER[0].strip()).first.wait_for()

    def _tap(self, selector: str) -> None:
        self.page.locator(selector).first.tap()
        self.taps += 1

    def _time(self, name: str, act: Callable[[], object]) -> None:
        began = time.perf_counter()
        act()
        self.seconds[name] = time.perf_counter() - began


@contextmanager
def site() -> Iterator[str]:
    """Run web and worker with a scripted model on a test database with the lessons. Yields the web's address."""
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    call_command("load_content", verbosity=0)
    with tempfile.TemporaryDirectory() as folder, scripted([OK, words(*ANSWER), END]) as model:
        changed = {"TUTOR_BASE_URL": model.url, "TUTOR_PROMPT_PROFILE": "full"}
        with (
            live.running(live.Web(Path(folder) / "web.log", **changed)) as web,
            live.running(live.Worker(Path(folder) / "worker.log", **changed)),
        ):
            yield web.url
    live.wait_until(live.is_alone, what="the site to leave the database")
    teardown_databases(made, verbosity=0)


def walk_once(browser: Browser, url: str, *, name: str, is_slow: bool) -> Walk:
    client = Client()
    client.force_login(with_consent(Person.objects.create_user(name, role=Role.TEEN)))
    # Django opens another connection beside Playwright's event loop. Nothing else would close it.
    connections.close_all()
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    context.set_default_timeout(60_000)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}])
    page = context.new_page()
    if is_slow:
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", NETWORK)
        line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    walked = Walk(page)
    walked.walk(f"{url}/")
    context.close()
    return walked


def measure(runs: int) -> dict[str, Any]:
    """Return taps and the median seconds of several walks, for each phone. A walk before them warms the servers."""
    figures: dict[str, Any] = {}
    with site() as url, sync_playwright() as playwright:
        browser = launch(playwright)
        walk_once(browser, url, name="warm-up", is_slow=False)
        for phone, is_slow in PHONES.items():
            walks = [
                walk_once(browser, url, name=f"{phone}-{number}", is_slow=is_slow) for number in range(runs)
            ]
            parts = {
                part: round(statistics.median(walk.seconds[part] for walk in walks), 2)
                for part in walks[0].seconds
            }
            whole = statistics.median(sum(walk.seconds.values()) for walk in walks)
            figures[phone] = {"taps": walks[0].taps, **parts, "whole": round(whole, 2)}
        browser.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = measure(options.runs)
    if options.json:
        print(json.dumps({"benchmark": "first_word", "runs": options.runs, "phones": figures}))
        return
    for phone, seconds in figures.items():
        print(
            f"{phone:5} {seconds['taps']} taps · start page {seconds['start_page']} s · tutor {seconds['tutor']} s · "
            f"first word {seconds['first_word']} s · together {seconds['whole']} s"
        )


if __name__ == "__main__":
    main()
