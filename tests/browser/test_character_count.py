"""A long paste is never cut. The box counts it as the server does, and announces the count sparingly."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Person
from chat.models import Turn

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
FAMILY = "👩\u200d👩\u200d👧"


def paste(page: Page, text: str) -> None:
    """Insert the text at once, as a paste does."""
    page.locator("#question").fill("")
    page.locator("#question").focus()
    page.keyboard.insert_text(text)


def get_announcement(page: Page) -> str:
    return page.locator("#composer [role=status]").text_content() or ""


def test_a_paste_of_nine_thousand_letters_comes_back_whole(
    page: Page, teen: Person, sign_in: SignIn, audit: Callable[[], None]
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    counter = page.locator("#composer .character-count")
    text = "river " * 1499 + "round?"
    paste(page, "Why do stones become round?")
    expect(counter).to_be_hidden()
    paste(page, text)
    expect(counter).to_have_text("9,000 of 8,000 characters. Shorten it by 1,000.")
    assert get_announcement(page) == ""
    expect(page.locator("#composer [role=status]")).to_have_text(
        "9,000 of 8,000 characters. Shorten it by 1,000."
    )
    page.keyboard.insert_text("!")
    page.wait_for_timeout(1_200)
    assert get_announcement(page).startswith("9,000 of"), "one more key is no news"
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#question-error")).to_contain_text("9,001 characters long; the limit is 8,000")
    assert page.locator("#question").input_value() == f"{text}!"
    expect(counter).to_have_text("9,001 of 8,000 characters. Shorten it by 1,001.")
    audit()
    assert not Turn.objects.exists()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("🫖" * 7500, "7,500"),
        (FAMILY * 1500, "7,500"),
        ("e\u0301" * 7900, "7,900"),
        ("river by river\r\n" * 500 + "end \u00ad", "7,503"),
    ],
    ids=["emoji", "joined", "accents", "lines"],
)
def test_the_counter_counts_as_the_server_does(
    page: Page, teen: Person, sign_in: SignIn, text: str, count: str
) -> None:
    sign_in(teen)
    page.goto("/tutor/")
    page.locator("#question").fill(text)
    expect(page.locator("#composer .character-count")).to_have_text(f"{count} of 8,000 characters")
