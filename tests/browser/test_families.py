"""A family on phones, from the invitation to the first question and to the end of the link."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import Person
from families.family_deletion import carry_out_family_deletions
from families.links import end_links_at_18
from families.models import Consent, Link, Residence
from tests.browser.conftest import PHONE, follow
from tests.families.conftest import agree
from tests.library import fill_library
from tests.live import Web, Worker

pytestmark = [pytest.mark.browser]


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def open_phone(browser: Browser, web: Web) -> Iterator[Callable[[Person], Page]]:
    """A phone with scripts off: everything here works with forms and links."""
    opened: list[BrowserContext] = []

    def phone(person: Person, *, scripts: bool = False) -> Page:
        context = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=scripts)
        opened.append(context)
        page = context.new_page()
        page.goto("/sign-in")
        page.locator("#id_username").fill(person.username)
        page.locator("#id_password").fill("a-long-password")
        follow(page.locator(".sign-in-form").get_by_role("button"))
        return page

    yield phone
    for context in opened:
        context.close()


PAGES = ["/family/", "/family/consent", "/family/parent-views", "/family/trusted-adult"]
LINK_PAGES = [
    "/family/links/{}/agreement",
    "/family/links/{}/end",
    "/family/links/{}/consent",
    "/family/links/{}/password",
    "/family/data",
    "/tutor/parent-view/{}",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_teens_pages_pass_axe(
    path: str, link: Link, page: Page, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    sign_in(link.teen)
    require_accessible_page(page, path, audit)


@pytest.mark.parametrize("path", ["/family/", *LINK_PAGES])
def test_a_parents_pages_pass_axe(
    path: str, link: Link, page: Page, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    sign_in(link.parent)
    require_accessible_page(page, path.format(link.pk), audit)


def require_accessible_page(page: Page, path: str, audit: Callable[[], None]) -> None:
    page.goto(path)
    audit()
    assert page.locator("script:not([src*='js/zone'])").count() == 0
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_invalid_agreement_and_a_closed_tutor_pass_axe(
    link: Link, page: Page, sign_in: Callable[[Person], None], audit: Callable[[], None]
) -> None:
    sign_in(link.teen)
    page.goto(f"/family/links/{link.pk}/agreement")
    page.locator("#answers_per_day").fill("a lot")
    page.get_by_role("button", name="Ask for this").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing has changed yet")
    audit()
    Consent.objects.all().delete()
    page.goto("/tutor/")
    expect(page.get_by_role("heading", name="The tutor opens when someone gives consent")).to_be_visible()
    audit()


def test_invite_accept_consent_agree_and_ask(
    parent: Person, teen: Person, worker: Worker, open_phone: Callable[..., Page]
) -> None:
    fill_library()
    Consent.objects.all().delete()
    Residence.objects.all().delete()
    hers, his = open_phone(parent), open_phone(teen, scripts=True)

    hers.get_by_role("link", name="Your account").click()
    hers.get_by_role("link", name="Your family").click()
    hers.get_by_role("button", name="Create an invitation").click()
    address = hers.locator(".invitations code").inner_text()
    his.goto(address)
    follow(his.get_by_role("button", name="Yes, link us"))

    hers.goto("/family/")
    expect(hers.locator(".notices")).to_contain_text("Noor said yes. You’re linked now.")
    hers.get_by_role("link", name="Consent", exact=True).click()
    hers.get_by_label("Where does Noor live?").select_option("United States")
    hers.get_by_role("button", name="I have read this, and I agree").click()
    expect(hers.get_by_text("You agreed that Noor may use the tutor.").first).to_be_visible()

    hers.locator("#answers_per_day").fill("20")
    hers.get_by_role("button", name="Ask for this").click()
    expect(hers.get_by_role("heading", name="You asked for this")).to_be_visible()
    his.goto("/family/")
    his.get_by_role("link", name="Read and answer").click()
    his.get_by_role("button", name="Yes, I agree").click()
    expect(his.locator(".facts").first).to_contain_text("20 short answers")

    his.goto("/tutor/")
    his.locator("#question").fill("Why does AI make things up?")
    his.locator("#composer-button").click()
    expect(his.locator(".turn")).to_be_visible()
    expect(his.locator(".answer-foot")).to_be_visible(timeout=60_000)

    hers.goto("/family/")
    hers.get_by_role("link", name="Open the parent view").click()
    expect(hers.get_by_role("cell", name="The good and the bad of AI")).to_be_visible()
    expect(hers.locator("main")).not_to_contain_text("make things up")
    his.goto("/family/parent-views")
    expect(his.locator(".notices li")).to_have_count(1)


def test_a_teen_keeps_questions_local_and_both_agree_to_end_it(
    link: Link, open_phone: Callable[..., Page]
) -> None:
    box, path = "Keep questions on this site’s own computers", f"/family/links/{link.pk}/agreement"
    hers, his = open_phone(link.parent), open_phone(link.teen)
    his.goto(path)
    his.get_by_label(box).check()
    his.get_by_role("button", name="Ask for this").click()
    expect(his.locator(".facts")).to_contain_text("Only to models on this site’s own computers")
    hers.goto(path)
    expect(hers.get_by_label(box)).to_be_checked()
    hers.get_by_label(box).uncheck()
    hers.get_by_role("button", name="Ask for this").click()
    expect(hers.locator(".facts").first).to_contain_text("Only to models on this site’s own computers")
    his.goto(path)
    his.get_by_role("button", name="Yes, I agree").click()
    expect(his.locator(".facts")).to_contain_text("To any model this site uses")


def test_pause_and_end_the_link(link: Link, open_phone: Callable[..., Page]) -> None:
    hers, his = open_phone(link.parent), open_phone(link.teen)
    hers.goto(f"/family/links/{link.pk}/agreement")
    follow(hers.get_by_role("button", name="Pause the tutor"))
    his.goto("/tutor/")
    expect(his.get_by_role("heading", name="The tutor is paused")).to_be_visible()
    follow(hers.get_by_role("button", name="Open the tutor again"))
    his.goto("/tutor/")
    expect(his.locator("#question")).to_be_visible()
    his.goto("/family/")
    his.get_by_role("link", name="End this link").click()
    follow(his.get_by_role("button", name="End this link"))
    hers.goto("/family/")
    expect(hers.locator(".notices")).to_contain_text("Noor ended your link.")
    hers.goto(f"/tutor/parent-view/{link.pk}")
    expect(hers.get_by_role("heading", level=1)).to_contain_text("We can’t find that page")


def test_the_link_ends_at_18(link: Link, open_phone: Callable[..., Page]) -> None:
    """The link ends in the month of the 18th birthday, and both are notified."""
    Consent.objects.all().delete()
    agree(teen=link.teen, by=link.parent)
    today = timezone.localdate()
    link.teen.born = date(today.year - 18, today.month, 1)
    link.teen.save(update_fields=["born"])
    hers, his = open_phone(link.parent), open_phone(link.teen)
    end_links_at_18()
    for phone in (hers, his):
        phone.goto("/family/")
        expect(phone.locator(".notices")).to_contain_text("At 18, people decide for themselves.")
        expect(phone.locator(".family-member")).to_have_count(0)
    his.goto("/family/consent")
    follow(his.get_by_role("button", name="I have read this, and I agree"))
    his.goto("/tutor/")
    expect(his.locator("#question")).to_be_visible()


def test_a_parent_helps_with_a_password(
    link: Link,
    browser: Browser,
    web: Web,
    open_phone: Callable[..., Page],
    audit: Callable[[], None],
    page: Page,
) -> None:
    hers = open_phone(link.parent)
    page.goto("/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    follow(page.get_by_role("link", name="A parent who is linked to you can help"))
    audit()
    page.get_by_label("Your username").fill("noor")
    follow(page.get_by_role("button", name="Get a code"))
    audit()
    code = page.locator(".pairing-code").inner_text()
    hers.goto("/family/")
    hers.get_by_role("link", name="Help with a forgotten password").click()
    hers.get_by_label("The code on their screen").fill(code)
    hers.get_by_role("button", name="Yes, it’s them").click()
    expect(hers.get_by_text("Noor can choose a new password now")).to_be_visible()
    follow(page.get_by_role("link", name="They typed the code"))
    audit()
    page.get_by_label("New password").fill("walnut trees whistle")
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_text("Your new password is set. Sign in with it.")).to_be_visible()
    page.locator("#id_username").fill("noor")
    page.locator("#id_password").fill("walnut trees whistle")
    follow(page.locator(".sign-in-form").get_by_role("button"))
    page.goto("/family/closed")
    audit()
    page.get_by_label("Your old password").fill("a-long-password")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("What you wrote before is unlocked.")).to_be_visible()


def test_a_family_downloads_its_data_and_is_deleted(link: Link, open_phone: Callable[..., Page]) -> None:
    hers, his = open_phone(link.parent, scripts=True), open_phone(link.teen)
    hers.goto("/family/")
    hers.get_by_role("link", name="Your family’s data").click()
    with hers.expect_download() as copied:
        hers.get_by_role("button", name="Download the family’s data").click()
    assert copied.value.suggested_filename.startswith("kitchen-table-family-")
    hers.get_by_label("Your password").fill("a-long-password")
    hers.get_by_role("button", name="Delete the family’s accounts").click()
    expect(hers.get_by_role("button", name="Keep everything")).to_be_visible()
    his.goto("/family/")
    expect(his.get_by_role("heading", name="asked to delete the family’s accounts")).to_be_visible()
    carry_out_family_deletions(now=timezone.now() + timedelta(days=8))
    his.goto("/account/")
    expect(his.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert not Person.objects.exists()


def test_a_teen_deletes_their_account(link: Link, open_phone: Callable[..., Page]) -> None:
    hers, his = open_phone(link.parent), open_phone(link.teen)
    his.goto("/account/data")
    his.locator("#id_proof").fill("a-long-password")
    his.get_by_role("button", name="Delete everything now").click()
    expect(his.get_by_role("heading", level=1)).to_be_visible()
    hers.goto("/family/")
    expect(hers.locator(".notices")).to_contain_text("An account you were linked to was deleted")
