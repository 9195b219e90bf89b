"""What a teen sees and can do after a verdict, on a phone and a desktop, with and without JavaScript."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from chat.models import Conversation, EndReason, Report, Turn, TurnState
from chat.web.conversation import build_composer, render_partial
from guard import Category, Level
from tests.library import fill_library
from tests.live import Web

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
REDIRECT_LESSON = "good-and-bad/what-it-is#nobody"
# What each action stores in the database. No rule leads to most of them yet.
TURNS: dict[str, dict[str, object]] = {
    "card": {"state": TurnState.CARDED, "level": Level.STATED, "categories": [Category.SUICIDE]},
    "unsafe_home": {
        "state": TurnState.CARDED,
        "level": Level.UNSAFE_HOME,
        "categories": [Category.UNSAFE_HOME],
    },
    "pause": {"state": TurnState.PAUSED, "level": Level.HINTS, "categories": [Category.HOPELESSNESS]},
    "support": {
        "state": TurnState.ANSWERED,
        "level": Level.STRESS,
        "categories": [Category.BULLYING],
        "answer": "A fraction is a part of a whole.",
        "answer_tokens": 9,
        "model": "a model",
    },
    "refuse": {"state": TurnState.REFUSED, "categories": [Category.METHOD]},
    "redirect": {
        "state": TurnState.REDIRECTED,
        "categories": [Category.COMPANION],
        "passages": [REDIRECT_LESSON],
    },
    "cut": {
        "state": TurnState.CUT,
        "end_reason": EndReason.ROMANCE,
        "passages": [REDIRECT_LESSON],
        "answer_tokens": 9,
    },
}


@pytest.fixture
def shown(teen: Person, page: Page, sign_in: SignIn) -> Callable[[str], Turn]:
    """Open a conversation with a single turn of this kind."""

    def show(kind: str) -> Turn:
        fill_library()
        conversation = Conversation.objects.create(owner=teen, title="Fractions")
        turn = Turn.objects.create(
            pk=uuid4(),
            conversation=conversation,
            question="How do fractions work?",
            ended_at=timezone.now(),
            **TURNS[kind],
        )
        sign_in(teen)
        page.goto(f"/tutor/{conversation.pk}")
        return turn

    return show


@pytest.mark.parametrize("kind", TURNS)
def test_axe_finds_nothing_and_nothing_overflows(
    kind: str, shown: Callable[[str], Turn], page: Page, audit: Callable[[], None]
) -> None:
    shown(kind)
    page.locator(".report summary").click()
    expect(page.locator(".report form")).to_be_visible()
    audit()
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_answering_a_check_in_brings_the_tutor_back(shown: Callable[[str], Turn], page: Page) -> None:
    shown("pause")
    expect(page.get_by_label("Your next question")).to_have_count(0)
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("Thank you. The lesson goes on below")).to_be_visible()
    expect(page.get_by_label("Your next question")).to_be_visible()


def test_a_yes_brings_the_card(shown: Callable[[str], Turn], page: Page) -> None:
    shown("pause")
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_role("heading", name="What you wrote matters more than the lesson")).to_be_visible()
    expect(page.get_by_role("heading", name="The tutor is resting")).to_be_visible()


def test_a_report_is_shown_and_withdrawn_without_leaving_the_page(
    shown: Callable[[str], Turn], page: Page, audit: Callable[[], None]
) -> None:
    turn = shown("support")
    page.get_by_label("Your next question").fill("And decimals?")
    page.get_by_text("Report this answer").click()
    page.get_by_label("It’s wrong").check()
    page.get_by_label("Let someone read my question and this answer").check()
    page.get_by_label("What did you mean, or what’s wrong?").fill("It is not")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(
        page.get_by_text("Thank you. The people who check this site can read this question and answer")
    ).to_be_visible()
    assert (Report.objects.get().turn, Report.objects.get().comment) == (turn, "It is not")
    audit()
    page.get_by_role("button", name="Withdraw this report").click()
    expect(page.get_by_text("nothing you wrote is kept")).to_be_visible()
    assert Report.objects.get().comment == ""
    expect(page.get_by_label("Your next question")).to_have_value("And decimals?")


def test_without_javascript_a_refusal_can_be_reported(
    browser: Browser, web: Web, teen: Person, shown: Callable[[str], Turn], page: Page
) -> None:
    turn = shown("refuse")
    plain = browser.new_context(
        base_url=web.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    without = plain.new_page()
    without.goto(f"/tutor/{turn.conversation_id}")
    without.get_by_text("This wasn’t what I meant").click()
    without.get_by_role("button", name="Send", exact=True).click()
    expect(without.get_by_text("Your report was counted, and nothing you wrote is kept.")).to_be_visible()
    assert not Report.objects.get().shared_at
    plain.close()


def test_personal_data_is_shown_before_it_is_sent(
    page: Page, teen: Person, sign_in: SignIn, audit: Callable[[], None], rf: RequestFactory
) -> None:
    """The site of these tests is self-hosted, so the reply is made here. tests/chat checks that the server sends it."""
    question = "I am Noor Haddad. What is a noun?"
    request = rf.get("/tutor/")
    request.user = teen
    composer = build_composer(
        teen, None, live_turn=None, question=question, error="Not sent yet.", parts=["Noor Haddad"]
    )
    reply = render_partial("composer", request, composer=composer)
    headers = {"HX-Retarget": "#composer", "HX-Reswap": "outerHTML", "Content-Type": "text/html"}
    headers["Kitchen-Table"] = "page"
    sign_in(teen)
    page.goto("/tutor/")
    page.route("**/tutor/ask", lambda route: route.fulfill(status=422, body=reply, headers=headers))
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("It contains:")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Noor Haddad")).to_be_visible()
    expect(page.get_by_label("Your question")).to_have_value(question)
    audit()
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Edit the question").click()
    expect(page.get_by_label("Your question")).to_be_focused()
    with page.expect_request("**/tutor/ask") as sent:
        page.get_by_role("button", name="Send without it").click()
    assert re.search(r"personal\W+remove", sent.value.post_data or "")
