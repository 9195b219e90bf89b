from datetime import date
from typing import Any
from urllib.parse import urlencode

from allauth.account import views as library
from allauth.account.utils import get_next_redirect_url, perform_login
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import age_screen, services
from accounts.access import kept_form, sign_in_required
from accounts.address_rule import canonical_address
from accounts.age import is_grown_up
from accounts.demo import DEMO_PEOPLE
from accounts.forms import AccountForm, AgeForm, SignInForm, TeenSignUpForm
from accounts.models import Person, Role
from accounts.second_factor import lacks_second_factor
from accounts.sessions import browser_words, session_end, sessions_end_others, sessions_of
from accounts.throttle import Throttle
from accounts.zones import city_of, zone_guess

tries_at_one_name = Throttle("sign-in name", "10/5minutes")
tries_from_one_place = Throttle("sign-in place", "50/5minutes")
sign_ups_from_one_place = Throttle("teen sign-up place", "20/10minutes")


class SignIn(library.LoginView):
    template_name = "accounts/sign_in.html"
    form_class = SignInForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        tries_from_one_place.hit(request.META["REMOTE_ADDR"])
        # As the form reads it: another way to write an address is no other name to try at.
        tries_at_one_name.hit(canonical_address(request.POST.get("username", "")).casefold()[:60])
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = DEMO_PEOPLE if settings.DEMO else ()
        return {**super().get_context_data(**kwargs), "demo_people": people}


class SignOut(library.LogoutView):
    http_method_names = ["post", "options"]


class SignUp(library.SignupView):
    """A grown-up's account. Whoever tells a younger month of birth, here or on the teens' page, is led to theirs."""

    template_name = "accounts/sign_up.html"

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), **_guessed(self.request)}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        has_answered = age_screen.is_refused(request) or age_screen.standing_answer(request)
        if has_answered and not request.user.is_authenticated:
            return redirect(_with_next("accounts:teen_sign_up", get_next_redirect_url(request) or ""))
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = AgeForm(request.POST)
        if asked.is_valid() and not is_grown_up(born=asked.born, on=timezone.localdate()):
            age_screen.record_answer(request, asked.born)
            return redirect(_with_next("accounts:teen_sign_up", get_next_redirect_url(request) or ""))
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


def _with_next(name: str, onward: str) -> str:
    """The address of a page that leads on to `onward` in the end."""
    return f"{reverse(name)}?{urlencode({'next': onward})}" if onward else reverse(name)


class Email(library.EmailView):
    """The address of a grown-up. A teen's account has none, so the page is not there for them."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, Person) and request.user.role == Role.TEEN:
            raise Http404
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


def _guessed(request: HttpRequest) -> dict[str, Any]:
    """What a sign-up form has before anybody filled it in."""
    return {"time_zone": zone_guess(request.headers.get("Accept-Language", ""))}


def signed_in(request: HttpRequest) -> Person:
    person = request.user
    assert isinstance(person, Person)  # noqa: S101 - every view that asks requires sign-in; this tells the types
    return person


@require_safe
@never_cache
def passkey(request: HttpRequest) -> HttpResponse:
    """Signing in without a password. A page of its own: it needs a script, and the sign-in page needs none."""
    if request.user.is_authenticated:
        return redirect("accounts:account")
    return render(request, "accounts/passkey.html", {"next": get_next_redirect_url(request) or ""})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password", "month", "year")
def teen_sign_up(request: HttpRequest) -> HttpResponse:
    """First the month of birth, in the same words for everybody; then the account. The first answer stands."""
    if request.user.is_authenticated:
        return redirect("accounts:account")
    if age_screen.is_refused(request):
        return render(request, "accounts/too_young.html")
    # Where they were on their way to, such as an invitation; only an address of this site is taken.
    onward = {"next": get_next_redirect_url(request) or ""}
    if request.method == "POST":
        sign_ups_from_one_place.hit(request.META["REMOTE_ADDR"])
    born = age_screen.standing_answer(request)
    if born:
        return _teen_account(request, _teen_form(request), born, onward)
    form = AgeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _age_told(request, form.born, onward)
    page = {"form": form, **onward}
    return render(request, "accounts/age.html", page, status=422 if form.errors else 200)


def _age_told(request: HttpRequest, born: date, onward: dict[str, str]) -> HttpResponse:
    age_screen.record_answer(request, born)
    if age_screen.is_refused(request):
        return render(request, "accounts/too_young.html")
    if is_grown_up(born=born, on=timezone.localdate()):
        messages.info(request, _("Grown-ups sign up with an email address. Here is their page."))
        return redirect(_with_next("accounts:sign_up", onward["next"]))
    return _teen_account(request, _teen_form(request), born, onward)


def _teen_form(request: HttpRequest) -> TeenSignUpForm:
    is_sent = request.method == "POST" and "year" not in request.POST
    return TeenSignUpForm(request.POST if is_sent else None, initial=_guessed(request))


def _teen_account(
    request: HttpRequest, form: TeenSignUpForm, born: date, onward: dict[str, str]
) -> HttpResponse:
    page = {"form": form, "born": born, **onward}
    if not form.is_valid():
        return render(request, "accounts/teen_sign_up.html", page, status=422 if form.errors else 200)
    typed = {name: form.cleaned_data[name] for name in ("username", "display_name", "password", "time_zone")}
    try:
        person = services.teen_make(born=born, is_zone_confirmed=form.is_zone_confirmed, **typed)
    except ValidationError as fault:
        # Somebody took the name between the form's look and ours.
        form.add_error("username", fault.messages)
        return render(request, "accounts/teen_sign_up.html", page, status=422)
    age_screen.forget_answer(request)
    response: HttpResponse = perform_login(request, person, signup=True, redirect_url=onward["next"] or None)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    form = AccountForm(person, request.POST if request.method == "POST" else None)
    if form.is_valid():
        services.person_change(person=person, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("accounts:account")
    context = {
        "form": form,
        "is_teen": person.role == Role.TEEN,
        "lacks_second_factor": lacks_second_factor(person),
        "city": city_of(person.time_zone),
    }
    return render(request, "accounts/account.html", context, status=422 if form.errors else 200)


@require_safe
@sign_in_required
@never_cache
def sessions(request: HttpRequest) -> HttpResponse:
    rows = [
        {
            "pk": row.pk,
            "browser": browser_words(row.user_agent),
            "last_seen_at": row.last_seen_at,
            "is_current": row.session_key == request.session.session_key,
        }
        for row in sessions_of(signed_in(request))
    ]
    others = sum(not row["is_current"] for row in rows)
    return render(request, "accounts/sessions.html", {"rows": rows, "others": others})


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@never_cache
def kept(request: HttpRequest) -> HttpResponse:
    """The form that was sent without a session, to be sent again. A POST here discards it."""
    form = kept_form(request)
    if request.method == "POST":
        # Not `redirect`, which takes a word without a slash for the name of a route.
        return HttpResponseRedirect(
            get_next_redirect_url(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
        )
    if form is None:
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/kept_form.html", {"form": form})


@require_POST
@sign_in_required
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    if not session_end(person=signed_in(request), session_id=session_id):
        raise Http404
    return redirect("accounts:sessions")


@require_POST
@sign_in_required
def end_others(request: HttpRequest) -> HttpResponse:
    sessions_end_others(person=signed_in(request), current_key=request.session.session_key or "")
    messages.success(request, _("You are signed in here alone now."))
    return redirect("accounts:sessions")
