"""Require sign-in for a view, and keep a form that was sent after the session ended."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.models import Person
from kit.free_text import get_free_text

SESSION_KEY = "kept_form"
# The key under which Django stores a session's expiry.
EXPIRY_KEY = "_session_expiry"
UNSENT_FORM_SECONDS = 30 * 60
# The total of a form's values. A question has at most 8,000 characters.
MAX_UNSENT_FORM_CHARACTERS = 20_000
PAGE_ATTRIBUTE = "is_page_of_its_form"


@dataclass(frozen=True)
class UnsentForm:
    """A form that was sent without a session, kept so that its writer can send it again.

    `action` is the form's target and `back` the page it was on; both are paths on this site. `texts` has the fields
    that people write in, `others` the rest without the CSRF token.
    """

    action: str
    back: str
    texts: dict[str, str]
    others: dict[str, list[str]]
    kept_at: float

    @classmethod
    def from_request(cls, request: HttpRequest) -> Self | None:
        """Return the request's form, or None if it has no written text or is too long to keep."""
        texts = dict(get_free_text(request))
        if not texts:
            return None
        others = {
            name: [str(value) for value in values]
            for name, values in request.POST.lists()
            if name not in texts and name != "csrfmiddlewaretoken"
        }
        size = sum(map(len, texts.values())) + sum(
            len(value) for values in others.values() for value in values
        )
        if size > MAX_UNSENT_FORM_CHARACTERS:
            return None
        return cls(request.path, get_referring_path(request), texts, others, time.time())


def sign_in_required[**P](
    view: Callable[P, HttpResponseBase],
) -> Callable[P, HttpResponseBase]:
    """Like Django's `login_required`, but keep a form that was sent without a session.

    After sign-in, a GET returns to the same address. A POST returns to the form's page, because many addresses
    accept only POST. The text that the person wrote is kept in the session and offered for sending again.
    """

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request = args[0]
        assert isinstance(request, HttpRequest)  # noqa: S101 - for the type checker: views take the request first
        is_form = request.method not in {"GET", "HEAD"}
        if not request.user.is_authenticated:
            return _redirect_to_sign_in(request) if is_form else redirect_to_login(request.get_full_path())
        if is_form:
            delete_unsent_form(request)
        return view(*args, **kwargs)

    return checked


def page_of_its_form[V: Callable[..., HttpResponseBase]](view: V) -> V:
    """Decorate a view that shows its form at the address that takes it: after sign-in, the form leads back to it.

    It must be among the innermost decorators; the others copy its attribute.
    """
    setattr(view, PAGE_ATTRIBUTE, True)
    return view


def get_person(request: HttpRequest) -> Person:
    """Return the signed-in person. Use only in views that require sign-in."""
    person = request.user
    assert isinstance(person, Person)  # noqa: S101 - for the type checker: callers require sign-in
    return person


def _redirect_to_sign_in(request: HttpRequest) -> HttpResponse:
    form = UnsentForm.from_request(request)
    if form:
        if request.session.is_empty():
            # If the visitor never signs in, the text expires with the session.
            request.session.set_expiry(UNSENT_FORM_SECONDS)
        request.session[SESSION_KEY] = asdict(form)
    after = reverse("accounts:unsent_form") if form else get_referring_path(request)
    address = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': after})}"
    if is_htmx(request):
        return HttpResponseClientRedirect(address, status=HTTPStatus.UNAUTHORIZED)
    return redirect(address)


def is_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sent the request. `request.htmx` says so too, but not yet in middleware before htmx's own."""
    return bool(HtmxDetails(request))


def get_referring_path(request: HttpRequest) -> str:
    """Return the path of the page that sent the form, or the home page's if no header says."""
    for url in (HtmxDetails(request).current_url, request.headers.get("Referer")):
        if url and url_has_allowed_host_and_scheme(
            url, {request.get_host()}, require_https=request.is_secure()
        ):
            parts = urlsplit(url)
            is_page = parts.path != request.path or _is_page(request)
            if is_page and parts.path != resolve_url(settings.LOGIN_URL):
                return parts.path + (f"?{parts.query}" if parts.query else "")
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def _is_page(request: HttpRequest) -> bool:
    return request.resolver_match is not None and hasattr(request.resolver_match.func, PAGE_ATTRIBUTE)


def find_unsent_form(request: HttpRequest) -> UnsentForm | None:
    """Return the form that waits to be sent again, or None after half an hour."""
    stored: dict[str, Any] | None = request.session.get(SESSION_KEY)
    if stored is None:
        return None
    form = UnsentForm(**stored)
    return form if time.time() - form.kept_at < UNSENT_FORM_SECONDS else None


def delete_unsent_form(request: HttpRequest) -> None:
    """Delete the unsent form, and the session too if it held nothing else."""
    if request.session.pop(SESSION_KEY, None) is not None and not set(request.session.keys()) - {EXPIRY_KEY}:
        # The session was created for this form only.
        request.session.flush()
