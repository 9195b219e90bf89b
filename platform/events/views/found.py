"""What an address names, or 404: pages fetch and authorise here and nowhere else."""

from django.http import Http404, HttpResponse

from events.guests import host_of
from events.models import Event, SignUp
from events.selectors import event_of, sign_up_of


def published_event(slug: str) -> Event:
    """The event at an address; 404 also for one that is not published, so that an address tells nothing."""
    try:
        return event_of(slug)
    except Event.DoesNotExist as fault:
        raise Http404 from fault


def own_sign_up(token: str) -> SignUp:
    """The place that a personal link opens, whoever holds it; 404 for any other."""
    try:
        return sign_up_of(token)
    except SignUp.DoesNotExist as fault:
        raise Http404 from fault


def host_who_shared(key: str, event: Event) -> SignUp:
    """Whose link to bring somebody this is; 404 for none."""
    try:
        return host_of(key, event.pk)
    except SignUp.DoesNotExist as fault:
        raise Http404 from fault


def private(response: HttpResponse) -> HttpResponse:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
