"""Calendar feeds, and the page of a person's own events."""

from collections.abc import Callable
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import sign_in_required
from accounts.models import Person
from events.calendar import CONTENT_TYPE
from events.feeds import create_feed, delete_feed, render_own_feed, render_public_feed
from events.models import CalendarFeed
from events.selectors import list_own_sign_ups
from events.views.lookup import add_noindex
from kit.languages import build_feed_path, get_feed_language
from kit.site import build_absolute_url


def get_person(request: HttpRequest) -> Person:
    """Return the signed-in person, which sign_in_required guarantees."""
    assert isinstance(request.user, Person)  # noqa: S101 - sign_in_required guarantees it
    return request.user


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The public feed of all events."""
    return _render_in_language(render_public_feed, get_feed_language(request))


def _render_in_language(write: Callable[[], str], language: str) -> HttpResponse:
    """Render a feed in its own language, not in that of the calendar app's request."""
    with translation.override(language):
        return HttpResponse(write(), content_type=CONTENT_TYPE, headers={"Content-Language": language})


@require_safe
@never_cache
def own_feed(_request: HttpRequest, token: str) -> HttpResponse:
    """A person's own feed. The token is the permission. 404 for an unknown token."""
    feed = CalendarFeed.objects.select_related("person").filter(token=token, person__is_active=True).first()
    if feed is None:
        raise Http404
    return add_noindex(_render_in_language(partial(render_own_feed, feed.person), feed.language))


@sign_in_required
@require_safe
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """The person's events, by their verified addresses."""
    person = get_person(request)
    feed = CalendarFeed.objects.filter(person=person).first()
    context = {
        "sign_ups": list_own_sign_ups(person).filter(event__is_published=True).order_by("-event__starts_at"),
        "zone": person.zone,
        "feed": build_absolute_url(reverse("events:own_feed", args=[feed.token])) if feed else "",
        "all_feed": build_absolute_url(build_feed_path("events:feed")),
    }
    return add_noindex(render(request, "events/mine.html", context))


@sign_in_required
@require_POST
def feed_new(request: HttpRequest) -> HttpResponse:
    """Give the person a new personal feed. The address of an earlier one stops working."""
    create_feed(person=get_person(request))
    return redirect("events:mine")


@sign_in_required
@require_POST
def feed_stop(request: HttpRequest) -> HttpResponse:
    """Delete the person's feed. Its address stops working."""
    delete_feed(person=get_person(request))
    return redirect("events:mine")
