"""A stream fails: the page tries again, and then says what to do."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.models import Person, Session
from chat.models import Turn, TurnState
from tests.browser.written import FIRST, SECOND, THIRD, WrittenTurn
from tests.live import wait_until

pytestmark = [pytest.mark.browser]
STREAM = re.compile("/stream")
PROXY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@pytest.fixture
def written(teen: Person, sign_in: Callable[[Person], None], page: Page) -> WrittenTurn:
    sign_in(teen)
    return WrittenTurn(teen)


def write_rest_and_end(written: WrittenTurn, page: Page) -> None:
    """Write the rest of the three paragraphs, and end the turn."""
    written.write(*[text for text in (FIRST, SECOND, THIRD) if text not in written.answer])
    written.end()
    expect(page.locator(".answer-foot")).to_be_visible()
    expect(page.locator(".answer .prose p")).to_have_text([FIRST.strip(), SECOND.strip(), THIRD])


def pass_time_until(page: Page, true: Callable[[], object]) -> None:
    """Advance the page's clock by 15 seconds at a time, and let its requests be answered in between."""

    def passes() -> object:
        page.clock.run_for(15_000)
        page.wait_for_timeout(30)
        return true()

    wait_until(passes, what="the page", seconds=20)


def fail_with(page: Page, *faults: Callable[[Route], None], for_ever: bool = False) -> list[str]:
    """Let the first requests for a stream fail in these ways, and return the requested addresses."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) <= len(faults):
            faults[len(asked) - 1](route)
        elif for_ever:
            faults[-1](route)
        else:
            route.continue_()

    page.route(STREAM, answer)
    return asked


def abort_request(route: Route) -> None:
    route.abort()


def answer_as_proxy(route: Route) -> None:
    route.fulfill(status=502, body=PROXY_PAGE, content_type="text/html")


def answer_as_portal(route: Route) -> None:
    route.fulfill(status=200, body="<!doctype html><h1>Welcome to Café Wi-Fi</h1>", content_type="text/html")


def test_a_stream_that_fails_at_first_works_in_the_end(written: WrittenTurn, page: Page) -> None:
    page.clock.install()
    asked = fail_with(page, abort_request, answer_as_proxy, answer_as_portal, abort_request, abort_request)
    written.write(FIRST)
    page.goto(written.address)
    page.clock.run_for(2_000)
    expect(page.locator(".turn-status")).to_contain_text("Trying again.")
    pass_time_until(page, lambda: len(asked) == 6)
    write_rest_and_end(written, page)
    assert len(asked) == 6
    expect(page.locator("body")).not_to_contain_text("Bad Gateway")
    expect(page.locator("body")).not_to_contain_text("Wi-Fi")


def test_a_broken_stream_continues_from_its_last_word(written: WrittenTurn, page: Page) -> None:
    written.write(FIRST)
    page.goto(written.address)
    written.write(SECOND)
    expect(page.get_by_text(SECOND.strip())).to_be_visible()
    page.get_by_label("Your next question").fill("And snow?")
    with page.expect_request(STREAM) as again:
        page.evaluate(
            "dispatchEvent(new Event('pagehide')); document.dispatchEvent(new Event('tutor:refreshed'))"
        )
    assert re.search(r"after=\d+-\d+$", again.value.url)
    write_rest_and_end(written, page)
    expect(page.get_by_label("Your next question")).to_have_value("And snow?")


def test_a_stream_that_never_works_ends_in_a_link_to_the_answer(written: WrittenTurn, page: Page) -> None:
    page.clock.install()
    asked = fail_with(page, answer_as_proxy, for_ever=True)
    page.goto(written.address)
    link = page.get_by_role("link", name="Show the answer")
    pass_time_until(page, link.is_visible)
    expect(page.locator("#tutor-status")).to_contain_text("The connection to the tutor was lost.")
    tried = len(asked)
    assert 8 <= tried <= 10
    page.get_by_label("Your next question").fill("And snow?")
    written.write(FIRST)
    written.end()
    page.clock.run_for(60_000)
    assert len(asked) == tried, "it is tried for ever"
    page.unroute(STREAM)
    link.click()
    expect(page.locator(".answer-foot")).to_be_visible()
    expect(page.get_by_label("Your next question")).to_have_value("And snow?")


def test_a_lost_stream_is_retried_at_once_when_the_page_is_online_or_shown_again(
    written: WrittenTurn, page: Page
) -> None:
    page.clock.install()
    asked = fail_with(page, *[abort_request] * 9)
    page.goto(written.address)
    pass_time_until(page, page.get_by_role("link", name="Show the answer").is_visible)
    with page.expect_request(STREAM):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    written.write(FIRST)
    expect(page.get_by_text("Writing an answer.")).to_be_visible()
    write_rest_and_end(written, page)
    assert len(asked) >= 10


def test_signed_out_elsewhere_it_says_so_and_keeps_the_typed_text(
    written: WrittenTurn, page: Page, teen: Person
) -> None:
    written.write(FIRST)
    page.goto(written.address)
    page.get_by_label("Your next question").fill("And snow?")
    expect(page.get_by_text(FIRST.strip())).to_be_visible()
    Session.objects.all().delete()
    page.evaluate(
        "dispatchEvent(new Event('pagehide')); document.dispatchEvent(new Event('tutor:refreshed'))"
    )
    expect(page.locator(".turn-status")).to_contain_text("You are signed out.")
    expect(page.get_by_text(FIRST.strip())).to_be_visible()
    page.locator("main").get_by_role("link", name="Sign in").click()
    page.locator("#id_username").fill(teen.username)
    page.locator("#id_password").fill("a-long-password")
    page.locator("main form").filter(has=page.locator("#id_password")).get_by_role("button").click()
    expect(page.get_by_label("Your next question")).to_have_value("And snow?")
    write_rest_and_end(written, page)


def test_a_selection_in_finished_text_survives_the_end(written: WrittenTurn, page: Page) -> None:
    written.write(FIRST)
    page.goto(written.address)
    written.write(SECOND, THIRD)
    first = page.locator(".answer .prose p", has_text=FIRST.strip())
    expect(page.get_by_text(THIRD)).to_be_visible()
    first.evaluate("(one) => { window.first = one; getSelection().selectAllChildren(one); }")
    written.end()
    expect(page.locator(".answer-foot")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == FIRST.strip()
    assert page.evaluate("window.first.isConnected") is True
    expect(page.locator(".answer .prose p")).to_have_text([FIRST.strip(), SECOND.strip(), THIRD])


def test_a_wait_in_the_queue_is_shown_and_announced_until_text_arrives(
    written: WrittenTurn, page: Page
) -> None:
    Turn.objects.update(state=TurnState.QUEUED, claim=None, lease_until=None)
    page.goto(written.address)
    expect(page.locator("#tutor-status")).to_contain_text("Waiting for the tutor to be free.")
    expect(page.locator(".turn-status")).to_contain_text("Waiting for the tutor to be free.")
    now = timezone.now()
    Turn.objects.update(
        state=TurnState.WORKING, claim=uuid4(), claimed_at=now, lease_until=now + timedelta(minutes=5)
    )
    written.write(FIRST)
    expect(page.locator(".turn-status")).to_have_text("Writing an answer.")
    write_rest_and_end(written, page)
    expect(page.locator("#tutor-status")).to_have_text("The answer is complete.")
