"""Fetch and authorize what a URL names, or raise 404. All event views use these functions."""

from django.http import HttpResponse

from events.guests import get_host
from events.models import Event, SignUp
from events.selectors import get_event, get_sign_up
from kit.not_found import raise_404_on


def get_event_or_404(slug: str) -> Event:
    """Return a published event. An unpublished one is a 404 too, so a URL does not reveal it."""
    with raise_404_on(Event.DoesNotExist):
        return get_event(slug)


def get_sign_up_or_404(token: str) -> SignUp:
    """Return the sign-up of a personal link, or raise 404. The token is the permission."""
    with raise_404_on(SignUp.DoesNotExist):
        return get_sign_up(token)


def get_host_or_404(key: str, event: Event) -> SignUp:
    """Return the host of a guest link, or raise 404."""
    with raise_404_on(SignUp.DoesNotExist):
        return get_host(key, event.pk)


def add_noindex(response: HttpResponse) -> HttpResponse:
    """Keep a page out of search engines."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response
