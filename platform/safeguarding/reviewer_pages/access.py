"""Who may open the pages of reviewers. To others they do not exist."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from kit.not_found import raise_404_on
from safeguarding.models import Incident
from safeguarding.on_call import can_review, can_switch_review, list_on_call
from safeguarding.readers import ForLeadOnly, find_readers
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


type IncidentView = Callable[[HttpRequest, UUID], HttpResponseBase]


def incident_reader_required(view: IncidentView) -> IncidentView:
    """Show the page to people who may open the incident.

    At S, other reviewers get a page that says whom it waits for. To the teen's family the incident does not exist.
    """

    @reviewer_required
    @wraps(view)
    def checked(request: HttpRequest, incident_id: UUID) -> HttpResponseBase:
        try:
            with raise_404_on(Incident.DoesNotExist):
                return view(request, incident_id)
        except ForLeadOnly as closed:
            return _render_for_lead_only(request, closed.incident)

    return checked


def _render_for_lead_only(request: HttpRequest, incident: Incident) -> HttpResponse:
    readers = find_readers(incident).readers
    page = {
        "person": get_person(request),
        "incident": incident,
        "readers": readers,
        "on_call": [person for person in list_on_call() if person in readers],
    }
    return render(request, "safeguarding/review/for_lead.html", page, status=HTTPStatus.FORBIDDEN)


def switcher_required[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Show the page to people who may switch human review on and off, and answer 404 to other people."""
    return _allow_only(can_switch_review, view)


def report_required[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Show the page to people who may read the yearly report, and answer 404 to other people."""
    return _allow_only(can_view_report, view)
