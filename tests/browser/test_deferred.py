"""The model is down: the composer says so, a question is deferred, and its answer appears on open pages."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Person
from chat.asking.deferred import release_deferred
from chat.models import ModelOutage, Turn
from tests.chat.conftest import outage, unnudged, written
from tests.quirks import answered_by
from tests.scripted import DONE, OK, Script, scripted, stop, used, words

__all__ = ["outage", "unnudged"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("unnudged", "no_worker"),
]
SignIn = Callable[[Person], None]


def test_a_question_is_kept_and_answered_in_both_tabs(
    page: Page,
    context: BrowserContext,
    teen: Person,
    sign_in: SignIn,
    outage: ModelOutage,
    audit: Callable[[], None],
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    expect(page.locator("#model-note")).to_contain_text("model has been down")
    expect(page.get_by_label("Your question")).to_have_accessible_description(
        re.compile("model has been down")
    )
    audit()
    page.get_by_label("Your question").fill("Why does rain fall?")
    page.get_by_role("button", name="Answer when it’s back").press("Enter")
    page.wait_for_url(re.compile("/tutor/[0-9a-f-]{36}"))
    expect(
        page.get_by_text("It will be answered when the model is back, even if you close this page.")
    ).to_be_visible()
    expect(page.locator("#tutor-status")).to_have_text(
        "Your question is saved. It will be answered when the model is back."
    )
    expect(page.get_by_role("button", name="Withdraw question")).to_be_visible()
    audit()
    other = context.new_page()
    other.goto(page.url)

    # A status that stays for hours is announced only once.
    page.evaluate("document.getElementById('tutor-status').textContent = ''")
    page.wait_for_timeout(4_000)
    expect(page.locator("#tutor-status")).to_have_text("")

    slowly: Script = [OK, words("Rain "), 1.5, words("falls."), stop(), used(50, 2), DONE]
    with scripted(slowly) as back, answered_by(back):
        release_deferred(limit=1)
        written(Turn.objects.get())
    for tab in (page, other):
        expect(tab.locator(".turn .prose")).to_have_count(1)
        expect(tab.locator(".turn .prose")).to_have_text("Rain falls.")
        expect(tab.get_by_role("button", name="Withdraw question")).to_have_count(0)
    expect(page.locator("#tutor-status")).to_have_text("The answer is complete.")


def test_a_deferred_question_can_be_withdrawn(
    page: Page, teen: Person, sign_in: SignIn, outage: ModelOutage
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    page.get_by_label("Your question").fill("Why does rain fall?")
    page.get_by_role("button", name="Answer when it’s back").click()
    page.get_by_role("button", name="Withdraw question").click()
    expect(page.get_by_text("You withdrew this question. Nothing was charged.")).to_be_visible()
    expect(page.locator("#tutor-status")).to_have_text("You withdrew your question.")
    expect(page.get_by_role("button", name="Answer when it’s back").first).to_be_visible()
