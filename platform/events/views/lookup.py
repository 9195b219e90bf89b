"""What an address names, or 404: pages fetch and authorise here and nowhere else."""

from django.http import HttpResponse

from events.guests import get_host
from events.models import Event, SignUp
from events.selectors import get_event, get_sign_up
from kit.not_found import raise_404_on


def get_event_or_404(slug: str) -> Event:
    """The event at an address; 404 also for one that is not published, so that an address tells nothing."""
    with raise_404_on(Event.DoesNotExist):
        return get_event(slug)


def get_sign_up_or_404(token: str) -> SignUp:
    """The place that a personal link opens, whoever holds it; 404 for any other."""
    with raise_404_on(SignUp.DoesNotExist):
        return get_sign_up(token)


def get_host_or_404(key: str, event: Event) -> SignUp:
    """Whose link to bring somebody this is; 404 for none."""
    with raise_404_on(SignUp.DoesNotExist):
        return get_host(key, event.pk)


def add_noindex(response: HttpResponse) -> HttpResponse:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
