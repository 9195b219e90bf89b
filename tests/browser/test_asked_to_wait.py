"""Rate-limited pages keep what was typed after a reload and after Back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts import limits
from accounts.models import Person
from kit import rate_limits
from tests.browser.checks import list_overflows, list_problems

pytestmark = [pytest.mark.browser]


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    rate_limits._shared_counters().storage.reset()


def use_up(limit: rate_limits.RateLimit, *who: str) -> None:
    for _ in range(limit.items[0].amount):
        limit.hit(*who)


def test_signing_in(page: Page, make_person: Callable[..., Person]) -> None:
    make_person("guessed-at")
    page.goto("/sign-in")
    for number in range(6):
        page.get_by_label("Username or email").fill("guessed-at")
        page.get_by_label("Password").fill(f"guess-{number}")
        page.get_by_role("button", name="Sign in", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Too many tries. Please wait")
    expect(alert).to_be_focused()
    assert not [*list_problems(page), *list_overflows(page)]
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("Too many tries. Please wait")
    expect(page.get_by_label("Username or email")).to_have_value("guessed-at")
    expect(page.get_by_label("Password")).to_have_value("")


@pytest.mark.django_db(transaction=True)
def test_signing_up(page: Page) -> None:
    page.goto("/sign-up")
    for label, value in {"Display name": "Kim", "Email": "kim@example.org"}.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Password", exact=True).fill("four-words-in-a-row")
    page.get_by_label("Birth month").select_option("5")
    page.get_by_label("Birth year").fill("1980")
    use_up(limits.sign_up_forms.network, "127.0.0.1")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many tries. Please wait")
    expect(page.get_by_label("Email", exact=True)).to_have_value("kim@example.org")
    assert not [*list_problems(page), *list_overflows(page)]
    # After the wait, the same page can be sent.
    rate_limits._shared_counters().storage.reset()
    page.get_by_label("Password", exact=True).fill("four-words-in-a-row")
    page.get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(re.compile("/account/confirm-email/$"))
