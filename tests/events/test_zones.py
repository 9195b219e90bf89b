"""Visitors see times in the event's zone and their own: from their account, the page's list or a script."""

import pytest
from django.test import Client

from events.models import Event, SignUp


def test_the_chosen_zone_is_shown_beside_the_events_own(client: Client, event: Event) -> None:
    for path in ("/events/", event.get_absolute_url()):
        page = client.get(path, {"zone": "Asia/Tokyo"}).content.decode()
        assert "Los Angeles time" in page
        assert "For you: " in page
        assert "Tokyo time" in page
        assert '<option value="Asia/Tokyo" selected>' in page


def test_without_a_choice_a_script_adds_the_visitors_time(client: Client, event: Event) -> None:
    page = client.get(event.get_absolute_url()).content.decode()
    assert 'class="event-clock" data-template="For you: {}"' in page
    assert "/static/js/clock.js" in page


@pytest.mark.parametrize(("sent", "kept"), [("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Olympus", ""), ("", "")])
def test_the_form_sends_the_visitors_time_zone(client: Client, event: Event, sent: str, kept: str) -> None:
    form = {"name": "Kim", "email": "kim@example.org", "time_zone": sent}
    client.post("/events/one-evening/sign-up", form)
    assert SignUp.objects.get().time_zone == kept
