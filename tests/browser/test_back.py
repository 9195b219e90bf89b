"""Back and forward, with and without the browser's cache: the form always asks a new question."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person, Session
from chat.models import Turn
from tests.browser.conftest import PHONE
from tests.browser.written import FIRST, WrittenTurn
from tests.live import Web, wait_until

pytestmark = [pytest.mark.browser]
CONVERSATION = re.compile("/tutor/[0-9a-f-]{36}")
KEPT = "window.addEventListener('pageshow', (event) => { window.wasKept = event.persisted; });"


@pytest.fixture(params=["cache", "no cache"])
def phone(
    request: pytest.FixtureRequest, browser: Browser, browser_with_cache: Browser, web: Web, teen: Person
) -> Iterator[Page]:
    """A signed-in phone, with and without the back-forward cache."""
    chosen = browser_with_cache if request.param == "cache" else browser
    context = chosen.new_context(base_url=web.url, viewport=PHONE)
    context.set_default_timeout(10_000)
    client = Client()
    client.force_login(teen)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": web.url}])
    context.add_init_script(KEPT)
    yield context.new_page()
    context.close()


def go_back(page: Page, to: re.Pattern[str]) -> None:
    page.go_back(wait_until="commit")
    page.wait_for_url(to, wait_until="commit")
    expect(page.get_by_role("textbox").last).to_be_visible()
    # Not wait_for_function: from its second look on, the page's Content Security Policy stops the browser's eval.
    wait_until(lambda: page.evaluate("window.wasKept !== undefined"), what="the page to be shown")


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name=re.compile("your( next)? question", re.IGNORECASE)).fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(CONVERSATION, wait_until="commit")
    expect(page.locator(".turn").last).to_contain_text(question)


def test_after_back_another_text_is_a_new_question(phone: Page) -> None:
    phone.goto("/tutor/")
    ask(phone, "What is rain?")
    go_back(phone, re.compile("/tutor/$"))
    ask(phone, "What is snow?")
    assert sorted(Turn.objects.values_list("question", flat=True)) == ["What is rain?", "What is snow?"]
    go_back(phone, re.compile("/tutor/$"))
    phone.go_forward(wait_until="commit")
    expect(phone.locator(".turn").last).to_contain_text("What is snow?")


def test_after_a_lesson_and_back_the_next_question_is_accepted(phone: Page, teen: Person) -> None:
    written = WrittenTurn(teen)
    written.write(FIRST)
    written.end()
    phone.goto(written.address)
    phone.get_by_label("Your next question").fill("Half a thou")
    phone.get_by_role("navigation", name="Site").get_by_role("link", name="Help now").click()
    phone.wait_for_url("**/help/now")
    go_back(phone, CONVERSATION)
    ask(phone, "What is snow?")
    assert Turn.objects.filter(question="What is snow?").count() == 1


def test_turns_that_ended_meanwhile_are_updated_after_back(phone: Page, teen: Person) -> None:
    written = WrittenTurn(teen)
    written.write(FIRST)
    phone.goto(written.address)
    expect(phone.get_by_role("button", name="Stop")).to_be_visible()
    phone.get_by_role("navigation", name="Site").get_by_role("link", name="Help now").click()
    phone.wait_for_url("**/help/now")
    written.end()
    go_back(phone, CONVERSATION)
    expect(phone.locator(".answer-foot")).to_be_visible()
    expect(phone.locator(".answer .prose p")).to_have_text([FIRST.strip()])
    expect(phone.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    expect(phone.get_by_role("button", name="Stop")).to_have_count(0)


def test_signed_out_meanwhile_back_asks_to_sign_in(phone: Page, teen: Person) -> None:
    written = WrittenTurn(teen)
    written.write(FIRST)
    written.end()
    phone.goto(written.address)
    phone.get_by_role("navigation", name="Site").get_by_role("link", name="Help now").click()
    phone.wait_for_url("**/help/now")
    Session.objects.all().delete()
    phone.go_back(wait_until="commit")
    phone.wait_for_url("**/sign-in?next=**")
    phone.locator("#id_username").fill(teen.username)
    phone.locator("#id_password").fill("a-long-password")
    phone.locator("main form").filter(has=phone.locator("#id_password")).get_by_role("button").click()
    phone.wait_for_url(CONVERSATION)
    expect(phone.get_by_text(FIRST.strip())).to_be_visible()


def test_a_second_page_of_the_conversation_catches_up_when_it_is_looked_at(phone: Page, teen: Person) -> None:
    written = WrittenTurn(teen)
    written.write(FIRST)
    written.end()
    phone.clock.install()
    phone.goto(written.address)
    expect(phone.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    asked = WrittenTurn(teen)
    Turn.objects.filter(pk=asked.turn.pk).update(conversation=written.turn.conversation)
    phone.get_by_label("Your next question").fill("And snow?")
    phone.clock.run_for(11_000)
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(phone.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    asked.write(FIRST)
    asked.end()
    phone.clock.run_for(1_000)
    expect(phone.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(phone.locator(".turn")).to_have_count(2)
    expect(phone.get_by_label("Your next question")).to_have_value("And snow?")
