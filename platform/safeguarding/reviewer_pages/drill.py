"""Starting a drill from the list, and the part of its page that simulates asking and telling."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import get_person
from accounts.models import Person
from guard import Level
from kit.not_found import raise_404_on
from safeguarding.alert_texts import build_alert
from safeguarding.alerting import ALERT_LEVELS
from safeguarding.drill import (
    DRILL_LEVELS,
    DrillOpen,
    DrillTimes,
    NoDrill,
    RealIncidentWaits,
    ask_imagined_teen,
    measure_drill,
    start_drill,
    tell_imagined_adult,
    tell_imagined_parents,
)
from safeguarding.models import AlertAnswer, Incident, LevelChoices
from safeguarding.readers import list_visible_incidents
from safeguarding.reviewer_pages.access import incident_reader_required, reviewer_required
from safeguarding.reviewer_pages.forms import NoteForm

DRILL_CHOICES = [(level.value, LevelChoices(level.value).label) for level in DRILL_LEVELS]
ANSWER_CHOICES: list[tuple[str, str | Promise]] = [
    *((answer.value, answer.label) for answer in AlertAnswer if answer),
    (AlertAnswer.NONE.value, gettext_lazy("no answer before time runs out")),
]
STEPS: dict[str, str | Promise] = {
    "notified": pgettext_lazy("drill", "People on call were told"),
    "looked": pgettext_lazy("drill", "First look"),
    "claimed": pgettext_lazy("drill", "Claimed"),
    "asked": pgettext_lazy("drill", "The teen was asked"),
    "told": pgettext_lazy("drill", "An adult would have been told"),
    "closed": pgettext_lazy("drill", "Closed"),
}


class LevelForm(forms.Form):
    level = forms.ChoiceField(choices=DRILL_CHOICES)


class AnswerForm(forms.Form):
    answer = forms.ChoiceField(choices=ANSWER_CHOICES, required=False)


@reviewer_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Start a drill. The list then shows it, as it shows a real incident."""
    form = LevelForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        start_drill(level=Level(form.cleaned_data["level"]), by=get_person(request))
    except DrillOpen as error:
        messages.warning(request, _("This drill is still open. Close it first."))
        return redirect("review:incident", error.drill.pk)
    except RealIncidentWaits:
        messages.warning(request, _describe_waiting(get_person(request)))
    else:
        messages.success(request, _("The drill has started. The people on call are being told."))
    return redirect("review:queue")


def _describe_waiting(person: Person) -> str:
    visible = list_visible_incidents(person).filter(closed_at=None, claimed_by=None, is_drill=False)
    if visible.exists():
        return _("No drill was started: a real incident is waiting for someone to claim it.")
    # It is about the person's own family, and they must not know.
    return _("No drill can be started right now. Please try again later.")


@incident_reader_required
@require_POST
def act(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Simulate an act that needs a teen or an adult, or say why it would be refused."""
    from safeguarding.reviewer_pages.incident import REFUSALS, describe_refusal  # noqa: PLC0415 - it shows this part

    try:
        with raise_404_on(NoDrill):
            done = _simulate(request, incident_id, get_person(request))
    except REFUSALS as error:
        messages.warning(request, describe_refusal(error))
    else:
        messages.success(request, done)
    return redirect("review:incident", incident_id)


def _simulate(request: HttpRequest, incident_id: UUID, by: Person) -> str:
    match request.POST.get("act", ""):
        case "ask_teen":
            form = AnswerForm(request.POST)
            if not form.is_valid():
                raise Http404
            answer = AlertAnswer(form.cleaned_data["answer"])
            ask_imagined_teen(incident_id=incident_id, by=by, answer=answer)
            return _("The imagined teen was asked.")
        case "tell_parents":
            note = NoteForm(request.POST)
            reason = note.cleaned_data["note"] if note.is_valid() else ""
            tell_imagined_parents(incident_id=incident_id, by=by, no_time_reason=reason)
            return _("Nothing was sent. What parents would have been sent is below.")
        case "adult_told":
            tell_imagined_adult(incident_id=incident_id, by=by)
            return _("Noted. In a real incident, you would have called the other adult.")
    raise Http404


def build_drill_part(incident: Incident) -> dict[str, Any]:
    """Return what the page of a drill shows beside what every incident's page shows; nothing for a real one."""
    if not incident.is_drill:
        return {}
    return {
        # The drill's own part has asking and telling.
        "has_alerts": False,
        "drill_has_alerts": Level(incident.level) in ALERT_LEVELS,
        "drill_answers": ANSWER_CHOICES,
        "drill_alert": build_alert(Level(incident.level)) if incident.alerted_at else None,
        "drill_times": list_drill_times(measure_drill(incident)),
    }


def list_drill_times(times: DrillTimes) -> list[tuple[str, str]]:
    """Return what happened in the drill, with the time since its message."""
    moments = ((label, getattr(times, name)) for name, label in STEPS.items())
    return [(str(label), format_elapsed(elapsed)) for label, elapsed in moments if elapsed is not None]


def format_elapsed(elapsed: timedelta) -> str:
    """Return a time such as “0.4 s”, “12 s” or “3 min 5 s”."""
    seconds = elapsed.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - tenths matter only there
        return _("%(seconds).1f s") % {"seconds": seconds}
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return _("%(seconds)d s") % {"seconds": rest}
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
