"""What somebody is told who must wait: the time in words, and their own words back (ADR 45)."""

from django import forms
from django.forms.utils import ErrorDict
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.throttle import MailedOften, TooOften

MINUTE, HOUR = 60, 3600


def wait_in_words(seconds: int) -> str:
    """A wait as people say it, never shorter than it is: "40 seconds", "5 minutes", "1 hour"."""
    if seconds < MINUTE:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = -(-seconds // MINUTE)
    if minutes < HOUR // MINUTE:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = -(-seconds // HOUR)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def too_often_said(refusal: TooOften) -> str:
    """The wait in words, beside a form that still holds what was typed."""
    said = _("Too many tries. Wait %(wait)s, then try again. What you typed is still here.")
    if isinstance(refusal, MailedOften):
        said = _(
            "We have written to that address several times already. Look in its mailbox, also among the spam. "
            "In %(wait)s we can write again. What you typed is still here."
        )
    return said % {"wait": wait_in_words(refusal.wait_seconds)}


def slowed[Response: HttpResponse](response: Response, refusal: TooOften) -> Response:
    """The answer as one that asks to wait: 429, with the time in a header for programs."""
    response.status_code = 429
    response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def unjudged[Form: forms.BaseForm](form: Form) -> Form:
    """A form with what was typed, to be shown again without being judged: that may cost as much as taking it."""
    setattr(form, "_errors", ErrorDict())  # noqa: B010 - Django judges a form when it is first asked for its errors
    return form
