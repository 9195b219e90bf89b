"""The buttons under an answer and a practice quiz: with a keyboard, on a phone and a desktop, without JavaScript."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from chat.method.quizzes import PracticeQuestion, PracticeQuiz, QuizOption, QuizSource
from chat.models import Conversation, Turn, TurnState
from tests.live import Web

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
QUIZ = PracticeQuiz(
    QuizSource.MODEL,
    (
        PracticeQuestion(
            "What is half of 8?", (QuizOption("2"), QuizOption("4", is_right=True)), "4 and 4 are 8."
        ),
        PracticeQuestion(
            "Which is larger?", (QuizOption("3/4", is_right=True), QuizOption("1/2")), "By a quarter."
        ),
    ),
)


def add_turn(conversation: Conversation, question: str, **fields: object) -> Turn:
    return Turn.objects.create(
        pk=uuid4(),
        conversation=conversation,
        question=question,
        state=TurnState.ANSWERED,
        ended_at=timezone.now(),
        **fields,
    )


@pytest.fixture
def homework(teen: Person, page: Page, sign_in: SignIn) -> Turn:
    """Open a conversation with a piece of homework, after a first hint and an attempt."""
    conversation = Conversation.objects.create(owner=teen, title="Fractions")
    task = add_turn(
        conversation, "Solve 2x + 3 = 11", answer="What have you tried?", kind="homework", step="try"
    )
    turn = add_turn(
        conversation,
        "I get 2x = 14",
        answer="Look at the sign of 3.",
        step="check",
        hints=1,
        has_attempt=True,
        task=task,
        about=task,
        follow_up="check",
    )
    sign_in(teen)
    page.goto(f"/tutor/{conversation.pk}")
    return turn


@pytest.fixture
def practice(teen: Person, page: Page, sign_in: SignIn) -> Turn:
    """Open a conversation that ends with a quiz."""
    conversation = Conversation.objects.create(owner=teen, title="Fractions")
    add_turn(conversation, "How do fractions work?", answer="A fraction is a part.", kind="direct")
    turn = add_turn(conversation, "Quiz me on this.", answer=QUIZ.text, quiz=QUIZ.dump(), follow_up="quiz")
    sign_in(teen)
    page.goto(f"/tutor/{conversation.pk}")
    return turn


def test_only_the_newest_answer_has_buttons(homework: Turn, page: Page) -> None:
    visible = page.locator(".follow-up-buttons button:visible")
    expect(visible).to_have_text(["Bigger hint", "Just tell me", "Explain differently"])


def test_axe_finds_nothing_and_nothing_overflows(
    homework: Turn, page: Page, audit: Callable[[], None]
) -> None:
    page.locator(f"#turn-{homework.pk} .check-step summary").click()
    expect(page.get_by_label("Your step or answer").last).to_be_visible()
    audit()


def test_a_step_is_sent_with_the_keyboard_alone(homework: Turn, page: Page) -> None:
    page.locator(f"#turn-{homework.pk} .check-step summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("2x = 8, so x = 4")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(3)
    asked = Turn.objects.exclude(pk=homework.pk).get(about=homework)
    assert (asked.question, asked.step) == ("2x = 8, so x = 4", "check")


def test_a_button_adds_a_turn_and_takes_the_old_buttons_away(homework: Turn, page: Page) -> None:
    page.get_by_label("Your next question").fill("And decimals?")
    page.get_by_role("button", name="Bigger hint").click()
    expect(page.locator(".turn")).to_have_count(3)
    expect(page.get_by_text("Give me a bigger hint.")).to_be_visible()
    expect(page.locator(f"#turn-{homework.pk} .follow-ups")).to_be_hidden()


def test_why_hints_come_first_can_be_read_from_a_step(homework: Turn, page: Page) -> None:
    page.get_by_role("link", name="Why hints first?").locator("visible=true").click()
    expect(page.get_by_text("practice scores rose by 127%")).to_be_visible()
    expect(page.get_by_text("PNAS 122 (26)")).to_be_visible()


def test_without_javascript_a_button_is_a_form(
    browser: Browser, web: Web, homework: Turn, page: Page
) -> None:
    plain = browser.new_context(
        base_url=web.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    shown = plain.new_page()
    shown.goto(f"/tutor/{homework.conversation_id}")
    shown.get_by_role("button", name="Bigger hint").click()
    expect(shown.get_by_text("Give me a bigger hint.")).to_be_visible()
    plain.close()


def test_a_quiz_is_checked_in_place(practice: Turn, page: Page, audit: Callable[[], None]) -> None:
    audit()
    page.get_by_label("2", exact=True).check()
    page.get_by_label("3/4").check()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Not quite.")).to_be_visible()
    expect(page.get_by_text("4 and 4 are 8.")).to_be_visible()
    expect(page.get_by_text("Yes.", exact=True)).to_be_visible()
    audit()
    practice.refresh_from_db()
    assert practice.quiz_choices == [0, 0]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_overflows(width: int, practice: Turn, page: Page) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_quiz_checked_with_the_keyboard_keeps_the_focus_and_says_how_it_went(
    practice: Turn, page: Page
) -> None:
    page.get_by_label("2", exact=True).check()
    page.get_by_label("3/4").check()
    page.get_by_role("button", name="Check", exact=True).focus()
    page.keyboard.press("Enter")
    # At the beginning of the quiz, so that it is read again from its first question.
    expect(page.locator(f"#turn-{practice.pk}")).to_be_focused()
    expect(page.locator("#tutor-status")).to_have_text("Question 1: not quite. Question 2: yes.")
