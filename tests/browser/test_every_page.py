"""Every page: axe finds nothing in light or dark mode, and nothing overflows on a phone.

The pages come from the permission table (tests/matrix), so that none is forgotten.
"""

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page

from events.models import Event
from tests.browser.checks import list_overflows, list_problems
from tests.browser.conftest import PHONE
from tests.live import Web
from tests.matrix.routes import routes
from tests.matrix.test_matrix import IN_THE_ADMIN, ROWS, admin_page
from tests.matrix.world import ROLES, World, create_world

pytestmark = [pytest.mark.browser]


def open_to(role: str) -> list[str]:
    """Return the routes that show this role a page. Except in a soak, skip those that an earlier role sees."""
    place = ROLES.index(role)
    names = []
    for name, (get, _post) in sorted(ROWS.items()):
        answers = get.split()
        if answers[place] == "200" and ("SOAK" in os.environ or "200" not in answers[:place]):
            names.append(name)
    return names


@pytest.fixture
def world(web: Web, library: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("mail.nudge.send", lambda _mail_id: None)
    return create_world()


@pytest.fixture
def spanish(browser: Browser, web: Web) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=web.url, viewport=PHONE, locale="es-MX")
    yield opened
    opened.close()


def sign_in(context: BrowserContext, world: World, role: str) -> None:
    cookies = world.client(role).cookies.items()
    context.add_cookies(
        [
            {"name": name, "value": morsel.value, "domain": "127.0.0.1", "path": "/"}
            for name, morsel in cookies
        ]
    )


def is_page(page: Page, address: str) -> bool:
    """Open the address. Return whether it is a page, not a file or an API response."""
    answer = page.request.get(address, max_redirects=0)
    if "text/html" not in answer.headers.get("content-type", "") or "attachment" in str(answer.headers):
        return False
    page.goto(address)
    return page.locator("html[lang]").count() > 0


@pytest.mark.parametrize("role", [role for role in ROLES if open_to(role)])
def test_every_page_is_accessible_and_fits_the_screen(
    role: str, world: World, page: Page, spanish: BrowserContext
) -> None:
    for context in (page.context, spanish):
        sign_in(context, world, role)
    other = spanish.new_page()
    page.add_init_script(AXE_SCRIPT)
    wrong = []
    for name in open_to(role):
        address = world.address(name, routes()[name])
        if is_page(page, address):
            wrong += [f"{name}: {problem}" for problem in (*list_problems(page), *list_overflows(page))]
            other.goto(address)
            wrong += [f"{name}, in Spanish: {problem}" for problem in list_overflows(other)]
    assert not wrong, "\n".join(wrong)


def test_the_admin_pages_are_accessible(world: World, page: Page) -> None:
    sign_in(page.context, world, "admin")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.add_init_script(AXE_SCRIPT)
    wrong = []
    lists = [admin_page(model, "changelist") for model in IN_THE_ADMIN]
    for address in [reverse("admin:index"), *lists]:
        page.goto(address)
        wrong += [f"{address}: {problem}" for problem in list_problems(page)]
    assert not wrong, "\n".join(wrong)


def test_the_admin_pages_of_an_event_are_accessible_and_fit_a_phone(world: World, page: Page) -> None:
    sign_in(page.context, world, "admin")
    wrong = []
    for name in ("people", "message", "emails", "repeat", "cancel"):
        page.goto(f"/admin/events/event/{Event.objects.get().pk}/{name}")
        wrong += [f"{name}: {problem}" for problem in (*list_problems(page), *list_overflows(page))]
    assert not wrong, "\n".join(wrong)
