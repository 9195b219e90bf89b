"""Pages for signing up, and a person's own account and sessions. Signing in is in `sign_in_views`."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from allauth.account import views as allauth_views
from allauth.account.utils import get_next_redirect_url, perform_login
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import age_screen, limits, services
from accounts.access import find_unsent_form, get_person, sign_in_required
from accounts.age import is_adult
from accounts.forms import AccountForm, AccountSignUpForm, AgeForm, TeenSignUpForm
from accounts.known_devices import forget_devices, remember_device
from accounts.models import Person, Role
from accounts.second_factor import lacks_second_factor
from accounts.sessions import format_browser, list_sessions, revoke_other_sessions, revoke_session
from accounts.sign_in_views import render_rate_limited
from accounts.zones import format_city, guess_zone
from kit.languages import set_language_cookie
from kit.rate_limits import RateLimited, format_rate_limited, mark_rate_limited, skip_validation


class AccountSignUp(allauth_views.SignupView):
    """Sign-up for adults. A younger birth month, here or on the teens' page, leads to the teens' page."""

    template_name = "accounts/sign_up.html"

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), **_guess_initial(self.request)}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        has_answered = age_screen.is_marked_too_young(request) or age_screen.find_recorded_answer(request)
        if has_answered and not request.user.is_authenticated:
            return redirect(
                _build_url_with_next("accounts:teen_sign_up", get_next_redirect_url(request) or "")
            )
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Create an account, or send people who are too young for this form to the sign-up for teens."""
        try:
            limits.sign_up_forms.hit(request)
        except RateLimited as error:
            return render_rate_limited(self, error)
        age_form = AgeForm(request.POST)
        if age_form.is_valid() and not is_adult(born=age_form.born, on=timezone.localdate()):
            age_screen.record_answer(request, age_form.born)
            return redirect(
                _build_url_with_next("accounts:teen_sign_up", get_next_redirect_url(request) or "")
            )
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_valid(self, form: AccountSignUpForm) -> HttpResponse:
        """Create the account, within the limits per network and per address."""
        try:
            limits.accounts_created.hit(self.request)
            limits.count_email(limits.sign_up_emails, form.cleaned_data["email"])
        except RateLimited as error:
            return render_rate_limited(self, error)
        response: HttpResponse = super().form_valid(form)
        return response


def _build_url_with_next(name: str, onward: str) -> str:
    """Return a page's address that leads on to `onward` afterwards."""
    return f"{reverse(name)}?{urlencode({'next': onward})}" if onward else reverse(name)


class AccountEmail(allauth_views.EmailView):
    """An adult's email address. 404 for teens, who have none."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Raises Http404 for teens: they sign in with a username."""
        if isinstance(request.user, Person) and request.user.role == Role.TEEN:
            raise Http404
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


def _guess_initial(request: HttpRequest) -> dict[str, Any]:
    """Return the initial values of a sign-up form."""
    return {"time_zone": guess_zone(request.headers.get("Accept-Language", ""))}


@require_safe
@never_cache
def passkey(request: HttpRequest) -> HttpResponse:
    """Sign in without a password. A separate page, because it needs a script and the sign-in page doesn't."""
    if request.user.is_authenticated:
        return redirect("accounts:account")
    return render(request, "accounts/passkey.html", {"next": get_next_redirect_url(request) or ""})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password", "month", "year")
def teen_sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for the birth month in the same words as for everyone, then create the account. The first answer stands."""
    if request.user.is_authenticated:
        return redirect("accounts:account")
    if age_screen.is_marked_too_young(request):
        return render(request, "accounts/too_young.html")
    # Where they were going, such as an invitation. Only addresses on this site are accepted.
    onward = {"next": get_next_redirect_url(request) or ""}
    try:
        if request.method == "POST":
            limits.sign_up_forms.hit(request)
    except RateLimited as error:
        is_age = not age_screen.find_recorded_answer(request)
        return _render_teen_rate_limited(request, error, onward, is_age=is_age)
    born = age_screen.find_recorded_answer(request)
    if born:
        return _create_teen_account(request, _build_teen_form(request), born, onward)
    form = AgeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _accept_birth_month(request, form.born, onward)
    page = {"form": form, **onward}
    return render(request, "accounts/age.html", page, status=422 if form.errors else 200)


def _accept_birth_month(request: HttpRequest, born: date, onward: dict[str, str]) -> HttpResponse:
    age_screen.record_answer(request, born)
    if age_screen.is_marked_too_young(request):
        return render(request, "accounts/too_young.html")
    if is_adult(born=born, on=timezone.localdate()):
        messages.info(request, _("Adults sign up with an email address, on this page."))
        return redirect(_build_url_with_next("accounts:sign_up", onward["next"]))
    return _create_teen_account(request, _build_teen_form(request), born, onward)


def _build_teen_form(request: HttpRequest) -> TeenSignUpForm:
    is_sent = request.method == "POST" and "year" not in request.POST
    return TeenSignUpForm(request.POST if is_sent else None, initial=_guess_initial(request))


def _create_teen_account(
    request: HttpRequest, form: TeenSignUpForm, born: date, onward: dict[str, str]
) -> HttpResponse:
    page = {"form": form, "born": born, **onward}
    if not form.is_valid():
        return render(request, "accounts/teen_sign_up.html", page, status=422 if form.errors else 200)
    fields = {name: form.cleaned_data[name] for name in ("username", "display_name", "password", "time_zone")}
    try:
        limits.accounts_created.hit(request)
    except RateLimited as limited:
        return _render_teen_rate_limited(request, limited, onward)
    try:
        person = services.create_teen(born=born, is_zone_confirmed=form.is_zone_confirmed, **fields)
    except ValidationError as error:
        # Someone else took the name after the form checked it.
        form.add_error("username", error.messages)
        return render(request, "accounts/teen_sign_up.html", page, status=422)
    age_screen.delete_recorded_answer(request)
    response: HttpResponse = perform_login(request, person, signup=True, redirect_url=onward["next"] or None)
    return response


def _render_teen_rate_limited(
    request: HttpRequest, limited: RateLimited, onward: dict[str, str], *, is_age: bool = False
) -> HttpResponse:
    form, template = (AgeForm(request.POST), "age") if is_age else (_build_teen_form(request), "teen_sign_up")
    born = age_screen.find_recorded_answer(request)
    page = {"form": skip_validation(form), "born": born, "error": format_rate_limited(limited), **onward}
    return mark_rate_limited(render(request, f"accounts/{template}.html", page), limited)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    person = get_person(request)
    form = AccountForm(person, request.POST if request.method == "POST" else None)
    if form.is_valid():
        services.update_person(person=person, **form.cleaned_data)
        with translation.override(person.language):
            messages.success(request, _("Saved."))
        reply = redirect("accounts:account")
        if form.cleaned_data["language"] and "language" in form.changed_data:
            set_language_cookie(reply, person.language)
        return reply
    context = {
        "form": form,
        "is_teen": person.role == Role.TEEN,
        "lacks_second_factor": lacks_second_factor(person),
        "city": format_city(person.time_zone),
    }
    return render(request, "accounts/account.html", context, status=422 if form.errors else 200)


@require_safe
@sign_in_required
@never_cache
def sessions(request: HttpRequest) -> HttpResponse:
    rows = [
        {
            "pk": row.pk,
            "browser": format_browser(row.user_agent),
            "last_seen_at": row.last_seen_at,
            "is_current": row.session_key == request.session.session_key,
        }
        for row in list_sessions(get_person(request))
    ]
    others = sum(not row["is_current"] for row in rows)
    return render(request, "accounts/sessions.html", {"rows": rows, "others": others})


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@never_cache
def unsent_form(request: HttpRequest) -> HttpResponse:
    """Offer to send a form again that was sent without a session. A POST discards it."""
    form = find_unsent_form(request)
    if request.method == "POST":
        # Not `redirect`, which reads a word without a slash as a route name.
        return HttpResponseRedirect(
            get_next_redirect_url(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
        )
    if form is None:
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/unsent_form.html", {"form": form})


@require_POST
@sign_in_required
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one of the person's sessions. Raises Http404 if it is not theirs."""
    if not revoke_session(person=get_person(request), session_id=session_id):
        raise Http404
    return redirect("accounts:sessions")


@require_POST
@sign_in_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all other sessions of the person, and forget all other devices."""
    person = get_person(request)
    revoke_other_sessions(person=person, current_key=request.session.session_key or "")
    forget_devices(person=person)
    remember_device(request, person)
    messages.success(request, _("You’re signed out everywhere else."))
    return redirect("accounts:sessions")
