"""The data pages on a phone: they fit, pass axe in light and dark mode, and work without JavaScript."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from kit import rate_limits
from privacy.archive import build_archive
from tests.live import Web
from tests.privacy.conftest import answered

pytestmark = [pytest.mark.browser]
DATA, ERASED = "/account/data", "/account/erased"


@pytest.fixture(autouse=True)
def _fresh_counts(web: Web) -> Iterator[None]:
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def full(web: Web, teen: Person) -> Person:
    answered(teen)
    return teen


@pytest.fixture
def fits(page: Page, audit: Callable[[], None]) -> Callable[[], None]:
    """Axe finds nothing, and nothing overflows at any width."""

    def fitting() -> None:
        audit()
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        page.set_viewport_size({"width": 390, "height": 844})

    return fitting


def test_the_data_page_and_the_deleted_page_fit(
    page: Page, teen: Person, sign_in: Callable[[Person], None], fits: Callable[[], None]
) -> None:
    page.goto(ERASED)
    fits()
    sign_in(teen)
    page.goto("/")
    page.get_by_role("link", name="Your data").click()
    expect(page.get_by_role("heading", name="Your data")).to_be_visible()
    fits()
    assert page.locator("script").count() == 0


def test_a_wrong_password_focuses_its_field_and_fits(
    page: Page, teen: Person, sign_in: Callable[[Person], None], fits: Callable[[], None]
) -> None:
    sign_in(teen)
    page.goto(DATA)
    page.get_by_label("Your password").fill("not-it")
    page.get_by_role("button", name="Delete everything now").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(page).to_have_title(re.compile("^Nothing was deleted"))
    alert.get_by_role("link").click()
    expect(page.get_by_label("Your password")).to_be_focused()
    fits()


def test_the_page_in_the_zip_is_readable_on_its_own(
    page: Page, full: Person, fits: Callable[[], None], tmp_path: Path
) -> None:
    with build_archive(person=full) as spool, zipfile.ZipFile(spool) as archive:
        archive.extract("index.html", tmp_path)
    page.goto((tmp_path / "index.html").as_uri())
    expect(page.get_by_text("walnut tree").first).to_be_visible()
    fits()


def test_download_and_deletion_work_without_javascript(
    browser: Browser, web: Web, full: Person, tmp_path: Path
) -> None:
    plain = browser.new_context(
        base_url=web.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = plain.new_page()
    page.goto(DATA)
    page.locator("#id_username").fill(full.username)
    page.locator("#id_password").fill("a-long-password")
    page.locator("main form").filter(has=page.locator("#id_password")).get_by_role("button").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    assert re.fullmatch(r"kitchen-table-[\d-]+\.zip", download.value.suggested_filename)
    download.value.save_as(tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        assert b"walnut tree" in archive.read("index.html")
    page.get_by_label("Your password").fill("a-long-password")
    page.get_by_role("button", name="Delete everything now").click()
    expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert not Person.objects.filter(username=full.username).exists()
    page.goto(DATA)
    assert "/sign-in" in page.url
    plain.close()
