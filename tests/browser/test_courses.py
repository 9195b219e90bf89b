"""A module on a phone: every page is complete and works without scripts."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from courses.authoring.modules import read_library
from courses.models import Certificate, LessonDone, QuizAnswer, QuizQuestion
from families.models import Link
from tests.browser.checks import list_overflows, list_problems
from tests.browser.conftest import PHONE, follow
from tests.courses.conftest import do_all_steps_except
from tests.live import Web, Worker

GB = "/learn/good-and-bad"
LESSONS = ["what-it-is", "good-at-and-bad-at", "bias-in-bias-out", "learning-with-it", "talk-about-it"]
MODULES = [f"/learn/{module.slug}" for module in read_library() if module.language == "en"]
PAGES = [
    "/learn/",
    *MODULES,
    "/learn/search",
    "/learn/search?q=who+can+read+my+chats",
    "/learn/search?q=sourdough",
    f"{GB}/print",
    f"{GB}/quiz",
    *(f"{GB}/{lesson}" for lesson in LESSONS),
    "/learn/looking-inside/features",
    "/briefings/",
    "/briefings/europe-agrees-on-rules",
    "/briefings/a-new-model-and-its-table",
]

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("library")]


@pytest.fixture
def plain_page(browser: Browser, web: Web) -> Iterator[Page]:
    """A phone without JavaScript."""
    context = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_axe_finds_nothing_nothing_overflows_and_no_script_runs(page: Page) -> None:
    wrong = []
    for path in PAGES:
        page.goto(path)
        wrong += [f"{path}: {problem}" for problem in (*list_problems(page), *list_overflows(page))]
        # The page for the fridge door has one for its print button.
        allowed = "[src*='/print.']" if path.endswith("/print") else ":not(*)"
        wrong += [f"{path}: a script"] * page.locator(f"script:not({allowed})").count()
    assert not wrong, "\n".join(wrong)


def test_axe_finds_nothing_in_an_answered_quiz(page: Page, audit: Callable[[], None]) -> None:
    page.goto(f"{GB}/quiz")
    question = page.locator("#average")
    question.get_by_label("Which company made it?").check()
    question.get_by_role("button", name="Check").click()
    expect(question).to_contain_text("Not quite.")
    audit()


def test_a_parent_walks_the_whole_module_without_a_script(plain_page: Page) -> None:
    page = plain_page
    page.goto("/")
    page.get_by_role("link", name="Open this module").click()
    page.get_by_role("link", name="Begin").click()
    for lesson in LESSONS:
        assert page.url.endswith(lesson)
        page.get_by_role("button", name="Done. Next:").click()
    for question in QuizQuestion.objects.filter(module__language="en", module__slug=GB.rpartition("/")[2]):
        shown = page.locator(f"#{question.slug}")
        shown.get_by_role("radio").first.check()
        shown.get_by_role("button", name="Check").click()
        assert page.url.endswith(f"#{question.slug}")
        expect(shown).to_contain_text("your choice")
    page.get_by_role("link", name="Print a page for the fridge door").click()
    expect(page.get_by_role("heading", name="Our agreement")).to_be_visible()
    page.goto(GB)
    expect(page.get_by_role("heading", name="You’ve finished all of it")).to_be_visible()


def test_two_take_a_module_together_and_each_has_a_certificate(
    page: Page, parent: Person, teen: Person, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    Link.objects.create(parent=parent, teen=teen)
    sign_in(parent)
    page.goto(GB)
    follow(page.get_by_role("button", name="Take it with Noor"))
    sign_in(teen)
    page.goto("/learn/")
    follow(page.get_by_role("link", name="Read and answer"))
    audit()
    page.get_by_role("button", name="Yes, together").click()
    expect(page.get_by_text("You’re taking this module with sam.")).to_be_visible()
    page.goto(f"{GB}/{LESSONS[0]}")
    expect(page.get_by_text("You’re taking this with sam.")).to_be_visible()
    follow(page.get_by_role("button", name="Done. Next:"))
    sign_in(parent)
    page.goto(GB)
    expect(page.get_by_role("heading", name="1 of 6 done")).to_be_visible()
    do_all_steps_except(parent)
    page.reload()
    audit()
    follow(page.get_by_role("link", name="A certificate, if you need one"))
    audit()
    page.get_by_role("button", name="Create certificate").click()
    with page.expect_download() as loaded:
        page.get_by_role("link", name="Download the PDF").click()
    assert loaded.value.path().read_bytes().startswith(b"%PDF-1.7")
    checked = Certificate.objects.get().get_absolute_url()
    page.goto(checked)
    audit()
    expect(page.get_by_text("None. Its owner chose to leave it out.")).to_be_visible()
    page.goto(f"{GB}/certificate")
    follow(page.get_by_role("button", name="Withdraw it"))
    page.goto(checked)
    expect(page.get_by_role("heading", name="There’s no certificate at this address")).to_be_visible()
    audit()
    sign_in(teen)
    page.goto(f"{GB}/certificate")
    expect(page.get_by_role("button", name="Create certificate")).to_be_visible()


def test_a_visitor_comes_back_to_the_place_where_they_stopped(page: Page) -> None:
    page.goto(f"{GB}/what-it-is")
    follow(page.get_by_role("button", name="Done. Next:"))
    page.goto("/")
    follow(page.get_by_role("link", name="Continue: What it is good at, and where it fails"))
    assert page.url.endswith("good-at-and-bad-at")


def test_what_a_visitor_did_comes_along_when_they_sign_in(page: Page, parent: Person) -> None:
    page.goto(f"{GB}/what-it-is")
    follow(page.get_by_role("button", name="Done. Next:"))
    page.goto("/sign-in")
    page.locator("#id_username").fill(parent.username)
    page.locator("#id_password").fill("a-long-password")
    page.locator(".sign-in-form").get_by_role("button").click()
    expect(page.get_by_role("link", name="Continue:")).to_be_visible()
    assert LessonDone.objects.get().person == parent


def test_a_choice_may_be_changed_with_the_keyboard_alone(
    page: Page, teen: Person, sign_in: Callable[[Person], None]
) -> None:
    sign_in(teen)
    page.goto(f"{GB}/quiz")
    question = page.locator("#average")
    question.get_by_role("radio").nth(1).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(question).to_contain_text("Not quite.")
    question.locator("summary").focus()
    page.keyboard.press("Enter")
    question.get_by_role("radio").nth(1).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(question).to_contain_text("Yes, that is the best answer.")
    assert QuizAnswer.objects.count() == 1


def test_the_tutor_cites_a_lesson_and_its_link_leads_there(
    page: Page, teen: Person, worker: Worker, sign_in: Callable[[Person], None]
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    page.locator("#question").fill("Why does AI make things up?")
    page.locator("#composer-button").click()
    margin = page.get_by_role("note", name="Lessons that may help")
    expect(margin).to_be_visible()
    expect(page.locator(".turn-status")).to_contain_text("Reading It sounds sure even when it is wrong")
    margin.get_by_role("link", name="It sounds sure even when it is wrong").click()
    expect(page.locator("#sounds-sure")).to_be_in_viewport()


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_for_the_fridge_door_is_one_sheet_of_paper(language: str, page: Page) -> None:
    page.set_extra_http_headers({"Accept-Language": language})
    for module in MODULES:
        page.goto(f"{module}/print")
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert page.pdf(format="A4").count(b"/Type /Page\n") in {1, 2}, module
