"""The labs in a real browser: live, by keyboard, announced, and within their weight. axe is in test_every_page.py."""

import gzip
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, expect

from accounts.models import Person
from labs.drawing import reshape_chances
from labs.numbers import format_chance
from labs.registry import LABS
from tests.browser.checks import list_overflows
from tests.browser.conftest import follow
from tests.live import Web

pytestmark = [pytest.mark.browser]

MAX_BYTES = 150_000


def test_pieces_appear_while_someone_types_and_are_announced(page: Page) -> None:
    page.goto("/labs/tokens")
    page.get_by_label("Another one").fill("")
    page.get_by_label("A sentence").fill("The table")
    expect(page.locator("#lab-status")).to_have_text("2 pieces for 9 characters")
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
