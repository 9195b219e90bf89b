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
from events.undo import UNDO_SECONDS, DeletedSignUp, restore_sign_up
from events.views.lookup import add_noindex, get_event_or_404, get_sign_up_or_404

# What left goes to the next page in a signed cookie: nothing of it stays on the server.
UNDO_COOKIE = "left"
# Tells a second press of the same button which event was left.
LEFT_EVENT_COOKIE = "pressed"


@require_POST
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Give a place back. The next page says what that means, and can take it back.

    A second press in the same browser finds nothing to leave any more, and leads to that page again.
    """
    try:
        found = get_sign_up_or_404(token)
    except Http404:
        slug = _read_signed_cookie(request, LEFT_EVENT_COOKIE, salt=request.path)
        if slug is None:
            raise
        return redirect("events:left", slug)
    leaver, event = DeletedSignUp.of(found), found.event
    services.leave_event(sign_up=found)
    address = reverse("events:left", args=[event.slug])
    response = redirect(address)
    _set_signed_cookie(response, LEFT_EVENT_COOKIE, event.slug, path=request.path)
    if event.is_open:
        _set_signed_cookie(response, UNDO_COOKIE, leaver.as_json(), path=address)
    return response


@require_safe
@never_cache
def left(request: HttpRequest, slug: str) -> HttpResponse:
    """What leaving means. It tells nobody that anybody left, so it may stand open."""
    event = get_event_or_404(slug)
    may_return = event.is_open and _read_deleted_sign_up(request, event) is not None
    return add_noindex(render(request, "events/left.html", {"event": event, "may_return": may_return}))


@require_POST
def undo_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back that one left, by the cookie of the browser that did it. Without it, to the event's page."""
    event = get_event_or_404(slug)
    leaver = _read_deleted_sign_up(request, event)
    if leaver is None:
        return redirect(event)
    try:
        response = add_noindex(redirect(restore_sign_up(leaver=leaver, event=event)))
    except EventClosed:
        response = redirect(event)
    response.delete_cookie(UNDO_COOKIE, path=reverse("events:left", args=[slug]), samesite="Lax")
    return response


def _read_deleted_sign_up(request: HttpRequest, event: Event) -> DeletedSignUp | None:
    kept = _read_signed_cookie(request, UNDO_COOKIE, salt=reverse("events:left", args=[event.slug]))
    leaver = DeletedSignUp(**kept) if kept else None
    return leaver if leaver and leaver.event == event.pk else None


def _set_signed_cookie(response: HttpResponse, cookie: str, value: Any, *, path: str) -> None:
    """Give the browser what JSON knows, signed, for the requests to one path alone."""
    response.set_cookie(
        cookie,
        signing.dumps(value, salt=path, compress=True),
        max_age=UNDO_SECONDS,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_signed_cookie(request: HttpRequest, cookie: str, *, salt: str) -> Any:
    """What this browser was given for the path that it was signed for; None without it."""
    try:
        return signing.loads(request.COOKIES.get(cookie, ""), salt=salt, max_age=UNDO_SECONDS)
    except signing.BadSignature:
        return None


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop our letters from within a mail program (RFC 8058), which has no page of ours to bring a form's token from.

    It stops nothing else, may come any number of times, and does not tell a token that is known from one that is not.
    A GET only leads to the page with the buttons: mail programs look at links by themselves.
    """
    if request.method != "POST":
        return redirect(f"{get_sign_up_or_404(token).get_absolute_url()}#letters")
    services.set_unsubscribed(token=token)
    return add_noindex(render(request, "events/stopped.html"))


@require_POST
def email_preference(request: HttpRequest, token: str) -> HttpResponse:
    """Stop our letters, or have them again, by the buttons of one's own page."""
    found = get_sign_up_or_404(token)
    services.set_unsubscribed(token=token, is_stopped="stop" in request.POST)
    return redirect(f"{found.get_absolute_url()}#letters")
