"""A forgotten password of a teen without an email address: the teen's screen and the parent's."""

import time
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import get_person, sign_in_required
from accounts.auth_backend import find_person
from accounts.known_devices import find_known_device, remember_device
from accounts.limits import hash_login
from families import password_help
from families.errors import PasswordHelpNotUsable, WrongPasswordHelpCode
from families.forms import ForgottenPasswordForm, HelpedPasswordForm, OldPasswordForm, PasswordHelpCodeForm
from families.views.access import get_own_link_as_parent, require_teen
from kit.rate_limits import (
    ClientRateLimit,
    RateLimit,
    RateLimited,
    format_rate_limited,
    get_client_network,
    mark_rate_limited,
)

known_device_limit = RateLimit("password help, known device", "6/hour")
username_and_network_limit = RateLimit("password help, name", "6/hour")
# Far above the limit for one network, so that a stranger cannot keep a teen elsewhere from asking.
username_limit = RateLimit("password help, name from anywhere", "60/hour")
asker_limit = ClientRateLimit("password help asked", person="6/hour", network="100/hour", everyone="600/hour")
wrong_code_limit = RateLimit("password help code", "6/30minutes")
old_password_limit = RateLimit("old password", "10/hour")

# Session keys: the code on the screen, the request's id ("" if no parent can help), and the username with the time.
CODE_KEY, HELP_KEY, USERNAME_KEY = "password_help_code", "password_help", "password_help_asked"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Request help and show a code. The page is the same whether or not the username exists."""
    if request.user.is_authenticated:
        return redirect("accounts:account")
    form = ForgottenPasswordForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(
            request, "families/password_ask.html", {"form": form}, status=422 if form.errors else 200
        )
    username = form.cleaned_data["username"]
    if not _has_open_request(request, username):
        try:
            _count_request(request, username)
        except RateLimited as error:
            page = {"form": form, "error": format_rate_limited(error)}
            return mark_rate_limited(render(request, "families/password_ask.html", page), error)
        code = password_help.generate_code()
        help_request = password_help.request_password_help(username=username, code=code)
        request.session[CODE_KEY], request.session[HELP_KEY] = (
            code,
            str(help_request.pk) if help_request else "",
        )
        request.session[USERNAME_KEY] = [hash_login(username), time.time()]
    return redirect("families:password_wait")


def _has_open_request(request: HttpRequest, username: str) -> bool:
    """Return whether this browser has a code for the username: reload, Back and other tabs show the same one."""
    name, at = request.session.get(USERNAME_KEY, ("", 0.0))
    return bool(
        name == hash_login(username)
        and time.time() - at < password_help.PASSWORD_HELP_LIFETIME.total_seconds()
    )


def _count_request(request: HttpRequest, username: str) -> None:
    person = find_person(username)
    device = find_known_device(request, person) if person else None
    if person and device:
        known_device_limit.hit(person.pk, device)
        return
    username_and_network_limit.hit(hash_login(username), get_client_network(request))
    username_limit.hit(hash_login(username))
    asker_limit.hit(request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def wait(request: HttpRequest) -> HttpResponse:
    """Show the code until a parent has typed it, then the form for the new password."""
    if CODE_KEY not in request.session or request.user.is_authenticated:
        return redirect("families:password_ask")
    try:
        help_request = password_help.get_password_help(UUID(request.session[HELP_KEY]))
    except (PasswordHelpNotUsable, ValueError):
        code = request.session[CODE_KEY]
        page = {"code": f"{code[:3]} {code[3:]}", "has_asked_again": "again" in request.GET}
        return render(request, "families/password_wait.html", page)
    form = HelpedPasswordForm(help_request.teen, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        page = {"form": form, "teen": help_request.teen}
        return render(request, "families/password_new.html", page, status=422 if form.errors else 200)
    try:
        teen = password_help.use_password_help(
            help_id=help_request.pk, password=form.cleaned_data["password"]
        )
    except PasswordHelpNotUsable:
        return redirect("families:password_ask")
    for key in (CODE_KEY, HELP_KEY, USERNAME_KEY):
        request.session.pop(key, None)
    remember_device(request, teen)
    messages.success(request, _("Your new password is set. Sign in with it."))
    return redirect("accounts:sign_in")


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def give(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Let a parent type the code from the teen's screen."""
    link = get_own_link_as_parent(request, link_id)
    form = PasswordHelpCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            wrong_code_limit.hit(link.pk)
            password_help.grant_password_help(
                teen=link.teen, by=get_person(request), code=form.cleaned_data["code"]
            )
        except RateLimited as error:
            page = {"link": link, "form": form, "error": format_rate_limited(error)}
            return mark_rate_limited(render(request, "families/password_give.html", page), error)
        except WrongPasswordHelpCode:
            form.add_error("code", _("That code doesn’t match. Check their screen again."))
        else:
            wrong_code_limit.undo_hit(link.pk)
            text = _("Done. %(teen)s can choose a new password now, on the screen with the code.")
            messages.success(request, text % {"teen": link.teen})
            return redirect("families:family")
    page = {"link": link, "form": form}
    return render(request, "families/password_give.html", page, status=422 if form.errors else 200)


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("old_password")
def sealed(request: HttpRequest) -> HttpResponse:
    """Show what was sealed when a parent helped with the password, and unseal it with the old password."""
    teen = require_teen(request)
    form = OldPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            old_password_limit.hit(teen.pk)
        except RateLimited as error:
            page = {"form": OldPasswordForm(), "person": teen, "error": format_rate_limited(error)}
            return mark_rate_limited(render(request, "families/sealed.html", page), error)
        if password_help.unseal_data(teen=teen, old_password=form.cleaned_data["old_password"]):
            old_password_limit.undo_hit(teen.pk)
            messages.success(request, _("What you wrote before is unlocked."))
            return redirect("families:sealed")
        form.add_error("old_password", _("That wasn’t your old password. Capital letters matter."))
    page = {"form": form, "person": teen}
    return render(request, "families/sealed.html", page, status=422 if form.errors else 200)
