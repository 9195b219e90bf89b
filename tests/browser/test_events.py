"""Live events on a phone: every page by day and by night, and a whole sign-up without JavaScript."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Person
from events.archive import load_first_event
from events.models import Event, SignUp
from events.services import leave_event
from kit import rate_limits
from tests.events.conftest import come
from tests.live import Web
from tests.unit.events.test_recordings import CAPTIONS

pytestmark = [pytest.mark.browser]
EVENING = "/events/one-evening"


@pytest.fixture(autouse=True)
def _fresh_counts(web: Web) -> Iterator[None]:
    rate_limits._shared().storage.reset()
    yield
    rate_limits._shared().storage.reset()


@pytest.fixture
def event(web: Web) -> Event:
    load_first_event()
    return Event.objects.create(
        slug="one-evening",
        title="An evening about everything that a program says when nobody has asked it",
        summary="An hour about AI, in plain words.",
        description="First this.\n\nThen that, atgreatlengthwithoutanyblankinittoseewhetheritsticksoutsomewhere.",
        starts_at=timezone.now() + timedelta(days=20),
        time_zone="America/Los_Angeles",
        minutes=60,
        is_published=True,
    )


@pytest.fixture
def fits(page: Page, audit: Callable[[], None]) -> Callable[[], None]:
    """Axe finds nothing, and nothing sticks out at any width."""

    def fitting() -> None:
        audit()
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        page.set_viewport_size({"width": 390, "height": 844})

    return fitting


def take_a_place(page: Page, name: str, email: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Take a place").click()


def test_the_lists_and_both_kinds_of_event_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    for path in ("/events/", EVENING, "/events/how-to-talk-to-your-teens"):
        page.goto(path)
        fits()


def test_an_empty_list_fits(page: Page, fits: Callable[[], None]) -> None:
    page.goto("/events/")
    expect(page.get_by_text("will stand here")).to_be_visible()
    fits()


def test_a_form_with_errors_says_them_keeps_what_was_typed_and_fits(
    page: Page, event: Event, fits: Callable[[], None]
) -> None:
    page.goto(EVENING)
    take_a_place(page, "www.example.org", "kim@")
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(page).to_have_title(re.compile("^Not signed up yet"))
    expect(page.get_by_label("Email")).to_have_value("kim@")
    alert.get_by_role("link").last.click()
    expect(page.get_by_label("Email")).to_be_focused()
    fits()


def test_the_pages_after_signing_up_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    page.goto(EVENING)
    take_a_place(page, "Kim", f"kim-{'k' * 50}@a-rather-long-name-for-a-host.example.org")
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    fits()
    page.goto(f"/events/sign-up/{SignUp.objects.get().token}")
    fits()
    page.get_by_role("button", name="Yes, I want to come").click()
    expect(page.get_by_role("heading", name="A place for Kim")).to_be_visible()
    page.get_by_text("Or have us write to them").click()
    fits()
    page.get_by_role("button", name="Ask them").click()
    expect(page.get_by_role("alert")).to_be_focused()
    fits()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="You have left")).to_be_visible()
    fits()


def test_the_pages_of_whoever_waits_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    Event.objects.update(capacity=1)
    first, second = (come(Event.objects.get(pk=event.pk), name) for name in ("Lee", "Kim"))
    page.goto(EVENING)
    expect(page.get_by_role("button", name="Wait for a place")).to_be_visible()
    fits()
    page.goto(second.get_absolute_url())
    expect(page.get_by_text("You are number 1 in line")).to_be_visible()
    fits()
    leave_event(sign_up=first)
    page.reload()
    fits()
    SignUp.objects.update(offer_expires_at=timezone.now())
    page.get_by_role("button", name="Take the place").click()
    expect(page.get_by_role("button", name="Wait again")).to_be_visible()
    fits()


def test_what_is_left_afterwards_fits(page: Page, event: Event, fits: Callable[[], None]) -> None:
    sign_up = come(event)
    Event.objects.filter(pk=event.pk).update(
        starts_at=timezone.now() - timedelta(days=1),
        recording_url="https://video.example/evening.mp4",
        recording_published_at=timezone.now(),
        captions=CAPTIONS,
    )
    page.goto(EVENING)
    expect(page.get_by_role("heading", name="What was said")).to_be_visible()
    fits()
    page.get_by_label("Search in it").fill("tea")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_contain_text("was said in 1 place")
    page.goto(sign_up.get_absolute_url())
    page.get_by_role("link", name="Say what you thought").click()
    fits()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("In part").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Your answers are here.")).to_be_visible()
    fits()


def test_the_link_to_join_is_easy_to_tap(page: Page, event: Event, fits: Callable[[], None]) -> None:
    room = "https://meet.example.org/table"
    Event.objects.filter(slug="one-evening").update(join_url=room, starts_at=timezone.now())
    page.goto(come(Event.objects.get(pk=event.pk)).get_absolute_url())
    way_in = page.get_by_role("link", name="come in")
    box = way_in.bounding_box()
    assert box
    assert box["height"] >= 44
    fits()


def test_a_reader_elsewhere_sees_both_clocks(
    page: Page,
    event: Event,
    make_person: Callable[..., Person],
    sign_in: Callable[[Person], None],
    fits: Callable[[], None],
) -> None:
    sign_in(make_person("lee", display_name="Lee", email="lee@example.org", time_zone="Europe/Dublin"))
    page.goto(EVENING)
    expect(page.locator(".event-yours")).to_contain_text("Dublin time")
    expect(page.get_by_label("Your name")).to_have_value("Lee")
    fits()


def test_a_visitor_elsewhere_sees_both_clocks_without_an_account(
    browser: Browser, web: Web, event: Event
) -> None:
    elsewhere = browser.new_context(base_url=web.url, timezone_id="Asia/Tokyo")
    page = elsewhere.new_page()
    page.goto(EVENING)
    expect(page.locator(".event-yours")).to_contain_text("For you: ")
    expect(page.locator(".event-yours")).to_contain_text("GMT+9")
    take_a_place(page, "Kim", "kim@example.org")
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    assert SignUp.objects.get().time_zone == "Asia/Tokyo"
    elsewhere.close()


def test_what_is_there_for_machines_is_there_for_nobody_else(page: Page, event: Event) -> None:
    page.goto(EVENING)
    expect(page.locator("#id_topic")).to_be_hidden()
    assert page.get_by_role("textbox").count() == 2
    page.get_by_label("Your name").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Take a place")).to_be_focused()


def test_without_javascript_one_signs_up_chooses_a_clock_says_yes_and_leaves(
    browser: Browser, web: Web, event: Event
) -> None:
    plain = browser.new_context(
        base_url=web.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = plain.new_page()
    page.goto("/events/")
    page.get_by_role("link", name=event.title).click()
    page.get_by_role("link", name="Take a place").click()
    page.get_by_label("Show times by the clock of").select_option(label="Tokyo")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("For you:")).to_be_visible()
    take_a_place(page, "Kim", "kim@example.org")
    expect(page.get_by_text("kim@example.org")).to_be_visible()
    page.get_by_role("link", name="Read the mail here").click()
    page.get_by_role("link", name=re.compile("Confirm your place")).first.click()
    expect(page.get_by_text("Hello Kim,")).to_be_visible()
    page.locator("a[href*='/events/sign-up/']").click()
    page.get_by_role("button", name="Yes, I want to come").click()
    expect(page.get_by_role("heading", name="A place for Kim")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the date in my calendar").click()
    assert download.value.suggested_filename == "one-evening.ics"
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_text("A last mail takes the event out of your calendar")).to_be_visible()
    assert not SignUp.objects.exists()
    plain.close()
