"""A teen uses the tutor on a phone, with a real model and a real worker."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Person
from budgets.models import Hold, HoldState
from budgets.selectors import get_meter
from chat.models import EndReason, Turn, TurnState
from tests.budgets.ledger import set_budget
from tests.live import Web, Worker, wait_until

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
QUESTION = "Explain in many words how rain, rivers and the sea belong together, step by step."


def ask(page: Page, question: str = QUESTION) -> None:
    page.get_by_label(re.compile("question", re.IGNORECASE)).fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("/tutor/[0-9a-f-]{36}"))


def wait_for_end(page: Page) -> None:
    expect(page.locator(".turn").last.locator(".answer-foot")).to_be_visible(timeout=90_000)


def get_answer_text(page: Page) -> str:
    """Return the answer so far, without its heading and status."""
    return "".join(page.locator(".turn").last.locator(".answer .prose").all_inner_texts())


def test_a_question_is_answered_word_by_word_and_shows_its_cost(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker, audit: Callable[[], None]
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    expect(page.get_by_text("not a human").first).to_be_visible()
    audit()
    ask(page)
    seen: set[int] = set()

    def grows() -> bool:
        seen.add(len(get_answer_text(page)))
        return page.locator(".answer-foot").count() > 0

    wait_until(grows, what="the answer", seconds=90)
    assert len(seen) > 5, "the answer came all at once"
    wait_for_end(page)
    turn = Turn.objects.get()
    assert turn.state == TurnState.ANSWERED
    expect(page.locator(".answer-foot")).to_contain_text(f"{turn.tokens} tokens")
    assert get_meter(owner=teen).spent == turn.tokens
    audit()


def test_a_second_question_joins_the_page_without_leaving_it(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page, "What is a noun?")
    wait_for_end(page)
    address = page.url
    page.evaluate("window.stayed = true")
    page.get_by_label("Your next question").fill("And a verb?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.get_by_label("Your next question")).to_have_value("")
    wait_for_end(page)
    assert page.evaluate("window.stayed") is True
    assert page.url == address


def test_stop_stops_the_model_and_only_written_text_is_charged(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page)
    wait_until(lambda: len(get_answer_text(page)) > 40, what="the first words")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped the answer here.")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    turn = Turn.objects.get()
    assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER)
    assert 0 < turn.answer_tokens < 350
    assert Hold.objects.get().state == HoldState.SETTLED
    assert get_meter(owner=teen).spent == turn.tokens


def test_a_reload_in_mid_answer_loses_and_repeats_nothing(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page)
    for _ in range(3):
        wait_until(lambda: len(get_answer_text(page)) > 20, what="some words")
        page.reload()
    streamed = _text_before_the_end(page)
    wait_for_end(page)
    assert _squeezed(page.locator(".turn .answer .prose").last.inner_text()).startswith(streamed)


def test_a_dropped_connection_loses_and_repeats_nothing(
    page: Page, context: BrowserContext, teen: Person, sign_in: SignIn, worker: Worker
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page)
    wait_until(lambda: len(get_answer_text(page)) > 20, what="some words")
    context.set_offline(True)
    page.wait_for_timeout(400)
    context.set_offline(False)
    wait_for_end(page)
    answer = Turn.objects.get().answer
    assert _squeezed(page.locator(".turn .answer .prose").inner_text())[:60] == _squeezed(_plain(answer))[:60]


def test_a_hidden_tab_reads_on(page: Page, teen: Person, sign_in: SignIn, worker: Worker) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page)
    wait_until(lambda: len(get_answer_text(page)) > 20, what="some words")
    hide = "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
    page.evaluate(f"() => {{ {hide} document.dispatchEvent(new Event('visibilitychange')); }}")
    wait_for_end(page)
    whole = _squeezed(_plain(Turn.objects.get().answer))
    assert _squeezed(page.locator(".turn .answer .prose").inner_text())[:60] == whole[:60]


def test_without_javascript_the_answer_still_comes(
    browser: Browser, web: Web, teen: Person, worker: Worker
) -> None:
    plain = browser.new_context(base_url=web.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto("/sign-in?next=/tutor/")
    page.locator("#id_username").fill(teen.username)
    page.locator("#id_password").fill("a-long-password")
    page.locator("main form").filter(has=page.locator("#id_password")).get_by_role("button").click()
    ask(page, "What is a noun?")
    wait_for_end(page)
    plain.close()


def test_conversations_are_listed_renamed_and_deleted(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page, "What is a noun?")
    wait_for_end(page)
    page.get_by_text("Rename, print or delete").click()
    page.get_by_label("Title of this conversation").fill("Grammar")
    page.get_by_role("button", name="Save title").click()
    expect(page.get_by_role("heading", name="Grammar")).to_be_visible()
    page.goto("/tutor/")
    page.get_by_text("Conversations", exact=True).click()
    page.get_by_role("link", name=re.compile("Grammar")).click()
    page.get_by_text("Rename, print or delete").click()
    page.get_by_role("link", name="Delete this conversation").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("will appear here")).to_be_attached()


def test_a_question_beyond_the_budget_keeps_the_typed_text(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker
) -> None:
    set_budget(teen, tokens=20)
    sign_in(teen)
    page.goto("/tutor/")
    page.get_by_label("Your question").fill("What is a noun?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("You have used your allowance.")
    expect(page.get_by_label("Your question")).to_have_value("What is a noun?")


def _plain(markdown: str) -> str:
    return re.sub(r"[*_`#>|-]+|\d+\.", " ", markdown)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W\d]+", "", text)


def _text_before_the_end(page: Page) -> str:
    # The finished paragraphs come first, then the one that grows.
    return _squeezed("".join(page.locator(".turn .answer .prose").all_inner_texts()))[:40]
