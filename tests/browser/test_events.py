"""Live events on a phone: every page in light and dark mode, and a sign-up without JavaScript."""

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
from tests.browser.conftest import follow
from tests.events.conftest import sign_up_and_confirm
from tests.live import Web
from tests.unit.events.test_recordings import CAPTIONS

pytestmark = [pytest.mark.browser]
EVENING = "/events/one-evening"


@pytest.fixture(autouse=True)
def _fresh_counts(web: Web) -> Iterator[None]:
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


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
    """Axe finds no problems, and nothing overflows at any width."""

    def fitting() -> None:
        audit()
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        page.set_viewport_size({"width": 390, "height": 844})

    return fitting


def sign_up_for_event(page: Page, name: str, email: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Save my spot").click()


def test_the_lists_and_both_kinds_of_event_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    for path in ("/events/", EVENING, "/events/how-to-talk-to-your-teens"):
        page.goto(path)
        fits()


def test_an_empty_list_fits(page: Page, fits: Callable[[], None]) -> None:
    page.goto("/events/")
    expect(page.get_by_text("The next one will appear here")).to_be_visible()
    fits()


def test_a_form_with_errors_says_them_keeps_what_was_typed_and_fits(
    page: Page, event: Event, fits: Callable[[], None]
) -> None:
    page.goto(EVENING)
    sign_up_for_event(page, "www.example.org", "kim@")
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(page).to_have_title(re.compile("^Not signed up yet"))
    expect(page.get_by_label("Email")).to_have_value("kim@")
    alert.get_by_role("link").last.click()
    expect(page.get_by_label("Email")).to_be_focused()
    fits()


def test_the_pages_after_signing_up_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    page.goto(EVENING)
    sign_up_for_event(page, "Kim", f"kim-{'k' * 50}@a-rather-long-name-for-a-host.example.org")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    fits()
    page.goto(f"/events/sign-up/{SignUp.objects.get().token}")
    fits()
    page.get_by_role("button", name="Yes, I want to come").click()
    expect(page.get_by_role("heading", name="Kim, you have a spot")).to_be_visible()
    page.get_by_text("Or we can email them").click()
    expect(page.get_by_role("button", name="Send the invitation")).to_be_visible()
    fits()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("alert")).to_be_focused()
    fits()
    page.get_by_role("button", name="Cancel my sign-up").click()
    expect(page.get_by_role("heading", name="You’re no longer signed up")).to_be_visible()
    fits()


def test_the_waitlist_pages_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    Event.objects.update(capacity=1)
    first, second = (sign_up_and_confirm(Event.objects.get(pk=event.pk), name) for name in ("Lee", "Kim"))
    page.goto(EVENING)
    expect(page.get_by_role("button", name="Join the waitlist")).to_be_visible()
    fits()
    page.goto(second.get_absolute_url())
    expect(page.get_by_text("You’re number 1 on the waitlist")).to_be_visible()
    fits()
    leave_event(sign_up=first)
    page.reload()
    fits()
    SignUp.objects.update(offer_expires_at=timezone.now())
    page.get_by_role("button", name="Accept the spot").click()
    expect(page.get_by_role("button", name="Join the waitlist again")).to_be_visible()
    fits()


def test_the_pages_after_the_event_fit(page: Page, event: Event, fits: Callable[[], None]) -> None:
    sign_up = sign_up_and_confirm(event)
    Event.objects.filter(pk=event.pk).update(
        starts_at=timezone.now() - timedelta(days=1),
        recording_url="https://video.example/evening.mp4",
        recording_published_at=timezone.now(),
        captions=CAPTIONS,
    )
    page.goto(EVENING)
    expect(page.get_by_role("heading", name="Transcript")).to_be_visible()
    fits()
    page.get_by_label("Search the transcript").fill("tea")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_contain_text("appears in 1 caption")
    page.goto(sign_up.get_absolute_url())
    follow(page.get_by_role("link", name="Tell us what you thought"))
    fits()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Partly").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thanks, we got your answers.")).to_be_visible()
    fits()


def test_the_link_to_join_is_easy_to_tap(page: Page, event: Event, fits: Callable[[], None]) -> None:
    room = "https://meet.example.org/table"
    Event.objects.filter(slug="one-evening").update(join_url=room, starts_at=timezone.now())
    page.goto(sign_up_and_confirm(Event.objects.get(pk=event.pk)).get_absolute_url())
    way_in = page.get_by_role("link", name="join now")
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
    sign_up_for_event(page, "Kim", "kim@example.org")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    assert SignUp.objects.get().time_zone == "Asia/Tokyo"
    elsewhere.close()


def test_the_honeypot_is_hidden_from_people(page: Page, event: Event) -> None:
    page.goto(EVENING)
    expect(page.locator("#id_topic")).to_be_hidden()
    assert page.get_by_role("textbox").count() == 2
    page.get_by_label("Your name").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save my spot")).to_be_focused()


def test_signing_up_confirming_and_leaving_work_without_javascript(
    browser: Browser, web: Web, event: Event
) -> None:
    plain = browser.new_context(
        base_url=web.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = plain.new_page()
    page.goto("/events/")
    page.get_by_role("link", name=event.title).click()
    page.get_by_role("link", name="Save my spot").click()
    page.get_by_label("Show times in").select_option(label="Tokyo")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("For you:")).to_be_visible()
    sign_up_for_event(page, "Kim", "kim@example.org")
    expect(page.get_by_text("kim@example.org")).to_be_visible()
    page.get_by_role("link", name="Open the outbox").click()
    page.get_by_role("link", name=re.compile("Confirm your spot")).first.click()
    expect(page.get_by_text("Hello Kim,")).to_be_visible()
    page.locator("a[href*='/events/sign-up/']").click()
    page.get_by_role("button", name="Yes, I want to come").click()
    expect(page.get_by_role("heading", name="Kim, you have a spot")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Add to my calendar").click()
    assert download.value.suggested_filename == "one-evening.ics"
    page.get_by_role("button", name="Cancel my sign-up").click()
    expect(page.get_by_text("One last email removes the event from your calendar")).to_be_visible()
    assert not SignUp.objects.exists()
    plain.close()
