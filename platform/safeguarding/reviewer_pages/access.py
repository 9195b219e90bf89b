"""Who may open the pages of reviewers. To others they do not exist."""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from safeguarding.on_call import can_review, can_switch_review
from safeguarding.yearly_report import can_view_report

type Check = Callable[[Person], bool]


def _allow_only[**P](check: Check, view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request = args[0]
        assert isinstance(request, HttpRequest)  # noqa: S101 - for the type checker: views take the request first
        if not check(get_person(request)):
            raise Http404
        return view(*args, **kwargs)

    return sign_in_required(checked)


def reviewer_required[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Show the page to people who may review incidents, and answer 404 to other people."""
    return _allow_only(can_review, view)


def switcher_required[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Show the page to people who may switch human review on and off, and answer 404 to other people."""
    return _allow_only(can_switch_review, view)


def report_required[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Show the page to people who may read the yearly report, and answer 404 to other people."""
    return _allow_only(can_view_report, view)
