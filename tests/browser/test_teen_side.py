"""A crisis from the teen's side: the quick exit, help lines without internet, and who has looked."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from accounts.models import Person, Role
from families.models import Link
from guard import Level
from safeguarding.alerting import ask_teen
from safeguarding.models import Incident
from safeguarding.reviewing import claim_incident, look_at_excerpts
from tests.browser.checks import list_overflows
from tests.browser.conftest import PHONE, follow
from tests.live import Web, wait_until
from tests.safeguarding import teen_side

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
OTHER_SITE = "https://www.wikipedia.org/"
LESSONS = re.compile("/learn/$")


def answer_for_other_site(route: Route) -> None:
    route.fulfill(body="<title>Elsewhere</title><h1>Elsewhere</h1>", content_type="text/html")


def sign_in_to(context: BrowserContext, web: Web, person: Person) -> None:
    client = Client()
    client.force_login(person)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": web.url}])


@pytest.fixture(params=["cache", "no cache"])
def phone(
    request: pytest.FixtureRequest, browser: Browser, browser_with_cache: Browser, web: Web, teen: Person
) -> Iterator[Page]:
    """A signed-in phone, with and without the back-forward cache."""
    chosen = browser_with_cache if request.param == "cache" else browser
    context = chosen.new_context(base_url=web.url, viewport=PHONE, service_workers="block")
    context.set_default_timeout(15_000)
    context.route(f"{OTHER_SITE}**", answer_for_other_site)
    sign_in_to(context, web, teen)
    yield context.new_page()
    context.close()


@pytest.fixture
def card(teen: Person) -> str:
    """The address of a conversation with a card about an unsafe home."""
    return f"/tutor/{teen_side.create_card(teen, Level.UNSAFE_HOME).conversation_id}"


def leave(page: Page) -> None:
    page.get_by_role("link", name="Leave this page quickly").click()
    page.wait_for_url(OTHER_SITE)


class TestTheQuickExit:
    def test_back_forward_and_reload_show_lessons_until_the_teen_is_back(
        self, phone: Page, card: str
    ) -> None:
        phone.goto("/")
        phone.goto("/tutor/")
        phone.goto(card)
        leave(phone)
        phone.go_back(wait_until="commit")
        phone.wait_for_url(LESSONS)
        expect(phone.get_by_role("heading", level=1)).to_be_visible()
        phone.reload()
        phone.wait_for_url(LESSONS)
        phone.goto(card)
        phone.wait_for_url(LESSONS)
        phone.get_by_role("button", name="I’m back").click()
        phone.wait_for_url(re.compile("/tutor/$"))
        phone.goto(card)
        expect(phone.locator(".card-crisis")).to_be_visible()
        expect(phone.get_by_role("button", name="I’m back")).to_have_count(0)

    def test_the_page_itself_is_not_in_the_history(self, phone: Page, card: str) -> None:
        phone.goto("/about")
        phone.goto(card)
        leave(phone)
        phone.go_back(wait_until="commit")
        phone.wait_for_url("**/about")
        phone.go_forward(wait_until="commit")
        phone.wait_for_url(OTHER_SITE)

    def test_nothing_of_the_page_is_seen_while_the_other_site_loads(self, phone: Page, card: str) -> None:
        phone.goto(card)
        phone.context.unroute(f"{OTHER_SITE}**")
        # Cancelled, as if the other site never answered: the page stays.
        phone.context.route(f"{OTHER_SITE}**", lambda route: route.abort("aborted"))
        with phone.expect_event("requestfailed"):
            phone.get_by_role("link", name="Leave this page quickly").click(no_wait_after=True)
        expect(phone.locator("html")).to_be_hidden()
        assert phone.title() == "www.wikipedia.org"

    def test_another_tab_leaves_too_when_it_is_looked_at(self, phone: Page, card: str) -> None:
        other = phone.context.new_page()
        other.goto(card)
        phone.goto(card)
        leave(phone)
        other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        other.wait_for_url(LESSONS)

    def test_the_keyboard_leaves_as_well(self, phone: Page, card: str) -> None:
        phone.goto(card)
        phone.get_by_role("link", name="Leave this page quickly").focus()
        phone.keyboard.press("Enter")
        phone.wait_for_url(OTHER_SITE)

    def test_without_javascript_it_is_a_link_and_back_shows_lessons(
        self, browser: Browser, web: Web, teen: Person, card: str
    ) -> None:
        context = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
        sign_in_to(context, web, teen)
        page = context.new_page()
        page.goto(card)
        # Playwright cannot answer for the other site after a redirect, and there may be no internet.
        with page.expect_request(OTHER_SITE):
            page.get_by_role("link", name="Leave this page quickly").click(no_wait_after=True)
        page.wait_for_timeout(1_000)
        page.go_back(wait_until="commit")
        page.wait_for_url(LESSONS)
        context.close()


@pytest.fixture
def device(browser: Browser, web: Web) -> Iterator[BrowserContext]:
    """A browser that may keep an offline copy."""
    context = browser.new_context(base_url=web.url, viewport=PHONE, service_workers="allow")
    context.set_default_timeout(15_000)
    yield context
    context.close()


def keep_copy(page: Page) -> None:
    page.goto("/help/now")
    page.evaluate(
        "new Promise((resolve) => navigator.serviceWorker.controller ? resolve() "
        ": navigator.serviceWorker.addEventListener('controllerchange', () => resolve()))"
    )


def go_offline(page: Page) -> None:
    # Browsers also keep /help/now for some minutes, like any public page.
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.context.set_offline(True)


def open_offline(page: Page, path: str) -> Locator:
    page.goto(path)
    notice = page.get_by_text("These numbers work without internet.")
    expect(notice).to_be_visible()
    return notice


class TestWithoutInternet:
    def test_the_help_lines_open_and_can_be_called(
        self, device: BrowserContext, audit_page: Callable[[Page], None]
    ) -> None:
        page = device.new_page()
        keep_copy(page)
        go_offline(page)
        open_offline(page, "/help/now")
        expect(page.locator('a[href="tel:988"]').first).to_be_visible()
        # The style sheets and fonts come from the copy.
        assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('1em Besley'))")
        assert page.evaluate("getComputedStyle(document.querySelector('.button')).minBlockSize") != "auto"
        audit_page(page)
        assert not list(list_overflows(page))

    def test_they_stand_in_for_any_page_that_cannot_be_loaded(self, device: BrowserContext) -> None:
        page = device.new_page()
        keep_copy(page)
        go_offline(page)
        open_offline(page, "/learn/")
        device.set_offline(False)
        follow(page.get_by_role("link", name="Try again"))
        expect(page.get_by_role("navigation", name="Site")).to_be_visible()

    def test_the_other_language_is_a_press_away(self, device: BrowserContext) -> None:
        page = device.new_page()
        keep_copy(page)
        go_offline(page)
        open_offline(page, "/help/now")
        page.get_by_role("link", name="Español").click()
        expect(page.locator("html")).to_have_attribute("lang", "es")
        expect(page.locator('a[href="tel:988"]').first).to_be_visible()

    def test_nothing_personal_is_kept(
        self, device: BrowserContext, web: Web, teen: Person, card: str
    ) -> None:
        sign_in_to(device, web, teen)
        page = device.new_page()
        keep_copy(page)
        for path in (card, "/tutor/", "/family/", "/help/mine"):
            page.goto(path)
        kept = page.evaluate(
            "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)"
            ".then((cache) => cache.keys()))))"
            ".then((lists) => lists.flat().map((request) => new URL(request.url).pathname))"
        )
        assert {path for path in kept if not path.startswith("/static/")} == {
            "/help/offline/en",
            "/help/offline/es",
        }
        assert all(re.search(r"\.(css|woff2)$", path) for path in kept if path.startswith("/static/"))
        go_offline(page)
        open_offline(page, card)

    def test_a_form_is_sent_as_ever(self, device: BrowserContext, web: Web, teen: Person) -> None:
        sign_in_to(device, web, teen)
        page = device.new_page()
        keep_copy(page)
        page.goto("/account/")
        follow(page.get_by_role("button", name="Save"))
        expect(page).to_have_url(re.compile("/account/$"))

    def test_a_person_can_remove_the_copy_for_good(self, device: BrowserContext) -> None:
        page = device.new_page()
        keep_copy(page)
        page.get_by_role("button", name="Remove the copy").click()
        expect(page.get_by_text("The copy is removed, and this device keeps no new one.")).to_be_visible()
        assert page.evaluate("caches.keys()") == []
        page.goto("/help/now")
        page.wait_for_timeout(500)
        assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
        expect(page.get_by_role("button", name="Remove the copy")).to_be_hidden()


@pytest.fixture
def reviewer(make_person: Callable[..., Person]) -> Person:
    return teen_side.make_reviewer(make_person("rosa", Role.ADMIN, display_name="Rosa"))


@pytest.fixture
def reviewed(web: Web, teen: Person, reviewer: Person, page: Page, sign_in: SignIn) -> Person:
    """A signed-in teen of a site where people review crises, once the site's process knows of it."""
    teen_side.switch_on(reviewer)
    teen_side.agree_to_review(teen)
    sign_in(teen)
    wait_until(lambda: "/help/mine" in page.request.get("/family/").text(), what="the site to know of review")
    return teen


@pytest.fixture
def asked(reviewed: Person, reviewer: Person, parent: Person) -> Incident:
    Link.objects.create(parent=parent, teen=reviewed)
    incident, _turn = teen_side.open_incident(reviewed)
    look_at_excerpts(incident_id=incident.pk, by=reviewer)
    claim_incident(incident_id=incident.pk, by=reviewer)
    return ask_teen(incident_id=incident.pk, by=reviewer)


class TestWhoLooked:
    @pytest.mark.parametrize("level", [Level.STATED, Level.ACUTE, Level.UNSAFE_HOME])
    def test_the_card_leads_to_the_teens_own_page(
        self, level: Level, reviewed: Person, page: Page, audit: Callable[[], None]
    ) -> None:
        _incident, turn = teen_side.open_incident(reviewed, level)
        page.goto(f"/tutor/{turn.conversation_id}")
        readers = "Only the person responsible for safety at" if level == Level.UNSAFE_HOME else "A person at"
        expect(page.locator(".card-crisis")).to_contain_text(f"{readers} {teen_side.ORGANIZATION}")
        audit()
        assert not list(list_overflows(page))
        page.get_by_role("link", name="What happens now, and who has looked").click()
        expect(page.get_by_role("heading", name="After a help card")).to_be_visible()
        audit()
        assert not list(list_overflows(page))

    def test_the_question_is_answered_on_the_tutors_page_by_keyboard(
        self, asked: Incident, page: Page, audit: Callable[[], None]
    ) -> None:
        page.goto("/tutor/")
        question = page.get_by_role("region", name="We would like to tell an adult")
        expect(question).to_be_visible()
        audit()
        assert not list(list_overflows(page))
        page.set_viewport_size(PHONE)
        page.get_by_role("group", name="Whom should we tell?").get_by_role("button").first.focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Home isn’t safe")).to_be_focused()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"/help/mine#incident-{asked.pk}"))
        expect(page.get_by_role("status")).to_contain_text("No parent will be told.")
        expect(page.get_by_role("heading", name="People who help when home isn’t safe")).to_be_visible()
        audit()
        assert not list(list_overflows(page))

    def test_without_javascript_the_question_is_a_plain_form(
        self, asked: Incident, browser: Browser, web: Web, reviewed: Person
    ) -> None:
        plain = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
        sign_in_to(plain, web, reviewed)
        page = plain.new_page()
        page.goto("/help/mine")
        expect(page.get_by_text("Rosa read a short part of what you wrote.")).to_be_visible()
        follow(page.get_by_role("button", name="My parent"))
        expect(page.get_by_text("A parent may be told now, without your words.")).to_be_visible()
        plain.close()

    def test_the_check_in_says_it_before_its_answers(
        self, reviewed: Person, page: Page, audit: Callable[[], None]
    ) -> None:
        turn = teen_side.create_check_in(reviewed)
        page.goto(f"/tutor/{turn.conversation_id}")
        expect(
            page.get_by_role("group", name=re.compile("thinking about killing"))
        ).to_have_accessible_description(
            re.compile(f"If you answer “Yes”, a person at {teen_side.ORGANIZATION}")
        )
        audit()
        assert not list(list_overflows(page))
