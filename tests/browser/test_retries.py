"""An answer stays on the page during a retry, and when the retry fails (ADR 34)."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Person
from chat.models import EndReason, Turn, TurnState
from chat.prompt import build_prompt
from chat.selectors import get_earlier_turns
from tests import live
from tests.scripted import DONE, NOT_FOUND, OK, read_request, stop

pytestmark = [pytest.mark.browser, pytest.mark.faults, pytest.mark.django_db(transaction=True)]
SignIn = Callable[[Person], None]
QUESTION = "Explain in many words how rain, rivers and the sea belong together, step by step."
# More than a hundred words, within the cap of live.Worker and what a prompt remembers; the gate holds none back.
LONG = ["puddle", "drizzle", "pond", "brook"] * 28
REST = ["their", "water", "to", "the", "sea."]


class SteeredModel:
    """A model server over real HTTP whose answers a test chooses."""

    def __init__(self) -> None:
        self.words, self.is_endless = LONG, True
        self.over = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._say, args=[line], daemon=True).start()

    def _say(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            if read_request(line)[0].startswith(b"POST /tokenize"):
                line.sendall(NOT_FOUND)
                return
            line.sendall(OK)
            for word in self.words:
                line.sendall(b'data: {"choices": [{"delta": {"content": "%s "}}]}\n\n' % word.encode())
            if self.is_endless:
                self.over.wait(60)
            line.sendall(stop() + DONE)

    def answer_with(self, words: list[str]) -> None:
        """Answer with these words, complete, from now on."""
        self.words, self.is_endless = words, False

    def end(self) -> None:
        """Stop listening."""
        self.over.set()
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[live.Valkey]:
    with live.running(live.Valkey(tmp_path / "valkey.log")) as valkey:
        yield valkey


@pytest.fixture
def model() -> Iterator[SteeredModel]:
    model = SteeredModel()
    yield model
    model.end()


@pytest.fixture
def web(transactional_db: None, tmp_path: Path, valkey: live.Valkey) -> Iterator[live.Web]:
    changed = {"VALKEY_URL": valkey.url, "TUTOR_ANSWER_TOKENS": "120"}
    with live.running(live.Web(tmp_path / "web.log", **changed)) as web:
        yield web


@pytest.fixture
def worker(tmp_path: Path, valkey: live.Valkey, model: SteeredModel) -> Iterator[live.Worker]:
    changed = {"VALKEY_URL": valkey.url, "TUTOR_BASE_URL": model.url}
    with live.running(live.Worker(tmp_path / "worker.log", **changed)) as worker:
        yield worker


def read_words(page: Page) -> list[str]:
    """Return the text of the first turn's answer."""
    return " ".join(page.locator(".turn").first.locator(".answer .prose").all_inner_texts()).split()


@pytest.fixture
def stopped(page: Page, teen: Person, sign_in: SignIn, worker: live.Worker) -> Turn:
    """An answer that its asker stopped after more than a hundred words, on the page."""
    sign_in(teen)
    page.goto("/tutor/")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("/tutor/[0-9a-f-]{36}"))
    live.wait_until(lambda: read_words(page) == LONG, what="the words")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped the answer here.")).to_be_visible()
    turn = Turn.objects.get()
    assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER)
    return turn


def test_words_stay_when_a_retry_fails_after_a_reload_and_in_memory(
    page: Page, stopped: Turn, model: SteeredModel, audit: Callable[[], None]
) -> None:
    model.end()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("You tried again, and it failed.")).to_be_visible()
    expect(page.get_by_text("Your earlier answer stays.")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)
    assert read_words(page) == LONG
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    audit()

    page.reload()
    expect(page.locator(".turn")).to_have_count(1)
    assert read_words(page) == LONG

    page.get_by_label("Your next question").fill("What is a delta?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn")).to_have_count(2)
    following = Turn.objects.get(question="What is a delta?")
    prompt = build_prompt(following.question, remembered=get_earlier_turns([following])[following.pk])
    assert stopped.answer in [message["content"] for message in prompt.messages]


def test_a_better_answer_takes_the_place_of_the_words(page: Page, stopped: Turn, model: SteeredModel) -> None:
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").first).to_contain_text("You asked this again.")
    assert read_words(page) == LONG
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You tried again, and stopped before there was more to read.")).to_be_visible()

    model.answer_with(["A", "whole", "answer."])
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("A whole answer.")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".turn .answer-foot")).to_be_visible()
    expect(page.locator(f"#turn-{Turn.objects.get(state=TurnState.ANSWERED).pk}")).to_be_visible()
    assert page.evaluate("window.stayed") is True


def test_a_stopped_answer_is_continued_below_itself(page: Page, stopped: Turn, model: SteeredModel) -> None:
    model.answer_with(REST)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last).to_contain_text("Go on.")
    expect(page.locator(".turn").last.locator(".answer-foot")).to_be_visible()
    assert read_words(page) == LONG
    expect(page.locator(".turn").first.get_by_role("button", name="Continue")).to_have_count(0)
    assert Turn.objects.get(continues=stopped).state == TurnState.ANSWERED
