"""A reviewer practices on a phone: from the list to the end of a drill, with its times."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import Page, expect

from accounts.models import Person, Role
from safeguarding.models import Incident
from tests.browser.checks import list_overflows
from tests.browser.conftest import PHONE, follow
from tests.live import Web

pytestmark = [pytest.mark.browser]


def test_a_reviewer_practices_the_whole_path(
    page: Page,
    web: Web,
    sign_in: Callable[[Person], None],
    audit: Callable[[], None],
    make_person: Callable[..., Person],
) -> None:
    reviewer = make_person("rosa", Role.ADMIN, is_staff=True, display_name="Rosa")
    reviewer.user_permissions.add(Permission.objects.get(codename="review_incident"))
    page.set_viewport_size(PHONE)
    sign_in(reviewer)
    page.goto("/review/")
    page.get_by_text("Practice: start a drill").click()
    page.get_by_label("4: immediate danger").check()
    audit()
    follow(page.get_by_role("button", name="Start the drill", exact=True))
    expect(page.get_by_text("The drill has started.")).to_be_visible()
    follow(page.get_by_role("link", name="4: immediate danger", exact=True))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Drill")
    follow(page.get_by_role("button", name="Read the excerpt", exact=True))
    expect(page.get_by_text("DRILL. No one wrote this.")).to_be_visible()
    follow(page.get_by_role("button", name="Claim", exact=True))
    page.get_by_label("Tell my other adult").check()
    follow(page.get_by_role("button", name="Ask the teen whom to tell", exact=True))
    follow(page.get_by_role("button", name="Tell the parents", exact=True))
    expect(page.get_by_text("The teen chose their other adult. No parent may be told.")).to_be_visible()
    follow(page.get_by_role("button", name="I would call the other adult now", exact=True))
    audit()
    assert not list(list_overflows(page))
    page.get_by_label("Followed up").check()
    follow(page.get_by_role("button", name="Close it", exact=True))
    page.goto(f"/review/{Incident.objects.get().pk}")
    for step in ("First look", "Claimed", "An adult would have been told", "Closed"):
        expect(page.locator("section", has_text="Time since the message").get_by_text(step)).to_be_visible()
    assert not list(list_overflows(page))
