"""Public pages: the list, an event, its calendar file and captions."""

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Person
from events.calendar import CONTENT_TYPE, build_calendar_file, calendar_filename
from events.forms import SignUpForm
from events.models import Event, SignUp
from events.recordings import allow_recording, is_media_file, parse_cues, search_cues
from events.selectors import list_other_dates, list_past_events, list_upcoming_events
from events.spots import is_full
from events.views.lookup import add_noindex, get_event_or_404, get_host_or_404
from events.zones import find_visitor_zone, list_cities
from kit.free_text import free_text_fields
from kit.texts import normalize_line
from safeguarding.crisis import build_cards_for_search

MAX_SEARCH_LENGTH = 100


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """The list of upcoming and past events."""
    context = {
        "upcoming": list_upcoming_events(),
        "archive": list_past_events(),
        "zone": find_visitor_zone(request),
        "cities": list_cities(),
    }
    return render(request, "events/list.html", context)


@require_safe
@free_text_fields("q")
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of an event, with the sign-up form or the recording."""
    event = get_event_or_404(slug)
    if event.has_recording:
        return allow_recording(event, partial(_render_recording_page, event=event))(request)
    return event_page(request, event, SignUpForm(initial=_get_initial_values(request)))


def _render_recording_page(request: HttpRequest, event: Event) -> HttpResponse:
    """A past event with its recording and searchable transcript."""
    cues = parse_cues(event.captions) if event.captions else ()
    words = normalize_line(request.GET.get("q", "")[: MAX_SEARCH_LENGTH * 4])[:MAX_SEARCH_LENGTH]
    context = {
        "event": event,
        "zone": find_visitor_zone(request),
        "is_media_file": is_media_file(event.recording_url),
        "has_transcript": bool(cues),
        "cues": search_cues(cues, words),
        "words": words,
        "cards": build_cards_for_search(request, words),
        "other_dates": list_other_dates(event) if event.series_id else [],
    }
    return render(request, "events/event.html", context)


@require_safe
def captions(request: HttpRequest, slug: str) -> HttpResponse:
    """The captions of a published recording. 404 if there are none."""
    event = get_event_or_404(slug)
    if not (event.has_recording and event.captions):
        raise Http404
    return HttpResponse(event.captions, content_type="text/vtt; charset=utf-8")


@require_safe
def come_along(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """The event's page behind a guest link. Visitors sign up as the host's guest."""
    event = get_event_or_404(slug)
    host = get_host_or_404(key, event)
    form = SignUpForm(initial=_get_initial_values(request) | {"key": key})
    return add_noindex(event_page(request, event, form, host=host))


def _get_initial_values(request: HttpRequest) -> dict[str, str]:
    person = request.user
    return {"name": person.display_name, "email": person.email} if isinstance(person, Person) else {}


def event_page(
    request: HttpRequest,
    event: Event,
    form: SignUpForm,
    *,
    host: SignUp | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render an event with its sign-up form, and an error if there is one."""
    has_no_place = event.is_open and is_full(event)
    context = {
        "event": event,
        "form": form,
        "host": host,
        "error": error,
        "is_full": has_no_place,
        # The waitlist closes at the start.
        "places_gone": has_no_place and event.has_begun,
        "zone": find_visitor_zone(request),
        "cities": list_cities(),
        "other_dates": list_other_dates(event) if event.series_id else [],
    }
    return render(request, "events/event.html", context, status=status)


@require_safe
def calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """An upcoming event's calendar file. 404 if it has none."""
    event = get_event_or_404(slug)
    if not event.has_calendar:
        raise Http404
    return calendar_response(build_calendar_file(event), calendar_filename(event))


def calendar_response(content: str, name: str) -> HttpResponse:
    """Return a calendar file as a download."""
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(content, content_type=CONTENT_TYPE, headers={"Content-Disposition": disposition})
