"""What an address names, or 404: pages fetch and authorise here and nowhere else."""

from django.http import HttpResponse

from events.guests import host_of
from events.models import Event, SignUp
from events.selectors import event_of, sign_up_of
from kit.found import or_404


def published_event(slug: str) -> Event:
    """The event at an address; 404 also for one that is not published, so that an address tells nothing."""
    with or_404(Event.DoesNotExist):
        return event_of(slug)


def own_sign_up(token: str) -> SignUp:
    """The place that a personal link opens, whoever holds it; 404 for any other."""
    with or_404(SignUp.DoesNotExist):
        return sign_up_of(token)


def host_who_shared(key: str, event: Event) -> SignUp:
    """Whose link to bring somebody this is; 404 for none."""
    with or_404(SignUp.DoesNotExist):
        return host_of(key, event.pk)


def private(response: HttpResponse) -> HttpResponse:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
