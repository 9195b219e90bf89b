"""Costs, the forecast and the lesson's calculator in a browser: readable, on a phone, with and without scripts."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Person
from tests.browser.checks import list_overflows
from tests.browser.conftest import PHONE
from tests.budgets.generated import generate_calls
from tests.budgets.ledger import set_budget
from tests.live import Web

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("library")]
SignIn = Callable[[Person], None]


@pytest.fixture
def used(web: Web, teen: Person) -> None:
    """A site with eight weeks of answers."""
    now = timezone.now()
    set_budget(teen, tokens=None, now=now - timedelta(days=70))
    generate_calls([teen], count=3000, starts_at=now - timedelta(days=60), length=timedelta(days=60))


@pytest.mark.parametrize(
    "address",
    [
        "/admin/desk/costs?period=last",
        "/admin/desk/costs?period=custom&first=x&last=y",
        "/admin/desk/forecast",
    ],
)
def test_the_desk_s_pages_of_money_are_accessible_and_fit_a_phone(
    address: str, page: Page, used: None, admin_person: Person, sign_in: SignIn, audit: Callable[[], None]
) -> None:
    sign_in(admin_person)
    page.goto(address)
    for fold in page.locator("#content-main, .desk-page").locator("summary").all():
        if fold.locator("..").get_attribute("open") is None:
            fold.click()
    audit()
    assert not list(list_overflows(page))


def test_a_slider_of_the_forecast_changes_its_result_and_its_address(
    page: Page, used: None, admin_person: Person, sign_in: SignIn
) -> None:
    sign_in(admin_person)
    page.goto("/admin/desk/forecast?people=1&questions=10")
    before = page.locator(".money-main dd").inner_text()
    slider = page.get_by_role("slider", name="People who ask")
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator(".money-main dd")).not_to_have_text(before)
    expect(page.locator("form [role=status]")).to_contain_text("may cost $")
    expect(page.locator("#id_people")).to_have_value(slider.input_value())
    assert f"people={slider.input_value()}" in page.url
    page.reload()
    expect(page.locator("#id_people")).to_have_value(slider.input_value())


def test_a_wrong_number_is_explained_at_once(
    page: Page, used: None, admin_person: Person, sign_in: SignIn
) -> None:
    sign_in(admin_person)
    page.goto("/admin/desk/forecast")
    page.locator("#id_local").fill("140")
    expect(page.get_by_role("alert")).to_contain_text("Answered by local models, in percent: ")


@pytest.mark.parametrize("address", ["/learn/memory-versus-margins/who-pays", "/learn/calculator"])
def test_the_lesson_s_calculator_follows_its_sliders(
    address: str, page: Page, audit: Callable[[], None]
) -> None:
    page.goto(address)
    total = page.locator(".calculator-total")
    expect(total).to_have_text("$2,400,000.00")
    page.get_by_label("Answers in one conversation", exact=True).first.fill("10")
    expect(total).to_have_text("$22,000,000.00")
    # The reader stays at their place in the lesson.
    assert page.url.endswith(address)
    audit()
    assert not list(list_overflows(page))


@pytest.fixture
def without_scripts(browser: Browser, web: Web) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
    yield opened
    opened.close()


def test_the_lesson_s_calculator_needs_no_script(without_scripts: BrowserContext) -> None:
    page = without_scripts.new_page()
    page.goto("/learn/memory-versus-margins/who-pays")
    page.get_by_label("What it remembers").select_option("none")
    page.get_by_role("button", name="Calculate").click()
    expect(page.locator(".calculator-total")).to_have_text("$1,200,000.00")
    page.get_by_role("link", name="chatbot, all that it can read").click()
    expect(page.locator(".calculator-total")).to_have_text("$57,600,000,000.00")
