"""Writing a question: Enter, pictures, other words, reading aloud, and the disclosure."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Person
from chat.models import Turn
from tests.browser.conftest import PHONE
from tests.browser.test_tutor import SignIn, ask, wait_for_end
from tests.live import Web, Worker

pytestmark = [pytest.mark.browser]
Open = Callable[..., Page]
# A device without voices gets none of the buttons; this one has a voice of its own and one over the internet.
VOICES = """
const spoken = (window.spoken = []);
const voice = (lang, localService) => ({ lang, localService, name: lang, voiceURI: lang, default: false });
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
Object.defineProperty(window, "speechSynthesis", { value: {
  getVoices: () => %s,
  speak: (said) => spoken.push(said),
  cancel: () => (spoken.length = 0),
  addEventListener: () => {},
}});
"""


class TestEnter:
    def test_sends_with_a_keyboard_and_shift_breaks_the_line(
        self, page: Page, teen: Person, sign_in: SignIn, worker: Worker
    ) -> None:
        sign_in(teen)
        page.goto("/tutor/")
        question = page.locator("#question")
        question.fill("What is a noun?")
        question.press("Shift+Enter")
        question.press_sequentially("And a verb?")
        expect(question).to_have_value("What is a noun?\nAnd a verb?")
        question.press("Enter")
        page.wait_for_url(re.compile("/tutor/[0-9a-f-]{36}"))
        assert Turn.objects.get().question == "What is a noun?\nAnd a verb?"

    def test_does_not_press_stop(self, page: Page, teen: Person, sign_in: SignIn) -> None:
        sign_in(teen)
        page.goto("/tutor/")
        # Without a worker it waits.
        ask(page, "What is a noun?")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        page.locator("#question").fill("And a verb?")
        page.locator("#question").press("Enter")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        assert Turn.objects.get().stop_requested_at is None

    def test_starts_a_new_line_on_a_touch_screen(
        self, browser: Browser, web: Web, teen: Person, sign_in: SignIn, context: BrowserContext
    ) -> None:
        sign_in(teen)
        phone = browser.new_context(
            base_url=web.url,
            viewport=PHONE,
            has_touch=True,
            is_mobile=True,
            storage_state=context.storage_state(),
        )
        page = phone.new_page()
        page.goto("/tutor/")
        page.locator("#question").fill("What is a noun?")
        page.locator("#question").press("Enter")
        expect(page.locator("#question")).to_have_value("What is a noun?\n")
        expect(page.locator(".enter-hint")).to_be_hidden()
        phone.close()


def test_a_pasted_picture_is_answered_with_what_to_do_instead(
    page: Page, teen: Person, sign_in: SignIn
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    page.locator("#question").fill("Look:")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "homework.png", { type: "image/png" }));
          const field = document.querySelector("#question");
          field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_role("alert").filter(has_text="can’t look at pictures")).to_be_visible()
    expect(page.locator("#question")).to_have_value("Look:")


def test_the_last_question_is_asked_in_other_words(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker, audit: Callable[[], None]
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page, "What is a nuon?")
    wait_for_end(page)
    page.get_by_role("link", name="Change my question").click()
    question = page.get_by_label("Your question, in other words")
    expect(question).to_have_value("What is a nuon?")
    expect(question).to_be_focused()
    audit()
    question.fill("What is a noun?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").first).to_contain_text("You asked this in other words below.")
    wait_for_end(page)
    # Only the last question can be changed.
    expect(page.get_by_role("link", name="Change my question")).to_have_count(1)
    assert list(Turn.objects.order_by("asked_at").values_list("is_reworded", flat=True)) == [True, False]


class TestReadingAloud:
    @pytest.fixture
    def answered(self, page: Page, teen: Person, sign_in: SignIn, worker: Worker) -> None:
        sign_in(teen)
        page.goto("/tutor/")
        ask(page, "What is a noun?")
        wait_for_end(page)

    @pytest.mark.usefixtures("answered")
    def test_reads_the_answer_and_stops(self, page: Page) -> None:
        page.add_init_script(VOICES % '[voice("en-GB", false), voice("en-US", true)]')
        page.reload()
        button = page.get_by_role("button", name="Read aloud")
        button.click()
        spoken = page.evaluate("spoken.map((said) => [said.text, said.voice.lang])")
        answer = page.locator(".turn .prose").first.inner_text()
        assert " ".join(text for text, _lang in spoken).split() == answer.split()
        assert {lang for _text, lang in spoken} == {"en-US"}
        page.get_by_role("button", name="Stop reading").click()
        assert page.evaluate("spoken.length") == 0
        expect(button).to_be_visible()

    @pytest.mark.usefixtures("answered")
    def test_never_uses_a_voice_over_the_internet(self, page: Page) -> None:
        page.add_init_script(VOICES % '[voice("en-US", false), voice("fr-FR", true)]')
        page.reload()
        expect(page.locator(".read-aloud")).to_have_count(1)
        expect(page.get_by_role("button", name="Read aloud")).to_have_count(0)


def test_the_box_comes_first_and_the_disclosure_is_open_once_a_session(
    page: Page, teen: Person, sign_in: SignIn
) -> None:
    sign_in(teen)
    page.set_viewport_size(PHONE)
    page.goto("/tutor/")
    box = page.locator("#question").bounding_box()
    assert box
    assert box["y"] + box["height"] < PHONE["height"] * 0.6
    summary = page.get_by_text("An AI, not a human. It can be wrong, and may not suit every teen.")
    expect(page.get_by_text("You can stop at any time.")).to_be_visible()
    page.goto("/tutor/")
    expect(summary).to_be_visible()
    expect(page.get_by_text("You can stop at any time.")).to_be_hidden()


def test_a_conversation_is_printed_from_its_page(
    page: Page, teen: Person, sign_in: SignIn, worker: Worker, audit: Callable[[], None]
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    ask(page, "What is a noun?")
    wait_for_end(page)
    page.get_by_text("Rename, print or delete").click()
    with page.expect_download() as file:
        page.get_by_role("link", name="Save as a text file").click()
    assert file.value.suggested_filename.endswith(".md")
    page.get_by_role("link", name="Print", exact=True).click()
    expect(page.get_by_role("button", name="Print this page")).to_be_visible()
    audit()
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Back to the conversation")).to_be_hidden()
    expect(page.get_by_text("What is a noun?").last).to_be_visible()
