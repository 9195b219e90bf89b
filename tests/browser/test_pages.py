"""The main links, the keyboard, scripts and error pages. test_every_page.py checks each page for accessibility."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Person
from tests.browser.conftest import follow

pytestmark = [pytest.mark.browser]

PUBLIC_PAGES = [
    "/",
    "/about",
    "/privacy",
    "/help/",
    "/sign-in",
    "/help/now",
    "/help/protocol",
    "/nothing-here",
]


def test_the_not_found_page_is_accessible_and_fits_the_screen(page: Page, audit: Callable[[], None]) -> None:
    page.goto("/nothing-here")
    audit()
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", ["/", "/help/now", "/nothing-here"])
def test_a_page_in_spanish_is_accessible_and_fits_the_screen(
    path: str, page: Page, audit: Callable[[], None]
) -> None:
    page.goto(path)
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    audit()
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_a_page_without_a_conversation_has_no_script(path: str, page: Page) -> None:
    page.goto(path)
    # The help lines are also kept for when the browser is offline.
    assert page.locator("script:not([src*='/help.'])").count() == 0


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


def test_the_four_main_links_are_at_the_bottom_on_a_phone(page: Page) -> None:
    """A thumb can reach them at any scroll position, and they never cover the focused control."""
    page.goto("/")
    links = page.get_by_role("navigation", name="Site").get_by_role("link")
    assert links.all_inner_texts() == ["Learn", "Events", "Tutor", "Help now"]
    for link in links.all():
        box = link.bounding_box()
        assert box
        assert box["y"] > 844 * 0.75
        assert min(box["width"], box["height"]) >= 44
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("link", name="Help from people, now").last).to_be_in_viewport()
    bar = page.get_by_role("navigation", name="Site").bounding_box()
    last = page.get_by_role("link", name="Help from people, now").last.bounding_box()
    assert bar
    assert last
    assert last["y"] + last["height"] <= bar["y"]


def test_the_main_links_are_at_the_top_on_a_phone_held_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 667, "height": 375})
    page.goto("/")
    box = page.get_by_role("navigation", name="Site").bounding_box()
    assert box
    assert box["y"] < 200


def test_signing_out_is_one_tap(page: Page, teen: Person, sign_in: Callable[[Person], None]) -> None:
    sign_in(teen)
    page.goto("/")
    follow(page.get_by_role("button", name="Sign out"))
    page.goto("/tutor/")
    assert "/sign-in" in page.url
