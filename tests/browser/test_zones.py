"""The browser's zone is found in the list: selected for a new account, offered on the account page."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from families.models import Link
from tests.browser.conftest import PHONE
from tests.live import Web

pytestmark = [pytest.mark.browser]


@pytest.fixture
def in_kolkata(browser: Browser, web: Web) -> Iterator[Page]:
    """A phone that reports its zone by its old name, as Chromium does."""
    elsewhere = browser.new_context(
        base_url=web.url, viewport=PHONE, timezone_id="Asia/Calcutta", locale="en-GB"
    )
    elsewhere.set_default_timeout(20_000)
    yield elsewhere.new_page()
    elsewhere.close()


def test_a_new_account_lives_where_its_browser_does(in_kolkata: Page, db: None) -> None:
    page = in_kolkata
    page.goto("/sign-up")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Kolkata")
    page.get_by_label("Display name").fill("Kim")
    page.get_by_label("Email").fill("kim@example.org")
    page.get_by_label("Password").fill("three-words-in-a-row")
    page.get_by_label("Birth month").select_option("5")
    page.get_by_label("Birth year").fill("1980")
    page.locator(".sign-in-form").get_by_role("button").click()
    expect(page).to_have_url(re.compile("confirm-email"))
    person = Person.objects.get()
    assert (person.time_zone, person.is_zone_confirmed) == ("Asia/Kolkata", True)


def test_an_agreement_elsewhere_is_offered_the_browsers_zone_and_axe_finds_nothing(
    page: Page,
    parent: Person,
    teen: Person,
    sign_in: Callable[[Person], None],
    audit: Callable[[], None],
) -> None:
    link = Link.objects.create(
        parent=parent, teen=teen, time_zone="Europe/Madrid", quiet_from="21:00", quiet_to="7:00"
    )
    sign_in(parent)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"/family/links/{link.pk}/agreement")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert zone != "Europe/Madrid"
    offer = page.locator("[data-zone-offer]")
    expect(offer).to_contain_text("Your device uses ")
    audit()
    offer.get_by_role("button").click()
    expect(page.get_by_label("Time zone")).not_to_have_value("Europe/Madrid")
    expect(page.get_by_label("Time zone")).to_be_focused()
    expect(offer).to_be_hidden()
