"""Measures size and load time of every module's and lab's pages on a slow phone, in Chromium.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.slow_phone [--runs 3] [--labs]

The phone is Lighthouse's: 1.6 Mbit/s down, 0.75 up, 150 ms a round trip (set in the browser as 562.5 ms a request and
nine tenths of the rate), and a processor four times slower than this one. Each page is opened with an empty cache, as
on a first visit; a second visit has style sheets and fonts in the cache.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.conf import settings  # noqa: E402 - models need the settings first
from django.core.management import call_command  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from django.urls import reverse  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from courses.models import Lesson  # noqa: E402
from labs.registry import LABS  # noqa: E402
from tests import live  # noqa: E402
from tests.browser.conftest import PHONE, launch  # noqa: E402

NETWORK = {
    "offline": False,
    "latency": 562.5,
    "downloadThroughput": 1.6e6 / 8 * 0.9,
    "uploadThroughput": 0.75e6 / 8 * 0.9,
}
SLOWER = 4
PAINTED = """() => ({
    painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    loaded: performance.getEntriesByType("navigation")[0].loadEventEnd,
})"""


class Visit(NamedTuple):
    """Bytes transferred (and those of the HTML), requests, and milliseconds to first paint and to load."""

    weight: int
    html: int
    requests: int
    painted: float
    loaded: float


LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd > 0"


def visit(browser: Browser, url: str) -> Visit:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", NETWORK)
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    weights = dict[str, int]()
    kinds = dict[str, str]()
    line.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    line.on(
        "Network.loadingFinished",
        lambda event: weights.update({event["requestId"]: int(event["encodedDataLength"])}),
    )
    page.goto(url, wait_until="load")
    live.wait_until(lambda: page.evaluate(LOADED), what="the page to be loaded")
    page.wait_for_timeout(300)
    times: dict[str, float] = page.evaluate(PAINTED)
    context.close()
    html = sum(weight for request, weight in weights.items() if kinds.get(request) == "Document")
    return Visit(sum(weights.values()), html, len(weights), times["painted"], times["loaded"])


@contextmanager
def site() -> Iterator[str]:
    """Run the web server on a test database with the modules loaded. Yields its address."""
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    call_command("load_content", verbosity=0)
    with tempfile.TemporaryDirectory() as folder, live.running(live.Web(Path(folder) / "web.log")) as web:
        yield web.url
    live.wait_until(live.is_alone, what="the site to leave the database")
    teardown_databases(made, verbosity=0)


def measure(runs: int, *, only_labs: bool = False) -> dict[str, Visit]:
    """Return the median of several visits to each page, by path."""
    with site() as url:
        lessons = Lesson.objects.filter(module__language=settings.LANGUAGE_CODE).order_by(
            "module__order", "order"
        )
        names = lessons.values_list("module__slug", "slug")
        labs = [reverse("labs:index"), *(lab.url for lab in LABS)]
        lessons_and_more = [
            "/",
            reverse("courses:modules"),
            *(reverse("courses:lesson", args=name) for name in names),
        ]
        paths = labs if only_labs else [*lessons_and_more, *labs]
        visits: dict[str, list[Visit]] = {path: [] for path in paths}
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for path in paths * runs:
                visits[path].append(visit(browser, url + path))
            browser.close()
    return {path: Visit(*map(statistics.median, zip(*each, strict=True))) for path, each in visits.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--labs", action="store_true", help="only the pages of the labs")
    given = arguments.parse_args()
    results: dict[str, Any] = measure(given.runs, only_labs=given.labs)
    for path, page in results.items():
        print(
            f"{path:50} {page.weight / 1000:6.1f} kB ({page.html / 1000:5.1f} HTML) in {page.requests:2.0f} requests"
            f"  first words {page.painted:5.0f} ms  loaded {page.loaded:5.0f} ms"
        )


if __name__ == "__main__":
    main()
