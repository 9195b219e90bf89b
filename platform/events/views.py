from http import HTTPStatus

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Person
from accounts.throttle import Throttle, TooOften
from events import services
from events.calendar import CONTENT_TYPE, calendar_file, calendar_name
from events.errors import EventClosed
from events.forms import SignUpForm
from events.models import LONGEST_EMAIL, Event, SignUp
from events.selectors import archive, event_of, sign_up_of, upcoming

sign_ups_from_one_place = Throttle("sign-up place", "20/10minutes")
sign_ups_of_one_address = Throttle("sign-up address", "5/hour")

# The address goes to the next page in a signed cookie: nothing of it stays on the server.
RECEIPT = "signed-up"
RECEIPT_SECONDS = 600


def published_event(slug: str) -> Event:
    """The event at an address; 404 also for one that is not published, so that an address tells nothing."""
    try:
        return event_of(slug)
    except Event.DoesNotExist as fault:
        raise Http404 from fault


def own_sign_up(token: str) -> SignUp:
    """The place that a personal link opens, whoever holds it; 404 for any other."""
    try:
        return sign_up_of(token)
    except SignUp.DoesNotExist as fault:
        raise Http404 from fault


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    context = {"upcoming": upcoming(), "archive": archive()}
    return render(request, "events/list.html", context)


@require_safe
def event(request: HttpRequest, slug: str) -> HttpResponse:
    found = published_event(slug)
    return _event_page(request, found, SignUpForm(initial=_known_of(request)))


def _known_of(request: HttpRequest) -> dict[str, str]:
    person = request.user
    return {"name": person.display_name, "email": person.email} if isinstance(person, Person) else {}


def _event_page(
    request: HttpRequest, found: Event, form: SignUpForm, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {"event": found, "form": form, "trouble": trouble}
    return render(request, "events/event.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a sign-up. The answer is the same for an address that has a place and for one that has none."""
    found = published_event(slug)
    if request.method != "POST" or not found.is_open:
        # A page with errors stands at this address, and people come back to it.
        return redirect(found)
    form = SignUpForm(request.POST)
    if form.is_from_a_machine:
        return _receipt(found, str(form.data.get("email", ""))[:LONGEST_EMAIL])
    if not form.is_valid():
        return _event_page(request, found, form, status=422)
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    person = request.user if isinstance(request.user, Person) else None
    try:
        sign_ups_from_one_place.hit(request.META["REMOTE_ADDR"])
        sign_ups_of_one_address.hit(email.casefold())
        services.sign_up_make(event=found, name=name, email=email, person=person)
    except TooOften as refusal:
        return _too_often(request, found, form, refusal)
    except EventClosed:
        return redirect(found)
    return _receipt(found, email)


def _too_often(request: HttpRequest, found: Event, form: SignUpForm, refusal: TooOften) -> HttpResponse:
    minutes = -(-refusal.wait_seconds // 60)
    trouble = ngettext(
        "That was a lot at once. Wait %(minutes)d minute; what you typed is still here.",
        "That was a lot at once. Wait %(minutes)d minutes; what you typed is still here.",
        minutes,
    ) % {"minutes": minutes}
    response = _event_page(request, found, form, trouble=trouble, status=429)
    response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def _receipt(found: Event, email: str) -> HttpResponse:
    address = reverse("events:signed_up", args=[found.slug])
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
    """What happens next. It tells neither whether the address had a place before nor where its own page is."""
    found = published_event(slug)
    try:
        email = signing.loads(request.COOKIES.get(RECEIPT, ""), salt=request.path, max_age=RECEIPT_SECONDS)
    except signing.BadSignature:
        return redirect(found)
    return render(request, "events/signed_up.html", {"event": found, "email": email})


@require_safe
def calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """The calendar file of what is still to come; 404 without one."""
    found = published_event(slug)
    if not found.has_calendar:
        raise Http404
    disposition = f'attachment; filename="{calendar_name(found)}"'
    return HttpResponse(
        calendar_file(found), content_type=CONTENT_TYPE, headers={"Content-Disposition": disposition}
    )


@require_safe
@never_cache
def place(request: HttpRequest, token: str) -> HttpResponse:
    return _private(render(request, "events/place.html", {"sign_up": own_sign_up(token)}))


@require_POST
def leave(request: HttpRequest, token: str) -> HttpResponse:
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
    return _private(render(request, "events/left.html", {"event": published_event(slug)}))


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
