"""Leave an event, undo that, and unsubscribe from emails."""

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

# The deleted sign-up goes to the next page in a signed cookie, so nothing of it stays on the server.
UNDO_COOKIE = "undo_leave"
# Remembers which event was left, for a second press of the same button.
LEFT_EVENT_COOKIE = "left_event"


@require_POST
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Delete a sign-up and redirect to a page that explains this and can undo it.

    A second press in the same browser redirects to the same page.
    """
    try:
        sign_up = get_sign_up_or_404(token)
    except Http404:
        slug = _read_signed_cookie(request, LEFT_EVENT_COOKIE, salt=request.path)
        if slug is None:
            raise
        return redirect("events:left", slug)
    deleted, event = DeletedSignUp.from_sign_up(sign_up), sign_up.event
    services.leave_event(sign_up=sign_up)
    address = reverse("events:left", args=[event.slug])
    response = redirect(address)
    _set_signed_cookie(response, LEFT_EVENT_COOKIE, event.slug, path=request.path)
    if event.is_open:
        _set_signed_cookie(response, UNDO_COOKIE, deleted.as_json(), path=address)
    return response


@require_safe
@never_cache
def left(request: HttpRequest, slug: str) -> HttpResponse:
    """Explain what leaving means. It shows no personal data, so it needs no token."""
    event = get_event_or_404(slug)
    can_undo = event.is_open and _read_deleted_sign_up(request, event) is not None
    return add_noindex(render(request, "events/left.html", {"event": event, "can_undo": can_undo}))


@require_POST
def undo_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Undo leaving, with the cookie from this browser. Without it, redirect to the event's page."""
    event = get_event_or_404(slug)
    deleted = _read_deleted_sign_up(request, event)
    if deleted is None:
        return redirect(event)
    try:
        response = add_noindex(redirect(restore_sign_up(deleted=deleted, event=event)))
    except EventClosed:
        response = redirect(event)
    response.delete_cookie(UNDO_COOKIE, path=reverse("events:left", args=[slug]), samesite="Lax")
    return response


def _read_deleted_sign_up(request: HttpRequest, event: Event) -> DeletedSignUp | None:
    data = _read_signed_cookie(request, UNDO_COOKIE, salt=reverse("events:left", args=[event.slug]))
    deleted = DeletedSignUp(**data) if data else None
    return deleted if deleted and deleted.event == event.pk else None


def _set_signed_cookie(response: HttpResponse, cookie: str, value: Any, *, path: str) -> None:
    """Set a signed JSON cookie that the browser sends to one path only."""
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
    """Return the value of a signed cookie, or None if it is missing, invalid or expired."""
    try:
        return signing.loads(request.COOKIES.get(cookie, ""), salt=salt, max_age=UNDO_SECONDS)
    except signing.BadSignature:
        return None


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the emails about an event. Email clients post here for one-click unsubscribe (RFC 8058).

    They cannot send a CSRF token, so a POST only stops emails. It can be repeated, and it answers the same for an
    unknown token. A GET changes nothing, because email clients prefetch links: it redirects to the page with the
    buttons, or raises Http404 for an unknown token.
    """
    if request.method != "POST":
        return redirect(f"{get_sign_up_or_404(token).get_absolute_url()}#emails")
    services.set_unsubscribed(token=token)
    return add_noindex(render(request, "events/unsubscribed.html"))


@require_POST
def email_preference(request: HttpRequest, token: str) -> HttpResponse:
    """Turn emails off or on, with the buttons on the sign-up's page."""
    sign_up = get_sign_up_or_404(token)
    services.set_unsubscribed(token=token, unsubscribed="stop" in request.POST)
    return redirect(f"{sign_up.get_absolute_url()}#emails")
