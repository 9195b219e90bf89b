"""Math, tables, code, Arabic and poems as a reader sees them, on a phone and a desktop, in light and dark mode."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Person
from chat.models import Conversation, Turn
from families.models import Link
from families.terms import ParentView
from tests.browser.checks import list_overflows
from tests.browser.showcase import ANSWER, QUESTION
from tests.chat.conversations import create_conversation

pytestmark = pytest.mark.browser


@pytest.fixture
def conversation(teen: Person) -> Conversation:
    return create_conversation(teen, 1, title="قطة and math", question=QUESTION, answer=ANSWER)


@pytest.fixture
def conversation_page(
    page: Page, conversation: Conversation, teen: Person, sign_in: Callable[[Person], None]
) -> Page:
    sign_in(teen)
    page.goto(f"/tutor/{conversation.pk}")
    page.evaluate("document.fonts.ready")
    return page


def test_everything_is_rendered_and_reachable_by_keyboard(
    conversation_page: Page, audit: Callable[[], None]
) -> None:
    assert conversation_page.locator(".prose math").count() > 8
    assert conversation_page.locator(".prose .math-source").count() == 1
    assert conversation_page.locator(".prose ol > li > ul > li").count() == 2
    # Content wider than the column can be scrolled, so it must be focusable.
    unreachable = conversation_page.evaluate(
        "[...document.querySelectorAll('.prose *')].filter((element) => element.scrollWidth > element.clientWidth + 1"
        " && getComputedStyle(element).overflowX === 'auto' && element.tabIndex < 0)"
        ".map((element) => element.outerHTML)"
    )
    assert unreachable == []
    audit()


def test_nothing_overflows(conversation_page: Page) -> None:
    assert not list(list_overflows(conversation_page))


def test_formulas_are_drawn_with_the_math_font_and_pages_without_any_do_not_fetch_it(
    conversation_page: Page, teen: Person
) -> None:
    loaded = "[...document.fonts].filter((font) => font.family.includes('Math') && font.status === 'loaded').length"
    assert conversation_page.evaluate(loaded) == 1
    Turn.objects.update(answer="No math **here**.")
    conversation_page.reload()
    conversation_page.evaluate("document.fonts.ready")
    assert conversation_page.evaluate(loaded) == 0


def test_each_block_reads_in_its_own_direction(conversation_page: Page) -> None:
    direction = "(element) => getComputedStyle(element).direction"
    assert conversation_page.get_by_text("مرحبا بك").evaluate(direction) == "rtl"
    assert conversation_page.get_by_text("The fog comes").evaluate(direction) == "ltr"
    assert conversation_page.get_by_role("heading", level=1).evaluate(direction) == "rtl"
    # A list item in another language still appears beside its marker.
    point = conversation_page.get_by_text("cat تعني قطة")
    assert point.evaluate("(element) => getComputedStyle(element).textAlign") == "right"


def test_code_is_copied_unchanged_and_announced(conversation_page: Page) -> None:
    conversation_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    conversation_page.get_by_role("button", name="Copy code").first.click()
    conversation_page.get_by_role("status").get_by_text("Copied").wait_for()
    assert (
        conversation_page.evaluate("navigator.clipboard.readText()")
        == "def mean(numbers):\n    # of a list\n    return sum(numbers) / len(numbers)"
    )


def test_code_is_copied_where_the_browser_has_no_clipboard(conversation_page: Page) -> None:
    conversation_page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    conversation_page.get_by_role("button", name="Copy code").first.click()
    conversation_page.get_by_role("status").get_by_text("Copied").wait_for()
    assert conversation_page.evaluate("getSelection().toString()").startswith("def mean(numbers):")


def test_a_parent_sees_the_same_question_and_answer(
    page: Page,
    conversation: Conversation,
    teen: Person,
    parent: Person,
    sign_in: Callable[[Person], None],
    audit: Callable[[], None],
) -> None:
    link = Link.objects.create(
        parent=parent,
        teen=teen,
        parent_view=ParentView.FULL,
        full_since=None,  # earlier questions included
        created_at=timezone.now() - timedelta(days=30),
    )
    sign_in(teen)
    page.goto(f"/tutor/{conversation.pk}")
    prose, question = (page.locator(css).inner_text() for css in (".prose", ".question"))
    sign_in(parent)
    page.goto(f"/tutor/parent-view/{link.pk}")
    assert page.locator(".prose").inner_text() == prose
    assert question.endswith(page.locator(".question > div").inner_text())
    audit()
    assert not list(list_overflows(page))
