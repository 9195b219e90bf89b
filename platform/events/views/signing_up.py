"""Sign up for an event. No answer here reveals whether an address has signed up already."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.limits import count_email
from accounts.models import Person
from events import services
from events.errors import EventClosed, GuestLimitReached
from events.forms import SignUpForm
from events.models import Event, SignUp, SignUpStatus
from events.views.lookup import add_noindex, get_event_or_404, get_host_or_404
from events.views.pages import event_page
from events.zones import find_visitor_zone, find_zone
from kit.email_addresses import MAX_EMAIL_LENGTH, format_email
from kit.rate_limits import ClientRateLimit, RateLimit, RateLimited, format_rate_limited, mark_rate_limited

sign_ups = ClientRateLimit(
    "event sign-up", person="30/hour", network="300/hour;1000/day", everyone="3000/hour"
)
# Per address and regardless of the sender, so that strangers cannot flood a mailbox.
sign_ups_per_mailbox = RateLimit("sign-up mailbox", "5/hour;10/day")

# The address goes to the next page in a signed cookie, so nothing of it stays on the server.
RECEIPT = "signed-up"
RECEIPT_SECONDS = 600


def count_try(request: HttpRequest, email: str) -> None:
    """Count a try against the limits of the visitor and of an address not their own. Raises RateLimited."""
    sign_ups.hit(request)
    if not (isinstance(request.user, Person) and services.is_own_address(request.user, email)):
        count_email(sign_ups_per_mailbox, email)


@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign up. The answer is the same whether or not the address has signed up before."""
    event = get_event_or_404(slug)
    if request.method != "POST" or not event.is_open:
        # People may reload this URL after it showed a form with errors.
        return redirect(event)
    form = SignUpForm(request.POST)
    if form.is_from_bot:
        return _redirect_with_receipt(event, str(form.data.get("email", ""))[:MAX_EMAIL_LENGTH])
    key = str(request.POST.get("key", ""))
    host = get_host_or_404(key, event) if key else None
    if not form.is_valid():
        return event_page(request, event, form, host=host, status=422)
    return _create_sign_up(request, event, form, host)


def _create_sign_up(
    request: HttpRequest, event: Event, form: SignUpForm, host: SignUp | None
) -> HttpResponse:
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    person = request.user if isinstance(request.user, Person) else None
    try:
        count_try(request, email)
        sign_up = services.create_sign_up(
            event=event,
            name=name,
            email=email,
            person=person,
            guest_of=host,
            time_zone=_find_zone_name(request),
        )
    except RateLimited as limited:
        page = event_page(request, event, form, host=host, error=format_rate_limited(limited))
        return mark_rate_limited(page, limited)
    except GuestLimitReached:
        error = _(
            "The person who sent you this link has no guest spots left. You can still sign up on your own."
        )
        return event_page(request, event, form, error=error, status=422)
    except EventClosed:
        return redirect(event)
    # The address is verified by their account, so there is no email to wait for.
    if person and services.is_own_address(person, email) and sign_up.status != SignUpStatus.UNCONFIRMED:
        return add_noindex(redirect(sign_up))
    return _redirect_with_receipt(event, email)


def _find_zone_name(request: HttpRequest) -> str:
    zone = find_zone(str(request.POST.get("time_zone", ""))) or find_visitor_zone(request)
    return zone.key if zone else ""


def _redirect_with_receipt(event: Event, email: str) -> HttpResponse:
    address = reverse("events:signed_up", args=[event.slug])
    response = redirect(address)
    response.set_cookie(
        RECEIPT,
        signing.dumps(email, salt=address),
        max_age=RECEIPT_SECONDS,
        path=address,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@require_safe
@never_cache
def signed_up(request: HttpRequest, slug: str) -> HttpResponse:
    """Explain the next step. It does not reveal whether the address had signed up before, nor the personal link."""
    event = get_event_or_404(slug)
    try:
        email = signing.loads(request.COOKIES.get(RECEIPT, ""), salt=request.path, max_age=RECEIPT_SECONDS)
    except signing.BadSignature:
        return redirect(event)
    context = {"event": event, "email": format_email(email), "zone": find_visitor_zone(request)}
    return render(request, "events/signed_up.html", context)
