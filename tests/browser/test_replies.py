"""Replies to forms on the tutor's page: those from elsewhere, the focus, and announcements."""

from collections.abc import Callable, Iterator

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route, expect

from accounts.models import Person, Session
from budgets.models import Hold
from chat.answering.leases import CLAIM_LOCK
from chat.models import Turn, TurnState
from tests.browser.written import FIRST, WrittenTurn
from tests.live import Web, other_connection

pytestmark = [pytest.mark.browser]
OURS = {"Kitchen-Table": "page"}
# A proxy between the phone and the site may answer with any of these, and its own page.
FOREIGN = (502, 503, 504, 404, 413, 429, 400, 403, 200)


@pytest.fixture
def written(teen: Person, sign_in: Callable[[Person], None], page: Page) -> WrittenTurn:
    sign_in(teen)
    return WrittenTurn(teen)


def answer_with(page: Page, address: str, status: int, body: str, **headers: str) -> None:
    def answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=status, body=body, headers={"Content-Type": "text/html"} | headers)
        else:
            route.continue_()

    page.unroute(address)
    page.route(address, answer)


def build_proxy_page(status: int) -> str:
    return f"<!doctype html><html><body><h1>{status} from a proxy</h1></body></html>"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_reply_from_elsewhere_is_not_swapped_in_and_the_typed_text_stays(
    written: WrittenTurn, page: Page
) -> None:
    written.write(FIRST)
    written.end()
    page.goto(written.address)
    page.get_by_label("Your next question").fill("And snow?")
    for status in FOREIGN:
        answer_with(page, "**/ask", status, build_proxy_page(status))
        press(page, "Ask")
        expect(page.locator("#composer-error")).to_contain_text("What you wrote is still here.")
        expect(page.locator("body")).not_to_contain_text("from a proxy")
        expect(page.get_by_label("Your next question")).to_have_value("And snow?")
        expect(page.locator(".turn")).to_have_count(1)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()
    page.unroute("**/ask")
    page.route("**/ask", lambda route: route.abort())
    press(page, "Ask")
    expect(page.locator("#composer-error")).to_contain_text("This couldn’t be sent.")
    page.unroute("**/ask")
    press(page, "Ask")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator("#composer-error")).to_be_empty()


def test_an_unexpected_reply_is_shown_beside_the_form(written: WrittenTurn, page: Page) -> None:
    written.write(FIRST)
    written.end()
    page.goto(written.address)
    page.get_by_label("Your next question").fill("And snow?")
    answers = {
        500: (render_to_string("500.html"), "Something went wrong on our side"),
        403: (render_to_string("403.html", {"form_expired": True}), "That page was open too long"),
        400: ("<h1>Bad Request (400)</h1>", "Bad Request"),
        401: ("<p>You are signed out. <a href='/sign-in'>Sign in</a></p>", "Sign in"),
        429: ("<!doctype html><title>Wait</title>", "Too many tries."),
        413: ("", "This is too long"),
    }
    for status, (body, words) in answers.items():
        answer_with(page, "**/ask", status, body, **OURS)
        press(page, "Ask")
        expect(page.locator("#composer-error")).to_contain_text(words)
        expect(page.locator(".turn")).to_have_count(1)
        expect(page.locator(".site-nav")).to_have_count(1)
        expect(page.get_by_label("Your next question")).to_have_value("And snow?")


def test_a_failed_press_of_any_button_is_reported_beside_it(written: WrittenTurn, page: Page) -> None:
    written.write(FIRST)
    page.goto(written.address)
    error = page.locator(".composer-error").filter(has_text="This couldn’t be sent.")
    answer_with(page, "**/stop", 502, build_proxy_page(502))
    press(page, "Stop")
    expect(error).to_have_count(1)
    written.end()
    expect(page.locator(".answer-foot")).to_be_visible()
    answer_with(page, "**/report", 502, build_proxy_page(502))
    page.get_by_text("Report this answer").click()
    page.get_by_label("Let someone read my question and this answer").check()
    press(page, "Send")
    expect(page.locator(".report .composer-error")).to_contain_text("This couldn’t be sent.")
    page.unroute("**/report")
    press(page, "Send")
    expect(page.locator(".report-made")).to_be_focused()
    expect(page.locator("#tutor-status")).to_have_text("We got your report.")
    answer_with(page, "**/report/withdraw", 502, build_proxy_page(502))
    press(page, "Withdraw this report")
    expect(page.locator(".report-made .composer-error")).to_contain_text("This couldn’t be sent.")
    page.unroute("**/report/withdraw")
    press(page, "Withdraw this report")
    expect(page.locator(".report-made")).to_contain_text("nothing you wrote is kept")
    expect(page.locator(".report-made")).to_be_focused()


@pytest.fixture
def no_claims(web: Web) -> Iterator[None]:
    """Keep questions queued: no worker that other tests have started may claim one."""
    with other_connection() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
        yield


def test_the_focus_goes_to_the_new_turn_and_the_end_leaves_it_there(
    written: WrittenTurn, page: Page, no_claims: None
) -> None:
    written.write(FIRST)
    written.end(TurnState.FAILED)
    page.goto(written.address)
    status = page.locator("#tutor-status")
    page.get_by_label("Your next question").fill("And snow?")
    press(page, "Retry")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    retried = Turn.objects.get(retry_of=written.turn)
    expect(page.locator(f"#turn-{retried.pk}")).to_be_focused()
    expect(status).to_have_text("Your question was sent. The tutor is writing an answer.")
    # What was typed is not the question that was asked again.
    expect(page.get_by_label("Your next question")).to_have_value("And snow?")
    page.get_by_role("button", name="Stop", exact=True).focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("The new answer wasn’t better, so the earlier one stays.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".turn").last).to_contain_text("And snow?")
    asked = Turn.objects.latest("asked_at")
    expect(page.locator(f"#turn-{asked.pk}")).to_be_focused()
    expect(page.get_by_label("Your next question")).to_have_value("")
    press(page, "Stop")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_a_card_takes_the_focus(written: WrittenTurn, page: Page) -> None:
    page.goto(written.address)
    page.get_by_label("Your next question").focus()
    written.end(TurnState.CARDED, level="4", categories=["suicide"])
    expect(page.locator(".card-crisis")).to_be_focused()
    expect(page.locator("#tutor-status")).to_have_text("A card with help lines is shown.")


def test_a_card_beside_a_refused_form_takes_the_focus(written: WrittenTurn, page: Page) -> None:
    written.end()
    page.goto(written.address)
    card = (
        '<section class="card-crisis" tabindex="-1" aria-labelledby="c"><h2 id="c">You matter</h2></section>'
    )
    answer_with(
        page,
        "**/ask",
        401,
        card,
        **OURS | {"HX-Retarget": "#help-card", "HX-Reswap": "innerHTML show:#help-card:top"},
    )
    page.get_by_label("Your next question").fill("I want to die")
    press(page, "Ask")
    expect(page.locator("#help-card .card-crisis")).to_be_focused()
    expect(page.locator("#tutor-status")).to_have_text("A card with help lines is shown.")


def test_two_quick_presses_send_once(written: WrittenTurn, page: Page) -> None:
    written.end()
    page.goto(written.address)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_label("Your next question").fill("And snow?")
    page.get_by_role("button", name="Ask", exact=True).dblclick()
    expect(page.locator(".turn")).to_have_count(2)
    page.wait_for_timeout(200)
    # The second click may hit the Stop button, which replaces Ask.
    assert len([address for address in sent if address.endswith("/ask")]) == 1
    assert Hold.objects.count() == 1


def test_after_signing_in_the_typed_text_is_there(written: WrittenTurn, page: Page, teen: Person) -> None:
    written.write(FIRST)
    written.end(TurnState.FAILED)
    page.goto(written.address)
    page.get_by_label("Your next question").fill("And snow?")
    Session.objects.all().delete()
    press(page, "Retry")
    page.wait_for_url("**/sign-in?next=**")
    page.locator("#id_username").fill(teen.username)
    page.locator("#id_password").fill("a-long-password")
    page.locator("main form").filter(has=page.locator("#id_password")).get_by_role("button").click()
    expect(page.get_by_label("Your next question")).to_have_value("And snow?")


def test_a_stale_csrf_token_is_replaced_and_the_next_press_works(written: WrittenTurn, page: Page) -> None:
    written.write(FIRST)
    written.end()
    page.goto(written.address)
    page.get_by_label("Your next question").fill("And snow?")
    page.evaluate(
        "document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach((one) => { one.value = 'old'; })"
    )
    press(page, "Ask")
    expect(page.locator("#composer-error")).to_contain_text("Press the button again")
    press(page, "Ask")
    expect(page.locator(".turn")).to_have_count(2)


def test_a_card_while_the_tutor_rests_takes_the_focus(written: WrittenTurn, page: Page) -> None:
    written.end(TurnState.CARDED, level="3", categories=["suicide"])
    page.goto(written.address)
    page.get_by_label("Write here if you need help").fill("I want to die")
    page.locator("#composer-button").click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last.locator(".card-crisis")).to_be_focused()
