"""A reviewer on a phone: from the list to the end of an incident, by keyboard, and without scripts."""

from collections.abc import Callable
from datetime import time
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import Person, Role
from families.models import Link, Notice
from safeguarding.models import Incident, IncidentMessage, OnCallShift
from safeguarding.reviewing import list_looks
from tests.browser.checks import list_overflows
from tests.browser.conftest import PHONE, follow
from tests.live import Web

pytestmark = [pytest.mark.browser]
SignIn = Callable[[Person], None]
WORDS = "I want to kill myself"


@pytest.fixture
def reviewer(web: Web, make_person: Callable[..., Person]) -> Person:
    person = make_person("rosa", Role.ADMIN, is_staff=True, display_name="Rosa")
    person.user_permissions.add(Permission.objects.get(codename="review_incident"))
    OnCallShift.objects.create(reviewer=person, weekday=0, starts=time(9), ends=time(17), time_zone="UTC")
    return person


def create_incident(teen: Person | None, level: str = "4") -> Incident:
    incident = Incident.objects.create(teen=teen, level=level, protocol="2026.11.9 3f2a9c1b")
    IncidentMessage.objects.create(
        incident=incident, turn_id=uuid4(), level=level, excerpt=WORDS, guard_version="2026.11.9"
    )
    return incident


@pytest.fixture
def incident(reviewer: Person, teen: Person) -> Incident:
    return create_incident(teen)


def press(button: Locator) -> None:
    """Press a button from the keyboard, and wait for the page that it opens."""
    button.focus()
    with button.page.expect_navigation():
        button.page.keyboard.press("Enter")


def test_a_reviewer_sees_an_incident_through(
    page: Page,
    sign_in: SignIn,
    audit: Callable[[], None],
    reviewer: Person,
    incident: Incident,
    teen: Person,
    parent: Person,
) -> None:
    Link.objects.create(parent=parent, teen=teen)
    sign_in(reviewer)
    page.goto("/review/")
    audit()
    follow(page.get_by_role("link", name="4: immediate danger"))
    expect(page.get_by_text(WORDS)).to_have_count(0)
    audit()
    press(page.get_by_role("button", name="Read the excerpt"))
    expect(page.locator(".review-words")).to_be_focused()
    expect(page.get_by_text(WORDS)).to_be_visible()
    assert len(list_looks(teen)) == 1
    audit()
    press(page.get_by_role("button", name="Claim"))
    expect(page.get_by_text("You have claimed it.")).to_be_visible()
    page.get_by_text("Tell the parents").first.click()
    press(page.get_by_role("button", name="Tell the parents"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_text("Say why. The teen reads your reason.")).to_be_visible()
    audit()
    page.get_by_label("If there’s no time to ask the teen, say why").fill("It is happening now.")
    press(page.get_by_role("button", name="Tell the parents"))
    expect(page.get_by_text("The parents were told.")).to_be_visible()
    assert "serious risk" in Notice.objects.get(person=parent).text
    page.get_by_label("Followed up").check()
    press(page.get_by_role("button", name="Close it"))
    expect(page.get_by_text("It is closed.")).to_be_visible()
    expect(page.get_by_text("There are none.")).to_be_visible()


def test_the_list_updates_itself_announces_and_leaves_the_focus(
    page: Page, sign_in: SignIn, incident: Incident, reviewer: Person, stranger: Person
) -> None:
    sign_in(reviewer)
    page.clock.install()
    page.goto("/review/")
    first = page.locator(f"#incident-{incident.pk} a")
    first.focus()
    status = page.locator("#review_news")
    page.clock.fast_forward(10_500)
    expect(status).to_be_empty()
    new = create_incident(stranger)
    page.clock.fast_forward(10_500)
    expect(page.locator(f"#incident-{new.pk}")).to_be_visible()
    expect(status).to_contain_text("1 new incident, opened at")
    assert status.get_attribute("role") == "status"
    expect(first).to_be_focused()


def test_the_state_updates_itself_and_leaves_what_is_being_written(
    page: Page, sign_in: SignIn, incident: Incident, reviewer: Person
) -> None:
    Incident.objects.update(claimed_by=reviewer, claimed_at=incident.opened_at)
    sign_in(reviewer)
    page.clock.install()
    page.goto(f"/review/{incident.pk}")
    page.get_by_text("History and versions").click()
    page.locator("#act-note").fill("Half a no")
    Incident.objects.update(alerts_frozen_at=incident.opened_at)
    page.clock.fast_forward(10_500)
    expect(page.locator("#review_state")).to_contain_text("No parent may be told")
    expect(page.locator("#act-note")).to_be_focused()
    expect(page.locator("#act-note")).to_have_value("Half a no")
    expect(page.locator("#review_history")).to_have_attribute("open", "")


def test_an_open_page_says_when_only_the_responsible_person_may_go_on(
    page: Page, sign_in: SignIn, audit: Callable[[], None], incident: Incident, reviewer: Person
) -> None:
    Incident.objects.update(claimed_by=reviewer, claimed_at=incident.opened_at)
    sign_in(reviewer)
    page.clock.install()
    page.goto(f"/review/{incident.pk}")
    Incident.objects.update(level="S", claimed_by=None, claimed_at=None)
    page.clock.fast_forward(10_500)
    trouble = page.locator("#review_trouble")
    expect(trouble).to_contain_text("Only the responsible person and the deputies may open this")
    page.goto("/review/")
    expect(page.locator("#review_queue")).to_contain_text("S: not safe at home, or exploited")
    expect(page.get_by_role("link", name="S: not safe at home, or exploited")).to_have_count(0)
    audit()
    page.goto(f"/review/{incident.pk}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("S: not safe at home")
    audit()
    assert not list(list_overflows(page))


def test_it_works_without_scripts(
    browser: Browser, web: Web, reviewer: Person, incident: Incident, teen: Person
) -> None:
    context = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("#id_username").fill(reviewer.username)
    page.locator("#id_password").fill("a-long-password")
    follow(page.locator(".sign-in-form").get_by_role("button"))
    page.goto("/review/")
    follow(page.get_by_role("link", name="4: immediate danger"))
    follow(page.get_by_role("button", name="Claim"))
    follow(page.get_by_role("button", name="Read the excerpt"))
    expect(page.get_by_text(WORDS)).to_be_visible()
    page.get_by_text("Read the context").click()
    page.get_by_label("Why do you need to read more?").fill("Is it about tonight?")
    follow(page.get_by_role("button", name="Read the questions before and after"))
    expect(page.get_by_text("There is nothing left")).to_be_visible()
    assert len(list_looks(teen)) == 2
    context.close()


@pytest.mark.parametrize("path", ["/review/", "/review/on-call"])
def test_nothing_overflows(
    path: str, page: Page, sign_in: SignIn, reviewer: Person, incident: Incident
) -> None:
    reviewer.display_name = "A-very-long-name-without-a-single-place-to-break-it-anywhere"
    reviewer.save()
    Incident.objects.update(claimed_by=reviewer, claimed_at=incident.opened_at)
    sign_in(reviewer)
    for address in (path, f"/review/{incident.pk}"):
        page.goto(address)
        assert not list(list_overflows(page)), address


@pytest.mark.parametrize("path", ["/review/on-call", "/review/settings", "/admin/"])
def test_the_other_pages_pass_axe(
    path: str, page: Page, sign_in: SignIn, audit: Callable[[], None], reviewer: Person, admin_person: Person
) -> None:
    sign_in(admin_person)
    page.goto(path)
    audit()
    assert not list(list_overflows(page))
