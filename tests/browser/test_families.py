"""A family on a phone, from the invitation to the first question, and to its end."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Person
from courses.loading import library_load
from families.models import Consent, Link
from tests.browser.conftest import PHONE
from tests.live import Web, Worker

pytestmark = [pytest.mark.browser]


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def phone_of(browser: Browser, web: Web) -> Iterator[Callable[[Person], Page]]:
    """A phone of somebody's own, with scripts switched off: everything here is a form or a link."""
    opened: list[BrowserContext] = []

    def phone(person: Person, *, scripts: bool = False) -> Page:
        context = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=scripts)
        opened.append(context)
        page = context.new_page()
        page.goto("/sign-in")
        page.locator("#id_username").fill(person.username)
        page.locator("#id_password").fill("a-long-password")
        page.locator(".sign-in-form").get_by_role("button").click()
        return page

    yield phone
    for context in opened:
        context.close()


PAGES = ["/family/", "/family/consent", "/family/looks", "/family/trusted-adult"]
LINK_PAGES = [
    "/family/links/{}/agreement",
    "/family/links/{}/end",
    "/family/links/{}/consent",
    "/tutor/look/{}",
]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_on_a_teens_pages(
    path: str, link: Link, page: Page, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    sign_in(link.teen)
    fits(page, path, audit)


@pytest.mark.parametrize("path", ["/family/", *LINK_PAGES])
def test_axe_finds_nothing_on_a_parents_pages(
    path: str, link: Link, page: Page, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    sign_in(link.parent)
    fits(page, path.format(link.pk), audit)


def fits(page: Page, path: str, audit: Callable[[], None]) -> None:
    page.goto(path)
    audit()
    assert page.locator("script").count() == 0
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_finds_nothing_in_a_wrong_agreement_and_a_closed_tutor(
    link: Link, page: Page, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    sign_in(link.teen)
    page.goto(f"/family/links/{link.pk}/agreement")
    page.locator("#answers_a_day").fill("a lot")
    page.get_by_role("button", name="Ask for this").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing has been changed yet")
    audit()
    Consent.objects.all().delete()
    page.goto("/tutor/")
    expect(page.get_by_role("heading", name="The tutor opens when somebody has agreed")).to_be_visible()
    audit()


def test_invite_accept_consent_agree_and_ask(
    parent: Person, teen: Person, worker: Worker, phone_of: Callable[..., Page]
) -> None:
    library_load()
    Consent.objects.all().delete()
    hers, his = phone_of(parent), phone_of(teen, scripts=True)

    hers.get_by_role("link", name="Your account").click()
    hers.get_by_role("link", name="Your family").click()
    hers.get_by_role("button", name="Make an invitation").click()
    address = hers.locator(".invitations code").inner_text()
    his.goto(address)
    his.get_by_role("button", name="Yes, link us").click()

    hers.goto("/family/")
    expect(hers.locator(".notices")).to_contain_text("Noor said yes: you are linked.")
    hers.get_by_role("link", name="Consent", exact=True).click()
    hers.get_by_role("button", name="I have read this, and I agree").click()
    expect(hers.get_by_text("The tutor is open.")).to_be_visible()

    hers.goto("/family/")
    hers.get_by_role("link", name="Our agreement").click()
    hers.locator("#answers_a_day").fill("20")
    hers.get_by_role("button", name="Ask for this").click()
    expect(hers.get_by_role("heading", name="You asked for this")).to_be_visible()
    his.goto("/family/")
    his.get_by_role("link", name="Read and answer").click()
    his.get_by_role("button", name="Yes, agreed").click()
    expect(his.locator(".facts").first).to_contain_text("20 short answers")

    his.goto("/tutor/")
    his.locator("#question").fill("Why does AI make things up?")
    his.locator("#composer-button").click()
    expect(his.locator(".turn")).to_be_visible()
    expect(his.locator(".answer-foot")).to_be_visible(timeout=60_000)

    hers.goto("/family/")
    hers.get_by_role("link", name="Look at what we agreed I may see").click()
    expect(hers.get_by_role("cell", name="The good and the bad of AI")).to_be_visible()
    expect(hers.locator("main")).not_to_contain_text("make things up")
    his.goto("/family/looks")
    expect(his.locator(".notices li")).to_have_count(1)


def test_pause_and_part(link: Link, phone_of: Callable[..., Page]) -> None:
    hers, his = phone_of(link.parent), phone_of(link.teen)
    hers.goto(f"/family/links/{link.pk}/agreement")
    hers.get_by_role("button", name="Pause the tutor").click()
    his.goto("/tutor/")
    expect(his.get_by_role("heading", name="The tutor is paused")).to_be_visible()
    hers.get_by_role("button", name="Open the tutor again").click()
    his.goto("/tutor/")
    expect(his.locator("#question")).to_be_visible()
    his.goto("/family/")
    his.get_by_role("link", name="End this link").click()
    his.get_by_role("button", name="End this link").click()
    hers.goto("/family/")
    expect(hers.locator(".notices")).to_contain_text("Noor ended your link here.")
    hers.goto(f"/tutor/look/{link.pk}")
    expect(hers.get_by_role("heading", level=1)).to_contain_text("There is nothing at this address")
