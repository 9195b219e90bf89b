"""Somebody's own place: its token is their whole right to it. Looking changes nothing; buttons do."""

from collections.abc import Callable
from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events import places, services
from events.after import feedback_give
from events.calendar import calendar_name
from events.errors import EventClosed, GuestsEnough, OfferOver
from events.forms import FeedbackForm, SignUpForm
from events.guests import HOSTS, guest_path
from events.itip import own_file
from events.models import Feedback, SignUp, Standing, Worth
from events.selectors import dates_of
from events.views.found import own_sign_up, private
from events.views.pages import calendar_response
from events.views.signing_up import count_try
from kit.addresses import mailbox_of
from kit.found import or_404
from kit.free_text import reads_free_text
from kit.site import absolute
from kit.throttles import Throttle, TooOften, slowed, too_often_said

# Of one person for all events: what their guests are sent comes in their name.
guests_asked = Throttle("guests asked along", "10/day")


@require_safe
@never_cache
def place(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, own_sign_up(token), SignUpForm())


def _page(
    request: HttpRequest, found: SignUp, form: SignUpForm, *, status: int = 200, **said: object
) -> HttpResponse:
    # Who waits at the start waits in vain.
    is_too_late = found.event.has_begun and not found.is_placed
    may_bring = found.standing in HOSTS and found.event.is_open and not is_too_late
    guests = list(found.guests.order_by("created_at")) if may_bring else []
    dates = dates_of(found)
    context = {
        "sign_up": found,
        "zone": found.zone,
        "form": form,
        "in_line": places.place_in_line(found) if found.standing == Standing.WAITING else 0,
        "is_too_late": is_too_late,
        "guests": guests,
        "guests_left": max(0, found.event.guests_each - len(guests)),
        "guest_link": absolute(guest_path(found)) if may_bring else "",
        "dates_free": [date for date, taken in dates if taken is None],
        "dates_taken": [(date, taken) for date, taken in dates if taken],
    }
    return private(render(request, "events/place.html", context | said, status=status))


@require_POST
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Say yes to one date, and by the same press to others of its series."""
    found = own_sign_up(token)
    answer = _done(found, places.sign_up_confirm)
    _dates_take(request, found)
    return answer


@require_POST
def dates(request: HttpRequest, token: str) -> HttpResponse:
    """Say yes to other dates of the series."""
    found = own_sign_up(token)
    if not {"all", "date"} & request.POST.keys():
        return _page(request, found, SignUpForm(), none_chosen=True, status=422)
    _dates_take(request, found)
    return redirect(found)


def _dates_take(request: HttpRequest, found: SignUp) -> None:
    slugs = (
        None if "all" in request.POST else [slug for slug in request.POST.getlist("date") if "\0" not in slug]
    )
    services.dates_take(sign_up=found, slugs=slugs)


@require_POST
def take(_request: HttpRequest, token: str) -> HttpResponse:
    """Take an offered place. Where the offer is over, the page says so and what can be done."""
    found = own_sign_up(token)
    try:
        return _done(found, places.offer_take)
    except OfferOver:
        places.offers_expire()
        return redirect(found)


@require_POST
def wait(_request: HttpRequest, token: str) -> HttpResponse:
    return _done(own_sign_up(token), places.wait_again)


def _done(found: SignUp, act: Callable[..., object]) -> HttpResponse:
    """Do it and show their page, which says by itself where the event has closed. 404 where they left meanwhile."""
    with or_404(SignUp.DoesNotExist), suppress(EventClosed):
        act(sign_up=found)
    return redirect(found)


@require_POST
def bring(request: HttpRequest, token: str) -> HttpResponse:
    """Ask somebody along by mail. They say yes for themselves, or nothing is kept of them."""
    found = own_sign_up(token)
    if found.standing not in HOSTS or not found.event.is_open:
        return redirect(found)
    form = SignUpForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    try:
        guests_asked.hit(mailbox_of(found.email))
        count_try(request, email)
        services.sign_up_make(event=found.event, name=name, email=email, guest_of=found)
    except TooOften as refusal:
        return slowed(_page(request, found, form, trouble=too_often_said(refusal)), refusal)
    except GuestsEnough:
        trouble = _("You have asked as many people along as you may.")
        return _page(request, found, form, trouble=trouble, status=422)
    except EventClosed:
        pass
    return redirect(found)


@require_safe
@never_cache
def come_in(_request: HttpRequest, token: str) -> HttpResponse:
    """The way in: notes that they came, and leads to the room. Outside its time, their page says when it opens."""
    found = own_sign_up(token)
    if not (found.is_placed and found.event.has_open_doors):
        return redirect(found)
    services.sign_up_come(sign_up=found)
    response = private(redirect(found.event.join_url))
    # The room's host learns nothing of the token.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@never_cache
def calendar(_request: HttpRequest, token: str) -> HttpResponse:
    """The same entry as the invitation's, to be put into a calendar by hand."""
    found = own_sign_up(token)
    if not (found.is_placed and found.event.has_calendar):
        raise Http404
    return private(calendar_response(own_file(found), calendar_name(found.event)))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@reads_free_text("words")
def feedback(request: HttpRequest, token: str) -> HttpResponse:
    """Two questions, for whoever had a place, from the start on."""
    found = own_sign_up(token)
    if not found.is_placed or found.event.starts_at > timezone.now():
        return redirect(found)
    given = Feedback.objects.filter(sign_up=found).first()
    known = {"worth": given.worth, "words": given.words} if given else None
    form = FeedbackForm(request.POST) if request.method == "POST" else FeedbackForm(initial=known)
    if form.is_valid():
        feedback_give(sign_up=found, **form.cleaned_data)
        return redirect(f"{request.path}?thanks=1")
    context = {"sign_up": found, "form": form, "worths": Worth.choices, "is_given": "thanks" in request.GET}
    return private(render(request, "events/feedback.html", context, status=422 if form.errors else 200))
