"""A visitor reads the event's clock and their own, by their account, by the page's list, or by a script."""

import pytest
from django.test import Client

from events.models import Event, SignUp


def test_the_list_s_choice_is_shown_beside_the_event_s_clock(client: Client, event: Event) -> None:
    for path in ("/events/", event.get_absolute_url()):
        page = client.get(path, {"zone": "Asia/Tokyo"}).content.decode()
        assert "Los Angeles time" in page
        assert "For you: " in page
        assert "Tokyo time" in page
        assert '<option value="Asia/Tokyo" selected>' in page


def test_without_a_choice_the_page_leaves_the_words_to_a_script(client: Client, event: Event) -> None:
    page = client.get(event.get_absolute_url()).content.decode()
    assert 'class="event-clock" data-said="For you: {}"' in page
    assert "/static/js/clock.js" in page


@pytest.mark.parametrize(("sent", "kept"), [("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Olympus", ""), ("", "")])
def test_the_form_brings_the_reader_s_clock_along(client: Client, event: Event, sent: str, kept: str) -> None:
    form = {"name": "Kim", "email": "kim@example.org", "time_zone": sent}
    client.post("/events/one-evening/sign-up", form)
    assert SignUp.objects.get().time_zone == kept
