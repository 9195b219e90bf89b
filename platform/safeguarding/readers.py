"""Who may open which incident (ADR 60).

At S, only the responsible person and the deputies may. The teen's own family may not at any level: for them the
incident does not exist, because the teen was promised that no parent reads it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Person
from families.models import Consent, Link
from guard import Level
from safeguarding.human_review import find_last_human_review
from safeguarding.models import Incident
from safeguarding.on_call import can_review, list_reviewers


class ForLeadOnly(Exception):
    """The incident is at S, and the person is neither the responsible person nor a deputy."""

    def __init__(self, incident: Incident) -> None:
        super().__init__()
        self.incident = incident


def require_reader(incident: Incident, by: Person) -> None:
    """Raise Incident.DoesNotExist for the teen's family, and ForLeadOnly at S unless the person is a lead.

    Every reviewer may open a drill at S while there is no lead.
    """
    if incident.teen_id and by.pk in list_family_ids(incident.teen_id):
        raise Incident.DoesNotExist
    if is_for_lead(incident.level) and not is_lead(by) and not (incident.is_drill and not list_leads()):
        raise ForLeadOnly(incident)


def is_for_lead(level: str) -> bool:
    """Return whether only leads may open an incident of this level, or read a message of it.

    At level 4 a life is in danger, so everyone who may review opens it, but not its messages at S.
    """
    return level == Level.UNSAFE_HOME


def is_lead(person: Person) -> bool:
    """Return whether a person is the responsible person or a deputy, and may still review."""
    record = find_last_human_review()
    return record is not None and person.pk in record.lead_ids and can_review(person)


def list_leads() -> list[Person]:
    """Return the responsible person and the deputies who may still review, in this order."""
    record = find_last_human_review()
    return _choose_leads(list_reviewers(), record.lead_ids if record else [])


def _choose_leads(reviewers: Iterable[Person], lead_ids: list[int]) -> list[Person]:
    by_id = {person.pk: person for person in reviewers}
    return [by_id[number] for number in lead_ids if number in by_id]


def list_family_ids(teen_id: int) -> set[int]:
    """Return the ids of a teen, of everyone who was ever linked to them, and of everyone who gave consent for them."""
    linked = Link.objects.filter(teen_id=teen_id).values_list("parent_id", flat=True)
    consenting = Consent.objects.filter(teen_id=teen_id, given_by__isnull=False)
    return {teen_id, *linked.union(consenting.values_list("given_by_id", flat=True))}


def list_visible_incidents(person: Person) -> QuerySet[Incident]:
    """Return the incidents that exist for this person: drills, and those of teens of other families."""
    linked = Link.objects.filter(parent=person).values_list("teen_id", flat=True)
    consented = Consent.objects.filter(given_by=person).values_list("teen_id", flat=True)
    return Incident.objects.exclude(teen__in={person.pk, *linked.union(consented)})


def list_family_pairs(teen_ids: Collection[int], people: Collection[Person]) -> set[tuple[int, int]]:
    """Return each pair of a teen's id and a person's id, among these, that belong to one family."""
    linked = Link.objects.filter(teen__in=teen_ids, parent__in=people).values_list("teen_id", "parent_id")
    consented = Consent.objects.filter(teen__in=teen_ids, given_by__in=people)
    themselves = {(person.pk, person.pk) for person in people}
    return {*themselves, *linked.union(consented.values_list("teen_id", "given_by_id"))}


@dataclass(frozen=True, kw_only=True)
class Readers:
    """The people who may open an incident, and the other reviewers, who may know that it exists."""

    readers: list[Person]
    others: list[Person]


def find_readers(incident: Incident) -> Readers:
    """Return who may open an incident, the responsible person and the deputies first at S."""
    family = list_family_ids(incident.teen_id) if incident.teen_id else set()
    reviewers = [person for person in list_reviewers() if person.pk not in family]
    if not is_for_lead(incident.level):
        return Readers(readers=reviewers, others=[])
    record = find_last_human_review()
    leads = _choose_leads(reviewers, record.lead_ids if record else [])
    if incident.is_drill and not leads:
        # An organization may practice before it records anyone, and a drill has no teen's words.
        leads = reviewers
    return Readers(readers=leads, others=[person for person in reviewers if person not in leads])
