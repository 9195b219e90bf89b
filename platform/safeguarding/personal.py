"""The personal data of this room: a teen's incidents and the looks at them, and what reviewers do."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from privacy.registry import DataKind, Retention, Row, erased_by_cascade
from safeguarding.models import (
    LOOK_KINDS,
    HumanReview,
    Incident,
    IncidentEntry,
    IncidentMessage,
    OnCallShift,
)
from safeguarding.retention import UNLINKED_AFTER, delete_expired_incident_data, delete_words
from safeguarding.teen_page import list_own_incidents


def export_incidents(person: Person) -> Iterator[Row]:
    """Yield one row for each message of a person's incidents, oldest first, without the sealed ones."""
    messages = IncidentMessage.objects.filter(incident__in=list_own_incidents(person)).select_related(
        "incident"
    )
    for message in messages.order_by("said_at", "pk").iterator():
        incident = message.incident
        yield {
            "said_at": message.said_at,
            "level": message.get_level_display(),
            "excerpt": message.excerpt,
            "incident": str(incident.pk),
            "closed_at": incident.closed_at,
            "teen_answer": incident.get_teen_answer_display() if incident.teen_asked_at else "",
            "alerted_at": incident.alerted_at,
            "alerts_frozen_at": incident.alerts_frozen_at,
        }


def erase_incidents(person: Person) -> None:
    """Empty excerpts and notes of a teen's incidents and unlink them. Levels, times and acts stay."""
    incidents = Incident.objects.filter(teen=person)
    keys = list(incidents.select_for_update(no_key=True).values_list("pk", flat=True))
    delete_words(Incident.objects.filter(pk__in=keys))
    incidents.update(teen=None)


def export_looks(person: Person) -> Iterator[Row]:
    """Yield every look of a reviewer at a person's words, oldest first."""
    looks = IncidentEntry.objects.filter(incident__in=list_own_incidents(person), kind__in=LOOK_KINDS)
    for look in looks.order_by("at", "pk").iterator():
        yield {
            "at": look.at,
            "what": look.get_kind_display(),
            "who": look.by_name,
            "reason": look.note,
            "incident": str(look.incident_id),
        }


def export_reviewing(person: Person) -> Iterator[Row]:
    """Yield a reviewer's shifts and what they did with incidents."""
    for shift in OnCallShift.objects.filter(reviewer=person).iterator():
        yield {"at": None, "what": str(shift), "zone": shift.time_zone, "note": "", "incident": ""}
    entries = IncidentEntry.objects.filter(by_id_number=person.pk).select_related("incident")
    for entry in entries.order_by("at", "pk").iterator():
        kind = entry.get_kind_display()
        yield {
            "at": entry.at,
            "what": _("drill: %(what)s") % {"what": kind} if entry.incident.is_drill else kind,
            "zone": "",
            "note": entry.note,
            "incident": str(entry.incident_id),
        }


INCIDENTS = DataKind(
    name="incidents",
    title=_("Crises that people may review"),
    description=_(
        "Only where this site says that people review crises: the part of a message that shows the danger, its level, "
        "and what was done, so that someone can help."
    ),
    retention=Retention(
        text=_(
            "The part of the message is deleted after the days that the organization has set, at most a year. "
            "%(days)d days after it was closed, nothing links an incident to you, unless you said that home isn’t "
            "safe: then we keep that, so that no parent is told."
        ),
        days=UNLINKED_AFTER.days,
        counted_from=_("the end of the incident"),
        delete_expired=delete_expired_incident_data,
        task="safeguarding.tasks.delete_expired_incident_data",
    ),
    visible_to=_(
        "Reviewers of this site, and you see each time they look. If home may not be safe, only the person "
        "responsible and their deputies. Parents never see it, even if they are reviewers."
    ),
    erasure_removes=_("What you wrote in a crisis, and notes about it"),
    erasure_keeps=_("The level, the times and what reviewers did, without your name or your words."),
    is_private=True,
    models=(Incident, IncidentMessage),
    labels={
        "said_at": _("when"),
        "level": _("level"),
        "excerpt": _("part of the message"),
        "incident": _("incident ID"),
        "closed_at": _("closed"),
        "teen_answer": _("whom you said to tell"),
        "alerted_at": _("a parent was told"),
        "alerts_frozen_at": _("no parent is told, since"),
    },
    export=export_incidents,
    erase=erase_incidents,
)
LOOKS = DataKind(
    name="looks",
    title=_("Looks at a crisis"),
    description=_("Each time a reviewer read a part of what you wrote, and why, so that you know."),
    retention=Retention(text=_("They are kept as long as the incident is linked to you.")),
    visible_to=_("You and the reviewers of this site. Parents never see it."),
    erasure_removes=_("The reasons for each look"),
    is_private=True,
    models=(IncidentEntry,),
    labels={
        "at": _("when"),
        "what": _("what was read"),
        "who": _("who"),
        "reason": _("why"),
        "incident": _("incident ID"),
    },
    export=export_looks,
    # With the incident.
    erase=erased_by_cascade,
)
REVIEWING = DataKind(
    name="reviewing",
    title=_("Work as a reviewer"),
    description=_("For people who review crises: when they are on call, and what they did."),
    retention=Retention(text=_("Shifts are kept until they are deleted. What was done is never deleted.")),
    visible_to=_("Reviewers of this site. A teen reads who looked at their words, and when."),
    erasure_removes=_("Your shifts on call"),
    erasure_keeps=_("What you did as a reviewer, with your name: it is the record of an incident."),
    is_private=True,
    models=(OnCallShift, HumanReview),
    labels={
        "at": _("when"),
        "what": _("what"),
        "zone": _("time zone"),
        "note": _("note"),
        "incident": _("incident ID"),
    },
    export=export_reviewing,
    erase=erased_by_cascade,
)
KINDS = (INCIDENTS, LOOKS, REVIEWING)
