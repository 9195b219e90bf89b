"""A sign-up's own page. The token is the permission. Only POSTs change anything, except `join`."""

from collections.abc import Callable
from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events import services, spots
from events.calendar import calendar_filename
from events.errors import EventClosed, GuestLimitReached, OfferNotUsable
from events.follow_up import save_feedback
from events.forms import FeedbackForm, SignUpForm
from events.guests import HOST_STATUSES, build_guest_path
from events.itip import build_own_file
from events.models import Feedback, FeedbackWorth, SignUp, SignUpStatus
from events.selectors import list_series_dates
from events.views.lookup import add_noindex, get_sign_up_or_404
from events.views.pages import calendar_response
from events.views.signing_up import count_try
from kit.email_addresses import get_mailbox_key
from kit.free_text import free_text_fields
from kit.not_found import raise_404_on
from kit.rate_limits import RateLimit, RateLimited, format_rate_limited, mark_rate_limited
from kit.site import build_absolute_url

# Per host over all events, because guests get these emails in the host's name.
guest_invitations = RateLimit("guests asked along", "10/day")


@require_safe
@never_cache
def sign_up_page(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a sign-up."""
    return _render_page(request, get_sign_up_or_404(token), SignUpForm())


def _render_page(
    request: HttpRequest, sign_up: SignUp, form: SignUpForm, *, status: int = 200, **extra: object
) -> HttpResponse:
    # The waitlist closes at the start.
    is_too_late = sign_up.event.has_begun and not sign_up.is_going
    can_bring_guests = sign_up.status in HOST_STATUSES and sign_up.event.is_open and not is_too_late
    guests = list(sign_up.guests.order_by("created_at")) if can_bring_guests else []
    dates = list_series_dates(sign_up)
    context = {
        "sign_up": sign_up,
        "zone": sign_up.zone,
        "form": form,
        "in_line": spots.get_waitlist_position(sign_up) if sign_up.status == SignUpStatus.WAITLISTED else 0,
        "is_too_late": is_too_late,
        "guests": guests,
        "guests_left": max(0, sign_up.event.max_guests - len(guests)),
        "guest_link": build_absolute_url(build_guest_path(sign_up)) if can_bring_guests else "",
        "dates_free": [date for date, joined in dates if joined is None],
        "dates_taken": [(date, joined) for date, joined in dates if joined],
    }
    return add_noindex(render(request, "events/own_sign_up.html", context | extra, status=status))


@require_POST
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm a sign-up, and sign up for the chosen other dates of its series."""
    sign_up = get_sign_up_or_404(token)
    answer = _run_and_redirect(sign_up, spots.confirm_sign_up)
    _sign_up_for_chosen_dates(request, sign_up)
    return answer


@require_POST
def dates(request: HttpRequest, token: str) -> HttpResponse:
    """Sign up for other dates of the series."""
    sign_up = get_sign_up_or_404(token)
    if not {"all", "date"} & request.POST.keys():
        return _render_page(request, sign_up, SignUpForm(), none_chosen=True, status=422)
    _sign_up_for_chosen_dates(request, sign_up)
    return redirect(sign_up)


def _sign_up_for_chosen_dates(request: HttpRequest, sign_up: SignUp) -> None:
    slugs = (
        None if "all" in request.POST else [slug for slug in request.POST.getlist("date") if "\0" not in slug]
    )
    services.sign_up_for_dates(sign_up=sign_up, slugs=slugs)


@require_POST
def accept_offer(_request: HttpRequest, token: str) -> HttpResponse:
    """Accept an offered spot. If the offer has expired, the page says so and what to do."""
    sign_up = get_sign_up_or_404(token)
    try:
        return _run_and_redirect(sign_up, spots.accept_offer)
    except OfferNotUsable:
        spots.expire_offers()
        return redirect(sign_up)


@require_POST
def rejoin_waitlist(_request: HttpRequest, token: str) -> HttpResponse:
    """Join the waitlist again after an offer expired."""
    return _run_and_redirect(get_sign_up_or_404(token), spots.rejoin_waitlist)


def _run_and_redirect(sign_up: SignUp, service: Callable[..., object]) -> HttpResponse:
    """Run a service and redirect to the sign-up's page, which explains a closed event. 404 if they have left."""
    with raise_404_on(SignUp.DoesNotExist), suppress(EventClosed):
        service(sign_up=sign_up)
    return redirect(sign_up)


@require_POST
def invite_guest(request: HttpRequest, token: str) -> HttpResponse:
    """Invite a guest by email. They confirm for themselves, or their data is deleted."""
    sign_up = get_sign_up_or_404(token)
    if sign_up.status not in HOST_STATUSES or not sign_up.event.is_open:
        return redirect(sign_up)
    form = SignUpForm(request.POST)
    if not form.is_valid():
        return _render_page(request, sign_up, form, status=422)
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    try:
        guest_invitations.hit(get_mailbox_key(sign_up.email))
        count_try(request, email)
        services.create_sign_up(event=sign_up.event, name=name, email=email, guest_of=sign_up)
    except RateLimited as limited:
        return mark_rate_limited(
            _render_page(request, sign_up, form, error=format_rate_limited(limited)), limited
        )
    except GuestLimitReached:
        error = _("You’ve already invited as many guests as you can.")
        return _render_page(request, sign_up, form, error=error, status=422)
    except EventClosed:
        pass
    return redirect(sign_up)


@require_safe
@never_cache
def join(_request: HttpRequest, token: str) -> HttpResponse:
    """Record attendance and redirect to the meeting. Before or after, redirect to their page instead."""
    sign_up = get_sign_up_or_404(token)
    if not (sign_up.is_going and sign_up.event.can_join_now):
        return redirect(sign_up)
    services.record_attendance(sign_up=sign_up)
    response = add_noindex(redirect(sign_up.event.join_url))
    # Do not send the token to the meeting's site.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@never_cache
def calendar(_request: HttpRequest, token: str) -> HttpResponse:
    """The calendar file of a sign-up with a spot, with the same entry as the invitation."""
    sign_up = get_sign_up_or_404(token)
    if not (sign_up.is_going and sign_up.event.has_calendar):
        raise Http404
    return add_noindex(calendar_response(build_own_file(sign_up), calendar_filename(sign_up.event)))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@free_text_fields("comment")
def feedback(request: HttpRequest, token: str) -> HttpResponse:
    """The feedback form, for people with a spot, from the start of the event."""
    sign_up = get_sign_up_or_404(token)
    if not sign_up.is_going or sign_up.event.starts_at > timezone.now():
        return redirect(sign_up)
    earlier = Feedback.objects.filter(sign_up=sign_up).first()
    initial = {"worth": earlier.worth, "comment": earlier.comment} if earlier else None
    form = FeedbackForm(request.POST) if request.method == "POST" else FeedbackForm(initial=initial)
    if form.is_valid():
        save_feedback(sign_up=sign_up, **form.cleaned_data)
        return redirect(f"{request.path}?thanks=1")
    context = {
        "sign_up": sign_up,
        "form": form,
        "worths": FeedbackWorth.choices,
        "is_given": "thanks" in request.GET,
    }
    return add_noindex(render(request, "events/feedback.html", context, status=422 if form.errors else 200))
