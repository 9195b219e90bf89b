"""Leaving an event, taking that back, and stopping our letters, which is another thing."""

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
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
# Tells a second press of the same button which event was left.
PRESSED = "pressed"


@require_POST
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Give a place back. The next page says what that means, and can take it back.

    A second press in the same browser finds nothing to leave any more, and leads to that page again.
    """
    try:
        found = own_sign_up(token)
    except Http404:
        slug = _kept(request, PRESSED, salt=request.path)
        if slug is None:
            raise
        return redirect("events:left", slug)
    leaver, event = Leaver.of(found), found.event
    services.sign_up_leave(sign_up=found)
    address = reverse("events:left", args=[event.slug])
    response = redirect(address)
    _keep(response, PRESSED, event.slug, path=request.path)
    if event.is_open:
        _keep(response, COOKIE, leaver.as_json(), path=address)
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
    kept = _kept(request, COOKIE, salt=reverse("events:left", args=[event.slug]))
    leaver = Leaver(**kept) if kept else None
    return leaver if leaver and leaver.event == event.pk else None


def _keep(response: HttpResponse, cookie: str, value: Any, *, path: str) -> None:
    """Give the browser what JSON knows, signed, for the requests to one path alone."""
    response.set_cookie(
        cookie,
        signing.dumps(value, salt=path, compress=True),
        max_age=RETURN_SECONDS,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _kept(request: HttpRequest, cookie: str, *, salt: str) -> Any:
    """What this browser was given for the path that it was signed for; None without it."""
    try:
        return signing.loads(request.COOKIES.get(cookie, ""), salt=salt, max_age=RETURN_SECONDS)
    except signing.BadSignature:
        return None


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
