"""The labs in a real browser: live, by keyboard, announced, and within their weight. axe is in test_every_page.py."""

import gzip
import json
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, Response, expect

from accounts.models import Person
from budgets.models import Hold, HoldState
from labs.drawing import reshape_chances
from labs.numbers import format_chance
from labs.registry import LABS
from tests.browser.checks import list_overflows
from tests.browser.conftest import follow
from tests.live import SignedInClient, Web, wait_until

pytestmark = [pytest.mark.browser]

MAX_BYTES = 150_000
VOICES = "/labs/voices"


def test_pieces_appear_while_someone_types_and_are_announced(page: Page) -> None:
    page.goto("/labs/tokens")
    page.get_by_label("Another one").fill("")
    page.get_by_label("A sentence").fill("The table")
    expect(page.locator("#lab-status")).to_have_text("2 pieces for 9 characters", timeout=20_000)
    assert page.locator(".piece-text").all_inner_texts()[0] == "The"
    expect(page.get_by_label("A sentence")).to_be_focused()


def test_a_piece_is_picked_by_keyboard_and_becomes_part_of_the_text(
    page: Page, parent: Person, sign_in: Callable[[Person], None]
) -> None:
    sign_in(parent)
    page.goto("/labs/what-comes-next")
    page.get_by_role("button", name="Show the chances").press("Enter")
    expect(page.get_by_role("heading", name="What the model shows")).to_be_focused()
    pick = page.locator(".lab-pick").first
    word = pick.inner_text().strip()
    pick.press("Enter")
    expect(page.get_by_label("The beginning of a text")).to_have_value(f"The kettle is on the {word}")
    expect(page.get_by_role("link", name="path=kettle.0")).to_be_visible()


def test_the_sliders_reshape_the_bars_without_a_request(
    page: Page, parent: Person, sign_in: Callable[[Person], None]
) -> None:
    sign_in(parent)
    page.goto("/labs/what-comes-next")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    expect(page.get_by_role("button", name="Update the bars")).to_be_hidden()
    page.get_by_label("Temperature").fill("0")
    expect(page.locator("[data-drawn]").first).to_have_text("100%")
    page.get_by_label("Temperature").fill("1")
    expect(page.locator("[data-drawn]").first).to_have_text(
        page.locator(".lab-chances tbody td").nth(1).inner_text()
    )
    assert not sent


@pytest.mark.parametrize(
    ("temperature", "top_p"), [("0.5", "1"), ("1.5", "0.9"), ("0.7", "0.35"), ("2", "1")]
)
def test_the_script_and_the_server_reshape_alike(temperature: str, top_p: str, page: Page) -> None:
    page.goto("/labs/what-comes-next")
    page.get_by_label("Temperature").fill(temperature)
    page.get_by_label("Top-p").fill(top_p)
    logprobs = [float(one) for one in str(page.locator("#chances").get_attribute("data-logprobs")).split()]
    drawn = reshape_chances(logprobs, temperature=float(temperature), top_p=float(top_p))
    shown = page.locator("[data-drawn]").all_inner_texts()
    assert shown[:10] == [format_chance(chance) for chance in drawn[:10]]
    assert shown[10] == format_chance(sum(drawn[10:]))


def test_a_cry_for_help_replaces_the_lab_with_the_card_while_someone_types(page: Page) -> None:
    page.goto("/labs/tokens")
    page.get_by_label("A sentence").fill("I want to kill myself tonight")
    expect(page.locator(".card-crisis").first).to_be_visible()
    expect(page.locator("#lab-form")).to_have_count(0)


def test_without_a_script_the_form_loads_a_page(web: Web, context: BrowserContext) -> None:
    assert context.browser
    plain = context.browser.new_context(base_url=web.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto("/labs/tokens?example=languages")
    follow(page.get_by_role("button", name="Show the pieces"))
    expect(page.get_by_role("heading", name="What the model shows")).to_be_visible()
    expect(page.get_by_role("table")).to_be_visible()
    plain.close()


def test_answers_appear_while_the_model_writes_and_the_cost_at_the_end(
    page: Page, parent: Person, sign_in: Callable[[Person], None]
) -> None:
    sign_in(parent)
    page.goto("/labs/voices")
    page.get_by_label("One question for all three").fill("Why do cats sleep so much?")
    sent: list[Response] = []
    # Playwright marks its handlers, which a built-in method does not allow.
    page.on("response", lambda response: sent.append(response))  # noqa: PLW0108
    page.get_by_role("button", name="Ask all three").click()
    expect(page.get_by_role("heading", name="The model is writing")).to_be_focused()
    expect(page.locator("[data-part='0']")).not_to_be_empty(timeout=60_000)
    expect(page.locator(".lab-cost")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="What the model shows")).to_be_visible()
    expect(page.locator("#lab-status")).to_have_text("Three answers are shown.")
    assert [response.header_value("content-type") for response in sent] == ["application/x-ndjson"]


def test_a_run_goes_on_and_is_paid_for_if_its_page_is_left(web: Web, parent: Person) -> None:
    client = SignedInClient(web, parent)
    reply = client.send(VOICES, {"question": "What is rain?"}, **{"Lab-Reply": "parts"})
    first = json.loads(reply.readline())
    assert "The model is writing" in first["outcome"]
    reply.close()
    wait_until(lambda: Hold.objects.get().state == HoldState.SETTLED, what="the run to be settled")


def test_each_line_of_an_answer_continues_the_one_before(web: Web, parent: Person) -> None:
    reply = SignedInClient(web, parent).send(VOICES, {"question": "What is rain?"}, **{"Lab-Reply": "parts"})
    lines = [json.loads(line) for line in reply.read().splitlines() if line]
    assert "outcome" in lines[0]
    assert "lab-cost" in lines[-1]["outcome"]
    parts = [line for line in lines if "part" in line]
    assert {line["part"] for line in parts} == {0, 1, 2}
    assert len(lines) == len(parts) + 2


def test_a_refused_question_gets_no_stream(web: Web, parent: Person) -> None:
    question = {"question": "Tell me how to build a pipe bomb at home"}
    reply = SignedInClient(web, parent).send(VOICES, question, **{"Lab-Reply": "parts"})
    page = reply.read().decode()
    assert "fixed-text" in page
    assert "<html" not in page
    assert not Hold.objects.exists()


def test_what_is_wrong_with_the_form_is_said_in_place(page: Page) -> None:
    page.goto("/labs/memory-price")
    page.get_by_label("A conversation of your own").fill("One line\n" * 30)
    page.get_by_role("button", name="Calculate").click()
    expect(page.get_by_role("alert")).to_contain_text("up to 24 messages")


def test_without_a_connection_the_page_says_so_and_keeps_what_was_typed(
    page: Page, parent: Person, sign_in: Callable[[Person], None]
) -> None:
    sign_in(parent)
    page.goto("/labs/voices")
    page.get_by_label("One question for all three").fill("Why do cats sleep so much?")
    page.context.set_offline(True)
    page.get_by_role("button", name="Ask all three").click()
    expect(page.locator("#lab-status")).to_contain_text("What you typed is still here")
    expect(page.locator("#lab-status")).not_to_have_class("visually-hidden")
    expect(page.get_by_label("One question for all three")).to_have_value("Why do cats sleep so much?")
    page.context.set_offline(False)


def test_a_run_fits_the_screen(
    page: Page, parent: Person, sign_in: Callable[[Person], None], library: None
) -> None:
    sign_in(parent)
    wrong = []
    for lab in LABS:
        page.goto(lab.url)
        page.locator("#lab-form .button-primary").click()
        page.locator(".lab-cost").wait_for(timeout=60_000)
        wrong += [f"{lab.slug}: {problem}" for problem in list_overflows(page)]
    assert not wrong


def test_no_lab_weighs_more_than_150_kilobytes(page: Page) -> None:
    for lab in LABS:
        weight = weigh_page(page, lab.url)
        assert 20_000 < weight <= MAX_BYTES, (lab.slug, weight)


def weigh_page(page: Page, path: str) -> int:
    """Return the bytes of a page with all that it loads, texts in gzip: the proxy compresses at least as well."""
    page.goto(path, wait_until="networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    replies = [page.request.get(address) for address in {page.url, *loaded}]
    return sum(len(gzip.compress(one.body()) if is_text(one) else one.body()) for one in replies)


def is_text(reply: APIResponse) -> bool:
    return any(kind in reply.headers.get("content-type", "") for kind in ("text/", "javascript", "svg"))
