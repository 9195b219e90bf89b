"""Reading earlier turns, and searching conversations, on a phone, with and without JavaScript."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Person
from chat.models import Conversation, Turn
from tests.browser.checks import list_overflows
from tests.browser.conftest import PHONE, follow
from tests.chat.conversations import create_conversation
from tests.live import Web

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
LONG_TITLE = "Why does the moon pull at the sea and not at the soup in my bowl, or does it, say?"[:80]


@pytest.fixture
def long(teen: Person, web: Web) -> Conversation:
    answer = "Rain falls, rivers run, the sea takes it all.\n\nAnd the sun lifts it up again."
    return create_conversation(teen, 120, title=LONG_TITLE, answer=answer)


@pytest.fixture
def without_script(browser: Browser, context: BrowserContext, web: Web) -> Iterator[Callable[[], Page]]:
    """Open a page without JavaScript for the signed-in person."""
    opened: list[BrowserContext] = []

    def opening() -> Page:
        plain = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
        plain.add_cookies(context.cookies())  # type: ignore[arg-type]
        opened.append(plain)
        return plain.new_page()

    yield opening
    for opened_context in opened:
        opened_context.close()


def measure_top(page: Page, question: str) -> float:
    box = page.get_by_text(question, exact=True).bounding_box()
    assert box
    return box["y"]


def test_earlier_turns_are_added_above_without_moving_the_page(
    page: Page, teen: Person, sign_in: SignIn, long: Conversation, audit: Callable[[], None]
) -> None:
    sign_in(teen)
    page.goto(f"/tutor/{long.pk}")
    expect(page.locator(".turn")).to_have_count(50)
    for first, count in ((70, 100), (20, 120)):
        earlier = page.get_by_role("link", name="Earlier", exact=True)
        earlier.scroll_into_view_if_needed()
        before = measure_top(page, f"Question {first}")
        earlier.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".turn")).to_have_count(count)
        joint = page.locator(".turns-joint")
        expect(joint).to_be_focused()
        expect(joint).to_have_count(1)
        expect(joint).to_be_in_viewport()
        page.wait_for_timeout(300)
        # The text being read moves only by the height of the status line.
        assert abs(measure_top(page, f"Question {first}") - before) < 2
    expect(joint).to_contain_text(
        "20 earlier questions were added above. This is the start of the conversation."
    )
    expect(page.get_by_role("link", name="Earlier", exact=True)).to_have_count(0)
    audit()


def signed_out(page: Page) -> None:
    page.context.clear_cookies()


def proxy_away(page: Page) -> None:
    page.route(
        "**/*before=*", lambda route: route.fulfill(status=502, body="<html><h1>Bad gateway</h1></html>")
    )


def line_broken(page: Page) -> None:
    page.route("**/*before=*", lambda route: route.abort())


@pytest.mark.parametrize("happens", [signed_out, proxy_away, line_broken])
def test_if_earlier_turns_cannot_be_loaded_their_link_opens_a_page(
    happens: Callable[[Page], None], page: Page, teen: Person, sign_in: SignIn, long: Conversation
) -> None:
    sign_in(teen)
    page.goto(f"/tutor/{long.pk}")
    happens(page)
    earlier = page.get_by_role("link", name="Earlier", exact=True)
    earlier.click()
    expect(page.get_by_role("alert").filter(has_text="couldn’t be loaded")).to_be_visible()
    expect(earlier).to_be_focused()
    expect(page.locator(".turn")).to_have_count(50)
    expect(page.locator("h1")).to_have_text(LONG_TITLE)
    page.unroute_all()
    sign_in(teen)
    earlier.click()
    expect(page.get_by_text("Question 20", exact=True)).to_be_visible()


def test_without_javascript_earlier_turns_are_a_page_of_their_own(
    teen: Person, sign_in: SignIn, long: Conversation, without_script: Callable[[], Page]
) -> None:
    sign_in(teen)
    page = without_script()
    page.goto(f"/tutor/{long.pk}")
    page.get_by_role("link", name="Earlier", exact=True).click()
    expect(page.get_by_text("Question 20", exact=True)).to_be_visible()
    expect(page.get_by_text("Question 70", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Later", exact=True).click()
    expect(page.get_by_text("Question 119", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Question 20", exact=True)).to_be_visible()
    page.get_by_role("link", name="Back to the newest").click()
    expect(page.get_by_text("Question 119", exact=True)).to_be_visible()


def test_a_result_leads_to_its_turn_and_back_to_the_results(
    page: Page, teen: Person, sign_in: SignIn, long: Conversation, audit: Callable[[], None]
) -> None:
    old = long.turns.get(question="Question 3")
    Turn.objects.filter(pk=old.pk).update(answer="Far away a volcano sleeps.")
    sign_in(teen)
    page.goto("/tutor/")
    page.get_by_text("Conversations", exact=True).click()
    follow(page.get_by_role("link", name="All conversations"))
    audit()
    assert not list(list_overflows(page))
    page.set_viewport_size(PHONE)
    page.get_by_label("Search your conversations").fill("VOLCÁN")
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_have_text("volcan")
    audit()
    assert not list(list_overflows(page))
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name=re.compile("volcano")).click()
    expect(page.locator(f"#turn-{old.pk}")).to_be_in_viewport()
    page.go_back()
    expect(page.locator("mark")).to_have_text("volcan")


def test_a_question_asked_below_old_turns_is_on_the_newest_page(
    page: Page, teen: Person, sign_in: SignIn, long: Conversation
) -> None:
    sign_in(teen)
    old = long.turns.get(question="Question 3")
    page.goto(f"/tutor/{long.pk}?at={old.pk}")
    page.get_by_label("Your next question").fill("I want to die")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("#turn-"))
    expect(page.locator(".card-crisis")).to_be_in_viewport()
    expect(page.get_by_text("Question 119", exact=True)).to_be_attached()


def test_a_conversation_is_renamed_and_deleted_in_the_list(
    teen: Person, sign_in: SignIn, long: Conversation, without_script: Callable[[], Page]
) -> None:
    create_conversation(teen, 1, title="Grammar")
    sign_in(teen)
    page = without_script()
    page.goto("/tutor/conversations")
    row = page.get_by_role("listitem").filter(has_text="Grammar")
    row.get_by_text("Rename or delete").click()
    row.get_by_label("Title of this conversation").fill("Nouns")
    row.get_by_role("button", name="Save title").click()
    row = page.get_by_role("listitem").filter(has_text="Nouns")
    row.get_by_text("Rename or delete").click()
    row.get_by_role("link", name="Delete this conversation").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page).to_have_url(re.compile("/tutor/conversations$"))
    expect(page.get_by_text("Nouns")).to_have_count(0)
