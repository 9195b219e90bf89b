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
from tests.chat.long import create_conversation

pytestmark = pytest.mark.browser


@pytest.fixture
def conversation(teen: Person) -> Conversation:
    return create_conversation(teen, 1, title="قطة and maths", question=QUESTION, answer=ANSWER)


@pytest.fixture
def shown(page: Page, conversation: Conversation, teen: Person, sign_in: Callable[[Person], None]) -> Page:
    sign_in(teen)
    page.goto(f"/tutor/{conversation.pk}")
    page.evaluate("document.fonts.ready")
    return page


def test_everything_is_set_and_reached_by_keyboard(shown: Page, audit: Callable[[], None]) -> None:
    assert shown.locator(".prose math").count() > 8
    assert shown.locator(".prose .math-source").count() == 1
    assert shown.locator(".prose ol > li > ul > li").count() == 2
    # Content wider than the column can be scrolled, so it must be focusable.
    unreachable = shown.evaluate(
        "[...document.querySelectorAll('.prose *')].filter((one) => one.scrollWidth > one.clientWidth + 1"
        " && getComputedStyle(one).overflowX === 'auto' && one.tabIndex < 0).map((one) => one.outerHTML)"
    )
    assert unreachable == []
    audit()


def test_nothing_overflows(shown: Page) -> None:
    assert not list(list_overflows(shown))


def test_formulas_are_drawn_with_the_maths_face_and_pages_without_any_do_not_fetch_it(
    shown: Page, teen: Person
) -> None:
    loaded = (
        "[...document.fonts].filter((one) => one.family.includes('Math') && one.status === 'loaded').length"
    )
    assert shown.evaluate(loaded) == 1
    Turn.objects.update(answer="No maths **here**.")
    shown.reload()
    shown.evaluate("document.fonts.ready")
    assert shown.evaluate(loaded) == 0


def test_each_block_reads_in_its_own_direction(shown: Page) -> None:
    direction = "(one) => getComputedStyle(one).direction"
    assert shown.get_by_text("مرحبا بك").evaluate(direction) == "rtl"
    assert shown.get_by_text("The fog comes").evaluate(direction) == "ltr"
    assert shown.get_by_role("heading", level=1).evaluate(direction) == "rtl"
    # A list item in another language still appears beside its marker.
    point = shown.get_by_text("cat تعني قطة")
    assert point.evaluate("(one) => getComputedStyle(one).textAlign") == "right"


def test_code_is_copied_unchanged_and_announced(shown: Page) -> None:
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.get_by_role("button", name="Copy code").first.click()
    shown.get_by_role("status").get_by_text("Copied").wait_for()
    assert (
        shown.evaluate("navigator.clipboard.readText()")
        == "def mean(numbers):\n    # of a list\n    return sum(numbers) / len(numbers)"
    )


def test_code_is_copied_where_the_browser_has_no_clipboard(shown: Page) -> None:
    shown.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    shown.get_by_role("button", name="Copy code").first.click()
    shown.get_by_role("status").get_by_text("Copied").wait_for()
    assert shown.evaluate("getSelection().toString()").startswith("def mean(numbers):")


def test_a_parent_sees_the_same(
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
        view=ParentView.FULL,
        full_since=None,
        made_at=timezone.now() - timedelta(days=30),
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
