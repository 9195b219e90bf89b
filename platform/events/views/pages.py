"""Pages that stand open: the list, an event, its calendar file."""

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Person
from events.calendar import CONTENT_TYPE, calendar_file, calendar_name
from events.forms import SignUpForm
from events.models import Event, SignUp
from events.places import is_full
from events.recordings import cues_of, found_in, is_file, may_play
from events.selectors import archive, other_dates, upcoming
from events.views.found import host_who_shared, private, published_event
from events.zones import cities, zone_of
from kit.free_text import reads_free_text
from kit.texts import normalize_line
from safeguarding.crisis import build_cards_for_search

LONGEST_SEARCH = 100


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    context = {"upcoming": upcoming(), "archive": archive(), "zone": zone_of(request), "cities": cities()}
    return render(request, "events/list.html", context)


@require_safe
@reads_free_text("q")
def event(request: HttpRequest, slug: str) -> HttpResponse:
    found = published_event(slug)
    if found.has_recording:
        return may_play(found, partial(_recorded_page, found=found))(request)
    return event_page(request, found, SignUpForm(initial=_known_of(request)))


def _recorded_page(request: HttpRequest, found: Event) -> HttpResponse:
    """The event with its recording, and its transcript, in which one may search."""
    cues = cues_of(found.captions) if found.captions else []
    words = normalize_line(request.GET.get("q", "")[: LONGEST_SEARCH * 4])[:LONGEST_SEARCH]
    context = {
        "event": found,
        "zone": zone_of(request),
        "is_file": is_file(found.recording_url),
        "has_transcript": bool(cues),
        "cues": found_in(cues, words),
        "words": words,
        "cards": build_cards_for_search(request, words),
        "other_dates": other_dates(found) if found.series_id else [],
    }
    return render(request, "events/event.html", context)


@require_safe
def captions(request: HttpRequest, slug: str) -> HttpResponse:
    """The captions of a recording that is published; 404 without."""
    found = published_event(slug)
    if not (found.has_recording and found.captions):
        raise Http404
    return HttpResponse(found.captions, content_type="text/vtt; charset=utf-8")


@require_safe
def come_along(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """The event's page for whoever was sent a personal link: they sign up as the guest of whoever sent it."""
    found = published_event(slug)
    host = host_who_shared(key, found)
    form = SignUpForm(initial=_known_of(request) | {"key": key})
    return private(event_page(request, found, form, host=host))


def _known_of(request: HttpRequest) -> dict[str, str]:
    person = request.user
    return {"name": person.display_name, "email": person.email} if isinstance(person, Person) else {}


def event_page(
    request: HttpRequest,
    found: Event,
    form: SignUpForm,
    *,
    host: SignUp | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    has_no_place = found.is_open and is_full(found)
    context = {
        "event": found,
        "form": form,
        "host": host,
        "trouble": trouble,
        "is_full": has_no_place,
        # The waiting list is served until the start.
        "places_gone": has_no_place and found.has_begun,
        "zone": zone_of(request),
        "cities": cities(),
        "other_dates": other_dates(found) if found.series_id else [],
    }
    return render(request, "events/event.html", context, status=status)


@require_safe
def calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """The calendar file of what is still to come; 404 without one."""
    found = published_event(slug)
    if not found.has_calendar:
        raise Http404
    return calendar_response(calendar_file(found), calendar_name(found))


def calendar_response(content: str, name: str) -> HttpResponse:
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(content, content_type=CONTENT_TYPE, headers={"Content-Disposition": disposition})
