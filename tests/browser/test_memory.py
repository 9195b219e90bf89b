"""What the tutor remembers and what an answer cost: by keyboard, in two tabs, signed out, and without JavaScript."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from accounts.models import Person, Session
from chat.memory.notes import NoteKind
from chat.memory.services import note_rate_limit
from chat.models import Conversation, Note, Turn, TurnState
from kit import rate_limits
from tests.browser.checks import list_overflows
from tests.browser.conftest import PHONE, follow
from tests.live import Web

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
PARTS = {"instructions": 200, "notes": 60, "turns": 540, "question": 40, "after_question": 0}
MAX_TABS = 80


@pytest.fixture
def conversation(web: Web, teen: Person) -> Conversation:
    """A conversation of three turns with a note each. The first is too long ago to be carried."""
    conversation = Conversation.objects.create(owner=teen, title="Bridges")
    for number, carried_tokens in enumerate((900, 500, 100)):
        text = f"My bridge {number} is 62 cm long."
        turn = Turn.objects.create(
            pk=uuid4(),
            conversation=conversation,
            question=f"{text} Why?",
            answer="It is.",
            state=TurnState.ANSWERED,
            asked_at=timezone.now() - timedelta(minutes=30 - number),
            ended_at=timezone.now(),
            model="a model",
            carried_tokens=carried_tokens,
            prompt_parts=PARTS,
            prompt_tokens=sum(PARTS.values()),
            cached_tokens=700,
            answer_tokens=110,
        )
        Note.objects.create(conversation=conversation, turn=turn, kind=NoteKind.FACT, text=text, tokens=12)
    return conversation


@pytest.fixture
def memory(page: Page, teen: Person, sign_in: SignIn, conversation: Conversation) -> Page:
    """The memory page, open."""
    sign_in(teen)
    page.goto(reverse("chat:memory", args=[conversation.pk]))
    return page


@pytest.fixture
def plain(browser: Browser, web: Web, teen: Person) -> Iterator[Page]:
    """A signed-in phone without JavaScript."""
    context = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
    client = Client()
    client.force_login(teen)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": web.url}])
    yield context.new_page()
    context.close()


def find_field(page: Page, number: int = 0) -> Locator:
    """Find the field of the note about this bridge."""
    field = f"note-{Note.objects.get(text__contains=f'bridge {number}').pk}"
    return page.locator(f"[id='{field}']")


def find_button(page: Page, name: str, number: int = 0) -> Locator:
    return page.get_by_role("button", name=f"{name}: My bridge {number} is 62 cm long.")


def tab_to(page: Page, goal: Locator) -> None:
    for _ in range(MAX_TABS):
        if goal.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{goal} cannot be reached by keyboard")


def expect_told(page: Page, text: str) -> None:
    """Expect that a status says this and has the focus, so that it is read aloud and Tab goes on from there."""
    status = page.locator(".flash-message[role=status]")
    expect(status).to_have_text(text)
    expect(status).to_be_focused()


def sign_in_again(page: Page, person: Person) -> None:
    page.wait_for_url("**/sign-in?next=**")
    page.locator("#id_username").fill(person.username)
    page.locator("#id_password").fill("a-long-password")
    page.locator("main form").filter(has=page.locator("#id_password")).get_by_role("button").press("Enter")


class TestByKeyboard:
    def test_a_note_is_changed(self, memory: Page, audit: Callable[[], None]) -> None:
        tab_to(memory, find_field(memory))
        memory.keyboard.press("ControlOrMeta+A")
        memory.keyboard.type("My bridge is 70 cm long.")
        memory.keyboard.press("Tab")
        expect(find_button(memory, "Save")).to_be_focused()
        memory.keyboard.press("Enter")
        expect_told(memory, "The note is saved.")
        expect(memory.get_by_label("Fact").first).to_have_value("My bridge is 70 cm long.")
        audit()
        assert not list(list_overflows(memory))

    def test_a_long_note_is_readable_whole(self, memory: Page) -> None:
        long = (
            "My model bridge has four towers, and each of its decks is made of ice cream sticks that I glued."
        )
        Note.objects.filter(text__contains="bridge 0").update(text=long)
        memory.reload()
        field = memory.get_by_label("Fact").first
        expect(field).to_have_value(long)
        assert field.evaluate("element => element.scrollHeight <= element.clientHeight + 1")

    def test_a_note_is_forgotten(self, memory: Page) -> None:
        tab_to(memory, find_button(memory, "Forget"))
        memory.keyboard.press("Space")
        expect_told(memory, "The note is forgotten.")
        expect(memory.get_by_text("My bridge 0 is 62 cm long.")).to_have_count(0)

    def test_the_conversation_is_forgotten_so_far(self, memory: Page, audit: Callable[[], None]) -> None:
        tab_to(memory, memory.get_by_role("link", name="Forget it or turn memory off"))
        memory.keyboard.press("Enter")
        expect(memory.get_by_role("heading", level=1)).to_have_text("Forget this conversation so far")
        audit()
        assert not list(list_overflows(memory))
        tab_to(memory, memory.get_by_role("button", name="Forget it so far"))
        memory.keyboard.press("Enter")
        expect_told(memory, "The tutor has forgotten this conversation so far. You can still read it.")
        expect(memory.get_by_text("Nothing yet.")).to_be_visible()
        audit()

    def test_a_second_thought_forgets_nothing(self, memory: Page) -> None:
        tab_to(memory, memory.get_by_role("link", name="Forget it or turn memory off"))
        memory.keyboard.press("Enter")
        tab_to(memory, memory.get_by_role("link", name="Don’t forget anything"))
        memory.keyboard.press("Enter")
        expect(memory.get_by_role("heading", level=1)).to_have_text("What I remember of this conversation")
        expect(find_field(memory)).to_be_visible()

    def test_a_page_that_says_nothing_has_not_taken_the_focus(self, memory: Page) -> None:
        expect(memory.locator(".flash-message")).to_have_count(0)
        expect(memory.locator("body")).to_be_focused()


class TestANoteThatIsRejected:
    def test_keeps_what_was_typed_beside_its_reason(self, memory: Page, audit: Callable[[], None]) -> None:
        find_field(memory).fill("My name is Wilhelmina.")
        find_button(memory, "Save").press("Enter")
        field = find_field(memory)
        expect(field).to_be_focused()
        expect(field).to_have_value("My name is Wilhelmina.")
        expect(field).to_have_accessible_description(re.compile("doesn’t remember names, places, feelings"))
        expect(memory).to_have_title(re.compile("^The note isn’t saved"))
        audit()
        # Once put right, it is saved from there.
        field.fill("My tower is 9 m high.")
        memory.keyboard.press("Tab")
        memory.keyboard.press("Enter")
        expect_told(memory, "The note is saved.")

    def test_too_long_is_counted_while_typing_and_comes_back_whole(self, memory: Page) -> None:
        field, long = find_field(memory), "My bridge is long. " * 9
        field.fill(long)
        expect(memory.locator(".character-count").first).to_have_text(
            "170 of 160 characters. Shorten it by 10."
        )
        find_button(memory, "Save").press("Enter")
        expect(field).to_be_focused()
        expect(field).to_have_value(long)
        expect(field).to_have_accessible_description(re.compile("170 characters long; the limit is 160"))

    def test_too_often_can_be_sent_again_after_the_wait(
        self, memory: Page, teen: Person, audit: Callable[[], None]
    ) -> None:
        for _ in range(note_rate_limit.items[0].amount):
            note_rate_limit.hit(teen.pk)
        find_field(memory).fill("My bridge is 70 cm long.")
        memory.keyboard.press("Tab")
        memory.keyboard.press("Enter")
        field = find_field(memory)
        expect(field).to_be_focused()
        expect(field).to_have_value("My bridge is 70 cm long.")
        expect(field).to_have_accessible_description(re.compile("Too many tries. Please wait"))
        audit()
        rate_limits._shared_counters().storage.reset()
        memory.keyboard.press("Tab")
        memory.keyboard.press("Enter")
        expect_told(memory, "The note is saved.")


class TestTwoTabs:
    def test_a_note_forgotten_in_the_other_is_not_brought_back(
        self, memory: Page, context: BrowserContext
    ) -> None:
        other = context.new_page()
        other.goto(memory.url)
        find_button(other, "Forget").click()
        expect_told(other, "The note is forgotten.")
        field = memory.get_by_label("Fact").first
        field.fill("My bridge is 70 cm long.")
        memory.get_by_role("button", name="Save").first.press("Enter")
        expect_told(memory, "This note was already forgotten.")
        assert Note.objects.count() == 2


class TestSignedOutElsewhere:
    def test_what_was_typed_is_sent_after_signing_in(self, memory: Page, teen: Person) -> None:
        find_field(memory).fill("My bridge is 70 cm long.")
        Session.objects.all().delete()
        follow(find_button(memory, "Save"))
        sign_in_again(memory, teen)
        expect(memory.get_by_label("What you wrote")).to_have_value("My bridge is 70 cm long.")
        memory.get_by_role("button", name="Send it", exact=True).click()
        expect_told(memory, "The note is saved.")

    def test_a_confirmation_leads_back_to_its_page(
        self, memory: Page, conversation: Conversation, teen: Person
    ) -> None:
        memory.goto(reverse("chat:forget", args=[conversation.pk]))
        Session.objects.all().delete()
        follow(memory.get_by_role("button", name="Forget it and turn memory off"))
        sign_in_again(memory, teen)
        memory.wait_for_url(f"**{reverse('chat:forget', args=[conversation.pk])}")
        assert Note.objects.count() == 3

    def test_what_was_not_typed_leads_back_to_the_page(
        self, memory: Page, conversation: Conversation, teen: Person
    ) -> None:
        Session.objects.all().delete()
        follow(memory.get_by_role("button", name="Use my notes in new conversations too"))
        sign_in_again(memory, teen)
        memory.wait_for_url(f"**{reverse('chat:memory', args=[conversation.pk])}")
        expect(memory.get_by_role("heading", level=1)).to_have_text("What I remember of this conversation")


class TestWithoutJavaScript:
    def test_notes_are_changed_and_forgotten(self, plain: Page, conversation: Conversation) -> None:
        plain.goto(reverse("chat:memory", args=[conversation.pk]))
        find_field(plain).fill("My name is Wilhelmina.")
        find_button(plain, "Save").click()
        expect(find_field(plain)).to_have_value("My name is Wilhelmina.")
        expect(find_field(plain)).to_be_focused()
        find_field(plain).fill("My bridge 0 is 70 cm long.")
        find_button(plain, "Save").click()
        expect_told(plain, "The note is saved.")
        find_button(plain, "Forget", 1).click()
        expect_told(plain, "The note is forgotten.")
        plain.get_by_role("link", name="Forget it or turn memory off").click()
        plain.get_by_role("button", name="Forget it so far").click()
        expect_told(plain, "The tutor has forgotten this conversation so far. You can still read it.")
        assert not Note.objects.exists()

    def test_the_cost_of_an_answer_opens(self, plain: Page, conversation: Conversation) -> None:
        plain.goto(reverse("chat:conversation", args=[conversation.pk]))
        plain.locator(".answer-cost summary").last.click()
        expect(plain.get_by_text("Remembered").last).to_be_visible()


class TestTheCostOfAnAnswer:
    def test_opens_and_closes_by_keyboard(
        self, page: Page, teen: Person, sign_in: SignIn, conversation: Conversation, audit: Callable[[], None]
    ) -> None:
        sign_in(teen)
        page.goto(reverse("chat:conversation", args=[conversation.pk]))
        details = page.locator(".answer-cost").last
        line, part = details.locator("summary"), details.get_by_text("Remembered")
        expect(part).to_be_hidden()
        tab_to(page, line)
        for key, state in (("Enter", True), ("Space", False), ("Enter", True)):
            page.keyboard.press(key)
            expect(part).to_be_visible(visible=state)
            expect(line).to_be_focused()
        expect(details.get_by_text("This conversation so far: 3 answers")).to_be_visible()
        audit()
        assert not list(list_overflows(page))

    def test_shows_where_the_focus_is(
        self, page: Page, teen: Person, sign_in: SignIn, conversation: Conversation
    ) -> None:
        sign_in(teen)
        page.goto(reverse("chat:conversation", args=[conversation.pk]))
        line = page.locator(".answer-cost summary").last
        tab_to(page, line)
        assert line.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
