"""Reads, always for the person who asks."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.age import latest_birth_of_grown_ups
from accounts.models import Person
from families.models import INVITATION_LIFE, Invitation, Link, Look, Notice
from mail.selectors import addresses_of


def standing_links() -> QuerySet[Link]:
    """The links that stand. One past the 18th birthday does not, whether or not the nightly task has ended it."""
    grown_up = latest_birth_of_grown_ups(timezone.localdate())
    return Link.objects.filter(ended_at=None).exclude(teen__born__lte=grown_up)


def links_of(person: Person) -> QuerySet[Link]:
    """The links that stand, from either side."""
    return (
        standing_links()
        .filter(Q(parent=person) | Q(teen=person))
        .select_related("parent", "teen", "proposal", "proposal__by")
        .order_by("made_at")
    )


def link_of(person: Person, link_id: UUID) -> Link:
    """Raises Link.DoesNotExist for one that is not there, has ended, or is somebody else's."""
    return links_of(person).get(pk=link_id)


def link_to_teen(parent: Person, link_id: UUID) -> Link:
    """As link_of, for the parent's side of it alone."""
    return links_of(parent).get(pk=link_id, parent=parent)


def invitations_to(person: Person) -> QuerySet[Invitation]:
    """Invitations that can still be answered and were sent to an address of this person's."""
    since = timezone.now() - INVITATION_LIFE
    own = [address.lower() for address in addresses_of(person)]
    sent = Invitation.objects.annotate(to=Lower("email")).filter(to__in=own, made_at__gt=since)
    return sent.exclude(by=person).select_related("by").order_by("made_at")


def parents_of(teen: Person) -> QuerySet[Person]:
    return Person.objects.filter(links_to_teens__in=standing_links().filter(teen=teen))


def teens_of(parent: Person) -> QuerySet[Person]:
    return Person.objects.filter(links_to_parents__in=standing_links().filter(parent=parent))


def looks_at(teen: Person) -> QuerySet[Look]:
    """Every look that a parent took at a teen, newest first; for the teen."""
    return Look.objects.filter(link__teen=teen).select_related("link__parent").order_by("-at")


def notices_of(person: Person) -> QuerySet[Notice]:
    return Notice.objects.filter(person=person).order_by("-at")
