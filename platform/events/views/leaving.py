"""Leaving an event, taking that back, and stopping our letters, which is another thing."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events import services
from events.errors import EventClosed
from events.models import Event
from events.returning import RETURN_SECONDS, Leaver, sign_up_return
from events.views.found import own_sign_up, private, published_event

# What left goes to the next page in a signed cookie: nothing of it stays on the server.
COOKIE = "left"


@require_POST
def leave(_request: HttpRequest, token: str) -> HttpResponse:
    """Give a place back. The next page says what that means, and can take it back."""
    found = own_sign_up(token)
    leaver = Leaver.of(found)
    services.sign_up_leave(sign_up=found)
    address = reverse("events:left", args=[found.event.slug])
    response = redirect(address)
    if found.event.is_open:
        response.set_cookie(
            COOKIE,
            signing.dumps(leaver.as_json(), salt=address, compress=True),
            max_age=RETURN_SECONDS,
            path=address,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


@require_safe
@never_cache
def left(request: HttpRequest, slug: str) -> HttpResponse:
    """What leaving means. It tells nobody that anybody left, so it may stand open."""
    event = published_event(slug)
    may_return = event.is_open and _leaver(request, event) is not None
    return private(render(request, "events/left.html", {"event": event, "may_return": may_return}))


@require_POST
def undo_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back that one left, by the cookie of the browser that did it. Without it, to the event's page."""
    event = published_event(slug)
    leaver = _leaver(request, event)
    if leaver is None:
        return redirect(event)
    try:
        response = private(redirect(sign_up_return(leaver=leaver, event=event)))
    except EventClosed:
        response = redirect(event)
    response.delete_cookie(COOKIE, path=reverse("events:left", args=[slug]), samesite="Lax")
    return response


def _leaver(request: HttpRequest, event: Event) -> Leaver | None:
    salt = reverse("events:left", args=[event.slug])
    try:
        kept = signing.loads(request.COOKIES.get(COOKIE, ""), salt=salt, max_age=RETURN_SECONDS)
    except signing.BadSignature:
        return None
    leaver = Leaver(**kept)
    return leaver if leaver.event == event.pk else None


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stop our letters from within a mail program (RFC 8058), which has no page of ours to bring a form's token from.

    It stops nothing else, may come any number of times, and does not tell a token that is known from one that is not.
    A GET only leads to the page with the buttons: mail programs look at links by themselves.
    """
    if request.method != "POST":
        return redirect(f"{own_sign_up(token).get_absolute_url()}#letters")
    services.letters_stop(token=token)
    return private(render(request, "events/stopped.html"))


@require_POST
def letters(request: HttpRequest, token: str) -> HttpResponse:
    """Stop our letters, or have them again, by the buttons of one's own page."""
    found = own_sign_up(token)
    services.letters_stop(token=token, is_stopped="stop" in request.POST)
    return redirect(f"{found.get_absolute_url()}#letters")
