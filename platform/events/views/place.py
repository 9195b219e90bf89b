"""Somebody's own place: its token is their whole right to it. Looking changes nothing; buttons do."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.free_text import reads_free_text
from accounts.throttle import TooOften
from events import places, services
from events.addresses import absolute
from events.after import feedback_give
from events.calendar import calendar_name
from events.errors import EventClosed, GuestsEnough, OfferOver
from events.forms import FeedbackForm, SignUpForm
from events.guests import HOSTS, guest_path
from events.itip import own_file
from events.models import Feedback, SignUp, Standing, Worth
from events.selectors import dates_of
from events.views.found import own_sign_up, private, published_event
from events.views.pages import calendar_response
from events.views.signing_up import count_try, too_often_said


@require_safe
@never_cache
def place(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, own_sign_up(token), SignUpForm())


def _page(
    request: HttpRequest, found: SignUp, form: SignUpForm, *, status: int = 200, **said: object
) -> HttpResponse:
    may_bring = found.standing in HOSTS and found.event.is_open
    dates = dates_of(found)
    context = {
        "sign_up": found,
        "zone": found.zone,
        "form": form,
        "in_line": places.place_in_line(found) if found.standing == Standing.WAITING else 0,
        "guests": list(found.guests.order_by("created_at")) if may_bring else [],
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
    slugs = None if "all" in request.POST else request.POST.getlist("date")
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
    try:
        act(sign_up=found)
    except EventClosed:
        pass
    except SignUp.DoesNotExist as fault:
        raise Http404 from fault
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
        count_try(request, email)
        services.sign_up_make(event=found.event, name=name, email=email, guest_of=found)
    except TooOften as refusal:
        page = _page(request, found, form, trouble=too_often_said(refusal), status=429)
        page.headers["Retry-After"] = str(refusal.wait_seconds)
        return page
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


@require_POST
def leave(_request: HttpRequest, token: str) -> HttpResponse:
    found = own_sign_up(token)
    services.sign_up_leave(sign_up=found)
    return redirect("events:left", found.event.slug)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Give a place back from within a mail program (RFC 8058), which has no page of ours to bring a form's token from.

    A GET only leads to the page with the button: mail programs look at links by themselves.
    """
    found = own_sign_up(token)
    if request.method != "POST":
        return redirect(found)
    services.sign_up_leave(sign_up=found)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@require_safe
def left(request: HttpRequest, slug: str) -> HttpResponse:
    """What leaving means. It tells nobody that anybody left, so it may stand open."""
    return private(render(request, "events/left.html", {"event": published_event(slug)}))
