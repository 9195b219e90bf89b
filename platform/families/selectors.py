"""Queries, always for the person who asks."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.age import get_latest_adult_birth_month
from accounts.models import Person
from families.models import INVITATION_LIFETIME, Invitation, Link, Notice, ParentViewLog
from mail.selectors import list_verified_addresses


def list_active_links() -> QuerySet[Link]:
    """List active links. A link is inactive from the month the teen turns 18, even before the nightly task ends it."""
    latest_birth_month = get_latest_adult_birth_month(timezone.localdate())
    return Link.objects.filter(ended_at=None).exclude(teen__born__lte=latest_birth_month)


def list_links(person: Person) -> QuerySet[Link]:
    """List a person's active links, as parent or teen."""
    return (
        list_active_links()
        .filter(Q(parent=person) | Q(teen=person))
        .select_related("parent", "teen", "proposal", "proposal__by")
        .order_by("created_at")
    )


def get_link(person: Person, link_id: UUID) -> Link:
    """Return an active link of the person. Raises Link.DoesNotExist for any other."""
    return list_links(person).get(pk=link_id)


def get_link_as_parent(parent: Person, link_id: UUID) -> Link:
    """Return an active link of which the person is the parent. Raises Link.DoesNotExist for any other."""
    return list_links(parent).get(pk=link_id, parent=parent)


def list_invitations_to(person: Person) -> QuerySet[Invitation]:
    """List open invitations that were sent to one of the person's addresses."""
    since = timezone.now() - INVITATION_LIFETIME
    own = [address.lower() for address in list_verified_addresses(person)]
    sent = Invitation.objects.annotate(to=Lower("email")).filter(to__in=own, created_at__gt=since)
    return sent.exclude(by=person).select_related("by").order_by("created_at")


def list_parents(teen: Person) -> QuerySet[Person]:
    return Person.objects.filter(links_to_teens__in=list_active_links().filter(teen=teen))


def list_teens(parent: Person) -> QuerySet[Person]:
    return Person.objects.filter(links_to_parents__in=list_active_links().filter(parent=parent))


def list_parent_view_entries(teen: Person) -> QuerySet[ParentViewLog]:
    """List all parent views of a teen, newest first, for the teen."""
    return (
        ParentViewLog.objects.filter(link__teen=teen)
        .select_related("link__parent")
        .order_by("-first_opened_at")
    )


def list_notices(person: Person) -> QuerySet[Notice]:
    return Notice.objects.filter(person=person).order_by("-at")
