"""An unsafe sentence is taken back from the page, and a screen reader is told."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from chat.models import EndReason, TurnState
from tests.browser.written import FIRST, SECOND, WrittenTurn
from tests.live import Web

pytestmark = [pytest.mark.browser]
UNSAFE = "Then tape it up"
ANNOUNCED = "#tutor-status"


@pytest.fixture
def written(teen: Person, sign_in: Callable[[Person], None], page: Page) -> WrittenTurn:
    sign_in(teen)
    turn = WrittenTurn(teen)
    turn.write(FIRST, SECOND)
    page.goto(turn.address)
    turn.write(UNSAFE, unjudged_length=len(UNSAFE))
    expect(page.locator(".answer")).to_contain_text(UNSAFE)
    return turn


def test_an_unsafe_sentence_leaves_the_page_and_this_is_announced(written: WrittenTurn, page: Page) -> None:
    written.withdraw(len(FIRST + SECOND))
    expect(page.locator(".answer")).not_to_contain_text("tape")
    expect(page.locator(".answer .prose p")).to_have_text([FIRST.strip(), SECOND.strip()])
    expect(page.locator(".turn-status")).to_have_text("Part of this answer was taken back.")
    expect(page.locator(ANNOUNCED)).to_have_text("Part of this answer was taken back.")


def test_the_words_of_a_cut_answer_follow(written: WrittenTurn, page: Page) -> None:
    written.withdraw(len(FIRST + SECOND))
    expect(page.locator(ANNOUNCED)).to_have_text("Part of this answer was taken back.")
    written.answer = ""
    written.end(TurnState.CUT, EndReason.METHOD)
    expect(page.locator(ANNOUNCED)).to_have_text("The answer was taken back. You can read why.")
    expect(page.locator(".answer")).not_to_contain_text("rivers")
    expect(page.locator(".answer .fixed-text")).to_be_visible()


def test_a_page_without_javascript_never_shows_it(
    written: WrittenTurn, page: Page, browser: Browser, web: Web
) -> None:
    context = browser.new_context(
        base_url=web.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(written.address)
    expect(plain.locator(".answer")).to_contain_text(SECOND.strip())
    expect(plain.locator(".answer")).not_to_contain_text("tape")
    written.withdraw(len(FIRST + SECOND))
    plain.reload()
    expect(plain.locator(".answer")).to_contain_text(SECOND.strip())
    expect(plain.locator(".answer")).not_to_contain_text("tape")
    context.close()
