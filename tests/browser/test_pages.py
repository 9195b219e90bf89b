"""Every page that needs no model: it fits a phone, passes axe by day and by night, and carries little."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Person

pytestmark = [pytest.mark.browser]

OPEN_PAGES = ["/", "/sign-in", "/help/now", "/help/protocol", "/nothing-here"]


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(path: str, page: Page, audit: Callable[[], None]) -> None:
    page.goto(path)
    audit()
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_a_page_without_a_conversation_carries_no_script(path: str, page: Page) -> None:
    page.goto(path)
    assert page.locator("script").count() == 0


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", "#main")


def test_a_wrong_password_keeps_the_name_and_says_what_to_do(page: Page, teen: Person) -> None:
    page.goto("/sign-in")
    page.locator("#id_username").fill(teen.username)
    page.locator("#id_password").fill("not-it")
    page.locator("main form").filter(has=page.locator("#id_password")).get_by_role("button").click()
    expect(page.locator("#id_username")).to_have_value(teen.username)
    expect(page.get_by_role("alert").first).to_be_visible()


def test_signing_out_is_one_tap(page: Page, teen: Person, sign_in: Callable[[Person], None]) -> None:
    sign_in(teen)
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/tutor/")
    assert "/sign-in" in page.url
