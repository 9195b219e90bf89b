"""An incident's page: its state and history, what a reviewer reads of it, and what they do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.access import get_person, is_htmx
from accounts.models import Person
from guard import Level
from safeguarding import alerting, reviewing
from safeguarding.alerting import ALERT_LEVELS, TEEN_ANSWER_TIME, AlertRefused, is_frozen
from safeguarding.context import ContextLine
from safeguarding.models import Incident, IncidentMessage, Resolution
from safeguarding.readers import is_lead, list_leads
from safeguarding.reviewer_pages.access import incident_reader_required
from safeguarding.reviewer_pages.drill import build_drill_part
from safeguarding.reviewer_pages.forms import NoteForm
from safeguarding.reviewing import (
    AlreadyClaimed,
    IncidentClosed,
    MessageArrived,
    NoLead,
    NotClaimed,
    ReasonMissing,
)

ALERT_REFUSALS: Mapping[str, str | Promise] = {
    AlertRefused.LEVEL: gettext_lazy("At this level no parent is told."),
    AlertRefused.FROZEN: gettext_lazy("No parent may be told about this teen. This is permanent."),
    AlertRefused.WAITING: gettext_lazy("The teen was asked and still has time to answer."),
    AlertRefused.NOT_ASKED: gettext_lazy("Ask the teen first."),
    AlertRefused.ADULT_CHOSEN: gettext_lazy("The teen chose their other adult. No parent may be told."),
    AlertRefused.NO_ADULT: gettext_lazy(
        "The teen has named no other adult, or you haven’t read yet how to reach them."
    ),
    AlertRefused.NO_PARENT: gettext_lazy("No parent is linked to this teen."),
    AlertRefused.TOLD: gettext_lazy("The parents were told already."),
    AlertRefused.GONE: gettext_lazy("The teen’s account was deleted. There is no one to ask or to tell."),
    AlertRefused.DRILL: gettext_lazy("This is a drill. No one is asked or told."),
}


class ResolutionMissing(Exception):
    """An incident cannot be closed without an outcome."""


REFUSALS = (
    *(AlertRefused, AlreadyClaimed, IncidentClosed, MessageArrived),
    *(NoLead, NotClaimed, ReasonMissing, ResolutionMissing),
)


REFUSAL_TEXTS: Mapping[type[Exception], str | Promise] = {
    IncidentClosed: gettext_lazy("It is closed. Nothing about it can be changed."),
    MessageArrived: gettext_lazy("Another message has come since you opened this page. Read it first."),
    NoLead: gettext_lazy(
        "There is no one to pass it to: no one else is recorded as responsible or as a deputy."
    ),
    NotClaimed: gettext_lazy("Claim it first. Someone else may have claimed it in the meantime."),
    ReasonMissing: gettext_lazy("Say why. The teen reads your reason."),
    ResolutionMissing: gettext_lazy("Choose how it ended."),
}


def describe_refusal(error: Exception) -> str:
    """Return why an act was refused, in a sentence."""
    match error:
        case AlertRefused():
            return str(ALERT_REFUSALS[error.reason])
        case AlreadyClaimed():
            return _("%(who)s has claimed it. You can take it over.") % {"who": error.incident.claimed_by}
    return str(REFUSAL_TEXTS[type(error)])


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that a reviewer does with a button. `done` is the message afterward."""

    do: Callable[..., object]
    done: str | Promise
    # The name under which `do` takes the form's text, or "".
    note: str = ""
    # Whether the reviewer is done with this incident, so that the list comes next.
    ends_work: bool = False
    # Other fields of the form that `do` takes: what the page showed when the button was pressed.
    form_fields: tuple[str, ...] = ()


def _close(
    *, incident_id: UUID, by: Person, note: str, resolution: str = "", shown_messages: int | None = None
) -> Incident:
    if not resolution:
        raise ResolutionMissing
    return reviewing.close_incident(
        incident_id=incident_id,
        by=by,
        resolution=Resolution(resolution),
        note=note,
        shown_messages=shown_messages,
    )


ACTS: Mapping[str, Act] = {
    "claim": Act(do=reviewing.claim_incident, done=gettext_lazy("You have claimed it.")),
    "take_over": Act(
        do=partial(reviewing.claim_incident, takes_over=True),
        done=gettext_lazy("You have taken it over."),
        form_fields=("takes_over_from",),
    ),
    "release": Act(
        do=reviewing.release_incident,
        done=gettext_lazy("It’s waiting for someone again."),
        note="note",
        ends_work=True,
    ),
    "skip": Act(
        do=reviewing.skip_incident,
        done=gettext_lazy("It’s left to the others."),
        note="note",
        ends_work=True,
    ),
    "note": Act(do=reviewing.add_note, done=gettext_lazy("Your note was added."), note="note"),
    "hand_up": Act(
        do=reviewing.hand_up_incident,
        done=gettext_lazy("The responsible person was told."),
        note="note",
        ends_work=True,
    ),
    "close": Act(
        do=_close,
        done=gettext_lazy("It is closed."),
        note="note",
        ends_work=True,
        form_fields=("resolution", "shown_messages"),
    ),
    "ask_teen": Act(do=alerting.ask_teen, done=gettext_lazy("The teen’s pages now show the question.")),
    "tell_parents": Act(
        do=alerting.tell_parents, done=gettext_lazy("The parents were told."), note="no_time_reason"
    ),
    "adult_told": Act(
        do=alerting.record_other_adult_told, done=gettext_lazy("Recorded: you told the other adult.")
    ),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows beyond the incident: only what was logged first."""

    excerpts: list[IncidentMessage] = field(default_factory=list)
    context: list[ContextLine] = field(default_factory=list)
    has_context: bool = False
    # The other adult's name and how to reach them.
    adult: tuple[str, str] | None = None
    # Why the last act was refused, which act it was, and what was typed.
    refusal: str = ""
    refused_act: str = ""
    note: str = ""


@incident_reader_required
@require_safe
def incident(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Show an incident without the teen's words."""
    return _render_incident(request, incident_id, Shown())


@incident_reader_required
@require_POST
def excerpt(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Log the look and its reason, if it needs one, then show the excerpts."""
    look = partial(reviewing.look_at_excerpts, incident_id=incident_id, by=get_person(request))
    return _look(request, incident_id, look, lambda found: Shown(excerpts=found))


@incident_reader_required
@require_POST
def context(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Log the look and its reason, then show the questions around the messages."""
    look = partial(reviewing.look_at_context, incident_id=incident_id, by=get_person(request))
    return _look(request, incident_id, look, lambda lines: Shown(context=lines, has_context=True))


@incident_reader_required
@require_POST
def adult(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Log the look and its reason, then show how to reach the teen's other adult."""
    look = partial(alerting.look_at_other_adult, incident_id=incident_id, by=get_person(request))
    return _look(request, incident_id, look, lambda found: Shown(adult=found))


def _look(
    request: HttpRequest, incident_id: UUID, look: Callable[..., Any], build: Callable[[Any], Shown]
) -> HttpResponse:
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _refuse(request, incident_id, _get_first_error(form), form.data.get("note", ""))
    try:
        found = look(reason=form.cleaned_data["note"])
    except REFUSALS as error:
        return _refuse(request, incident_id, describe_refusal(error), form.cleaned_data["note"])
    return _render_incident(request, incident_id, build(found))


@incident_reader_required
@require_POST
def act(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Do one of ACTS, or say why not."""
    chosen, form = ACTS.get(request.POST.get("act", "")), NoteForm(request.POST)
    if chosen is None:
        raise Http404
    if not form.is_valid():
        return _refuse(request, incident_id, _get_first_error(form), form.data.get("note", ""))
    arguments: dict[str, Any] = {chosen.note: form.cleaned_data["note"].strip()} if chosen.note else {}
    arguments |= {name: form.cleaned_data[name] for name in chosen.form_fields}
    try:
        chosen.do(incident_id=incident_id, by=get_person(request), **arguments)
    except REFUSALS as error:
        return _refuse(request, incident_id, describe_refusal(error), form.cleaned_data["note"])
    messages.success(request, str(chosen.done))
    return redirect("review:queue") if chosen.ends_work else redirect("review:incident", incident_id)


def _get_first_error(form: NoteForm) -> str:
    return next(str(error) for errors in form.errors.values() for error in errors)


def _refuse(request: HttpRequest, incident_id: UUID, sentence: str, note: str) -> HttpResponse:
    """Show the page again with the sentence and what was typed."""
    name = request.POST.get("act") or (request.resolver_match.url_name if request.resolver_match else "")
    shown = Shown(refusal=sentence, refused_act=name or "", note=note)
    return _render_incident(request, incident_id, shown, status=HTTPStatus.CONFLICT)


def _render_incident(
    request: HttpRequest, incident_id: UUID, shown: Shown, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    person = get_person(request)
    found = reviewing.get_incident(incident_id, by=person)
    is_mine = found.is_open and found.claimed_by_id == person.pk
    level = Level(found.level)
    # Without the excerpts: words are shown only after the look was logged.
    rows = list(found.messages.defer("excerpt").order_by("said_at", "pk"))
    page = {
        "person": person,
        "incident": found,
        "rows": rows,
        "entries": found.entries.order_by("at", "pk"),
        "shown": shown,
        "is_mine": is_mine,
        "is_frozen": is_frozen(found),
        # Only some may know why. At level 4 all do, because it decides where help is sent.
        "may_know_why_frozen": level > Level.STATED or is_lead(person),
        "needs_reason": reviewing.needs_reason(found, person),
        "is_gone": found.teen is None and not found.is_drill,
        "can_hand_up": is_mine and any(lead != person for lead in list_leads()),
        "has_alerts": level in ALERT_LEVELS,
        "is_acute": level == Level.ACUTE,
        "answer_minutes": TEEN_ANSWER_TIME[level].seconds // 60 if level in ALERT_LEVELS else 0,
        "is_waiting_for_teen": found.is_waiting_for_teen(),
        "outcomes": [(value, label) for value, label in Resolution.choices if value],
        **build_drill_part(found),
    }
    template = "safeguarding/review/incident.html"
    is_update = is_htmx(request) and request.method == "GET"
    return render(request, f"{template}#update" if is_update else template, page, status=status)
