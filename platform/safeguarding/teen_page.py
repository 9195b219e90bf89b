"""A teen's own page about their crises: what happens now, who looked and why, and who may tell an adult.

Only the teen sees it. Nothing here says to anyone else that it exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Person, Role
from accounts.zones import format_time_in_zone
from families.trusted_adults import find_trusted_adult
from guard import Level
from safeguarding.alert_texts import TeenQuestion, build_teen_question
from safeguarding.card_review import (
    OnCallNow,
    format_next_on_call,
    get_on_call_now,
    get_organization,
    has_ever_been_reviewed,
    is_on_call,
)
from safeguarding.models import LOOK_KINDS, AlertAnswer, EntryKind, Incident, IncidentEntry, Resolution
from safeguarding.readers import is_for_lead

SHOWN_INCIDENTS = 50
# What the teen reads for each kind of entry. Notes, and what reviewers arrange among themselves, are not shown.
ENTRY_TEXTS = {
    EntryKind.OPENED: gettext_lazy("A help card appeared instead of an answer."),
    EntryKind.OPENED_BY_ANSWER: gettext_lazy(
        "You said that home isn’t safe, so this was opened for the person responsible."
    ),
    EntryKind.MESSAGE: gettext_lazy("Another help card appeared."),
    EntryKind.NOTIFIED: gettext_lazy(
        "The people on call were told that something is waiting, not what you wrote."
    ),
    EntryKind.UNATTENDED: gettext_lazy("No one was on call."),
    EntryKind.ESCALATED: gettext_lazy("No one had taken it on yet, so everyone who may do so was told."),
    EntryKind.CLAIMED: gettext_lazy("%(who)s took it on."),
    EntryKind.TAKEN_OVER: gettext_lazy("%(who)s took it on."),
    EntryKind.KEPT_FOR_LEAD: gettext_lazy(
        "From here on, only the person responsible or someone who stands in for them may read it."
    ),
    EntryKind.LAPSED: gettext_lazy("No one is working on it now. It’s waiting for someone again."),
    EntryKind.HANDED_UP: gettext_lazy("%(who)s passed it to the person responsible."),
    EntryKind.LOOKED_AT_EXCERPT: gettext_lazy("%(who)s read a short part of what you wrote."),
    EntryKind.LOOKED_AT_CONTEXT: gettext_lazy("%(who)s read your questions before and after it."),
    EntryKind.LOOKED_AT_ADULT: gettext_lazy("%(who)s read how to reach the adult you named."),
    EntryKind.TEEN_ASKED: gettext_lazy("%(who)s asked you whom to tell."),
    EntryKind.TEEN_ANSWERED: gettext_lazy("You answered: “%(answer)s”."),
    EntryKind.PARENT_TOLD: gettext_lazy(
        "%(who)s told your parent that there are signs of a serious risk, and nothing that you wrote."
    ),
    EntryKind.OTHER_ADULT_TOLD: gettext_lazy("%(who)s told the adult you named."),
    EntryKind.FROZEN: gettext_lazy("No parent will be told."),
    EntryKind.RESOLVED: gettext_lazy("%(who)s closed it after following up."),
    EntryKind.FALSE_ALARM: gettext_lazy("%(who)s closed it: there was no danger in it."),
    EntryKind.EXCERPTS_DELETED: gettext_lazy("What you wrote was deleted here too."),
}
KINDS_WITH_REASON = frozenset((*LOOK_KINDS, EntryKind.PARENT_TOLD))


@dataclass(frozen=True, kw_only=True)
class ShownEntry:
    """An entry of an incident's history as its teen reads it. `reason` is a reviewer's own words, or ""."""

    entry: IncidentEntry
    text: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShownQuestion:
    """The question whom to tell, with the answers that the teen can still give."""

    incident: Incident
    question: TeenQuestion
    answers: Sequence[tuple[AlertAnswer, str]]
    # What is said after the answer, or "".
    thanks: str
    # Whether the teen could still name another adult.
    can_name_adult: bool


@dataclass(frozen=True, kw_only=True)
class ShownIncident:
    incident: Incident
    now: str
    # Who may read it, at S; or "".
    readers: str
    resuming: str
    entries: Sequence[ShownEntry]
    question: ShownQuestion | None


def has_own_page(person: Person) -> bool:
    """Return whether pages link to the person's own page: a teen's, on a site where crises are or were reviewed."""
    return person.role == Role.TEEN and has_ever_been_reviewed()


def list_own_incidents(person: Person) -> QuerySet[Incident]:
    """List a person's incidents, newest first, without drills and sealed ones."""
    own = Incident.objects.filter(teen=person, is_drill=False).order_by("-opened_at", "pk")
    return own.filter(opened_at__gt=person.sealed_before) if person.sealed_before else own


def list_shown_incidents(person: Person) -> list[ShownIncident]:
    """Return a person's incidents as their own page shows them."""
    entries = Prefetch("entries", IncidentEntry.objects.filter(kind__in=ENTRY_TEXTS).order_by("at", "pk"))
    incidents = list(list_own_incidents(person).prefetch_related(entries)[:SHOWN_INCIDENTS])
    return [_build_shown_incident(incident, person) for incident in incidents]


def find_waiting_question(person: Person) -> ShownQuestion | None:
    """Return the question that waits for the person's answer, or None. Without human review there is no query."""
    if not has_own_page(person):
        return None
    waiting = list_own_incidents(person).filter(
        closed_at=None, teen_asked_at__isnull=False, teen_answer="", teen_answer_until__gt=timezone.now()
    )
    incident = waiting.first()
    return _build_question(incident, person) if incident else None


def _build_shown_incident(incident: Incident, person: Person) -> ShownIncident:
    question = _build_question(incident, person)
    build = partial(_build_entry, question=question)
    return ShownIncident(
        incident=incident,
        now=_describe_now(incident, person),
        readers=_describe_readers(incident),
        resuming=_describe_resuming(incident) if incident.is_open else "",
        entries=[shown for entry in incident.entries.all() if (shown := build(entry))],
        question=question,
    )


def _build_question(incident: Incident, person: Person) -> ShownQuestion | None:
    if incident.teen_asked_at is None or incident.teen_answer_until is None:
        return None
    question = build_teen_question(
        organization=get_organization(),
        until=format_time_in_zone(incident.teen_answer_until, person.zone),
    )
    answer = AlertAnswer(incident.teen_answer)
    has_adult = find_trusted_adult(person) is not None
    possible = _list_possible_answers(incident, answer, has_adult=has_adult)
    return ShownQuestion(
        incident=incident,
        question=question,
        answers=[(choice, question.answers[choice]) for choice in possible],
        thanks=question.thanks.get(answer, ""),
        can_name_adult=not answer and not has_adult and incident.is_open,
    )


def _list_possible_answers(
    incident: Incident, answer: AlertAnswer, *, has_adult: bool
) -> Sequence[AlertAnswer]:
    """Return the answers that still change something. Home can be called unsafe at any later time."""
    if answer == AlertAnswer.UNSAFE:
        return ()
    if answer or incident.alerted_at or not incident.is_open:
        return (AlertAnswer.UNSAFE,)
    others = (AlertAnswer.OTHER_ADULT,) if has_adult else ()
    return (AlertAnswer.PARENT, *others, AlertAnswer.UNSAFE)


def _describe_now(incident: Incident, person: Person) -> str:
    if incident.resolution == Resolution.FALSE_ALARM:
        return _("This is closed. Nothing more will happen.")
    organization = {"organization": get_organization()}
    if not incident.is_open:
        return _("This is closed: %(organization)s has followed up on it.") % organization
    if incident.is_waiting_for_teen():
        return _(
            "Someone at %(organization)s would like to tell an adult, and is waiting for your answer."
        ) % (organization)
    if incident.claimed_by_id:
        return _describe_claimed(incident)
    if is_for_lead(incident.level):
        return _describe_leads_on_call(incident, person)
    return _describe_on_call(incident, person)


def _describe_claimed(incident: Incident) -> str:
    organization = {"organization": get_organization()}
    if is_on_call(incident.claimed_by_id):
        return _("Someone at %(organization)s is taking care of it now.") % organization
    return (
        _("Someone at %(organization)s has taken it on. They aren’t on call now, so it may take a while.")
        % organization
    )


def _describe_on_call(incident: Incident, person: Person) -> str:
    on_call = get_on_call_now(incident)
    if not on_call.has_readers:
        return _describe_no_reader(on_call)
    if on_call.is_someone_on_call:
        return _(
            "Someone at %(organization)s is on call and was told that something is waiting. No one has taken it on yet."
        ) % {"organization": on_call.organization}
    if next_on_call := format_next_on_call(on_call, person.zone):
        return _("No one is on call now. Someone will be on call from %(when)s.") % {"when": next_on_call}
    return _("No one is on call now, and we can’t say when someone will be.")


def _describe_leads_on_call(incident: Incident, person: Person) -> str:
    """Describe the same for the responsible person and the deputies, the only ones who may open an incident at S."""
    on_call = get_on_call_now(incident)
    if not on_call.has_readers:
        return _describe_no_reader(on_call)
    if on_call.is_someone_on_call:
        return _(
            "Someone who may read it is on call and was told that something is waiting. No one has taken it on yet."
        )
    if next_on_call := format_next_on_call(on_call, person.zone):
        return _("No one who may read it is on call now. Someone will be on call from %(when)s.") % {
            "when": next_on_call
        }
    return _("No one who may read it is on call now, and we can’t say when someone will be.")


def _describe_readers(incident: Incident) -> str:
    if not is_for_lead(incident.level):
        return ""
    return _(
        "Only the person responsible at %(organization)s, or someone who stands in for them, may read it."
    ) % {"organization": get_organization()}


def _describe_no_reader(on_call: OnCallNow) -> str:
    return _("There is no one at %(organization)s right now who may read it. Please call a help line.") % {
        "organization": on_call.organization
    }


def _describe_resuming(incident: Incident) -> str:
    match Level(incident.level):
        case Level.UNSAFE_HOME:
            return _("You can go on with the tutor whenever you like.")
        case Level.ACUTE:
            return _(
                "The tutor rests for 30 minutes after the card. Then you say when you’re ready to go on."
            )
        case _:
            return _("The tutor rests for 5 minutes after the card. Then you say when you’re ready to go on.")


def _build_entry(entry: IncidentEntry, *, question: ShownQuestion | None) -> ShownEntry | None:
    """Return an entry as the teen reads it, or None for a kind that is not shown."""
    kind = EntryKind(entry.kind)
    text = ENTRY_TEXTS.get(kind)
    if text is None:
        return None
    if kind == EntryKind.UNATTENDED and is_for_lead(entry.level):
        text = gettext_lazy("No one who may read it was on call.")
    answer = (
        question.question.answers.get(AlertAnswer(entry.note), "") if question and _is_answer(kind) else ""
    )
    reason = entry.note if kind in KINDS_WITH_REASON else ""
    return ShownEntry(entry=entry, text=str(text) % {"who": entry.by_name, "answer": answer}, reason=reason)


def _is_answer(kind: EntryKind) -> bool:
    return kind == EntryKind.TEEN_ANSWERED
