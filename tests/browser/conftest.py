"""A real Chromium, from the machine or from Playwright. Without one, tests fail with a clear message."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    ViewportSize,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError

from accounts.models import Person
from tests.browser.checks import list_problems
from tests.live import Web

# Playwright's synchronous API runs an event loop in this thread, and Django refuses database access beside a loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

PHONE: ViewportSize = {"width": 390, "height": 844}
NO_BROWSER = (
    "These tests need Chromium. Install it (Debian: apt-get install chromium-headless-shell; others: "
    ".venv/bin/playwright install chromium) or name it in CHROMIUM."
)
# The first is the same engine without the browser's own UI, which costs more than our pages: a page takes a quarter of
# the time. Playwright also downloads this one.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Chromium's sandbox cannot run as root, and its requests to its maker fail without a network.
# The headless browser would round letter widths to pixels.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--font-render-hinting=none"]


# Playwright turns off the back-forward cache, but visitors have it.
WITHOUT_CACHE = "--disable-back-forward-cache"


def launch(playwright: Playwright, *, with_cache: bool = False) -> Browser:
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    bundled = Path(playwright.chromium.executable_path)
    if not executable and not bundled.exists():
        pytest.fail(NO_BROWSER, pytrace=False)
    ignored = [WITHOUT_CACHE] if with_cache else None
    try:
        return playwright.chromium.launch(
            executable_path=executable or bundled, args=ARGUMENTS, ignore_default_args=ignored
        )
    except BrowserError as error:
        pytest.fail(f"{NO_BROWSER}\n{error}", pytrace=False)


def follow(control: Locator) -> None:
    """Clicks a link or button, and waits for the page that it opens. `click` alone may return before that."""
    with control.page.expect_navigation():
        control.click()


type Started = tuple[asyncio.AbstractEventLoop, Playwright, Browser]


@pytest.fixture(scope="session")
def _started() -> Iterator[Started]:
    """Playwright and a browser, started once per process.

    Playwright's event loop counts as running as long as Playwright does, and another test of this process could run
    none. So it is marked as running in browser tests only.
    """
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        browser = launch(playwright)
        asyncio._set_running_loop(None)
        yield loop, playwright, browser
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def playwright(_started: Started) -> Iterator[Playwright]:
    loop, playwright, _ = _started
    asyncio._set_running_loop(loop)
    yield playwright
    asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def browser(playwright: Playwright, _started: Started) -> Browser:
    return _started[2]


@pytest.fixture(scope="module")
def browser_with_cache(playwright: Playwright) -> Iterator[Browser]:
    """Keeps pages for Back and Forward as visitors' browsers do."""
    launched = launch(playwright, with_cache=True)
    yield launched
    launched.close()


@pytest.fixture
def context(browser: Browser, web: Web) -> Iterator[BrowserContext]:
    # Playwright's routes see no request that a service worker makes.
    opened = browser.new_context(
        base_url=web.url, viewport=PHONE, reduced_motion="reduce", service_workers="block"
    )
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A phone's page. A script error or a violation of the content security policy fails the test."""
    errors: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "console", lambda message: errors.append(message.text) if "Security Policy" in message.text else None
    )
    yield opened
    assert not errors


@pytest.fixture
def sign_in(context: BrowserContext, web: Web) -> Callable[[Person], None]:
    """Signs the browser in without the form, which is rate-limited."""

    def signing_in(person: Person) -> None:
        client = Client()
        client.force_login(person)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": web.url}])

    return signing_in


@pytest.fixture
def audit_page() -> Callable[[Page], None]:
    """Checks that axe finds nothing on the current page, in light and dark mode."""

    def auditing(page: Page) -> None:
        assert not list(list_problems(page))

    return auditing


@pytest.fixture
def audit(page: Page, audit_page: Callable[[Page], None]) -> Callable[[], None]:
    return partial(audit_page, page)
