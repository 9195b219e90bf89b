"""Taking a module together with one other of the family: two yeses begin it, one no ends it.

There is one order for all that is written for two people. Two who mark the same lesson at once would each hold their
own row and wait for the other's. So the people are locked first, by their ids. Who leaves waits here for what is just
being counted for them, and nothing is counted afterwards. An erasure locks its person before anything else, too, so
that it waits, or is waited for, and never in a circle.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from courses.models import JointModule, Module
from families.agreements import get_other_side
from families.models import Link
from families.notices import send_notice
from families.pending_requests import (
    NextStep,
    PendingRequest,
    RequestKind,
    build_request_rows,
    format_with_name,
)
from families.selectors import list_active_links, list_links

REQUEST_RETENTION = timedelta(days=14)
REQUEST_KIND = "joint-module"

type Reader = Person | AnonymousUser


@dataclass(frozen=True)
class JointModulePartner:
    """Somebody of the reader's family, and how the two stand in one module."""

    link: Link
    other: Person
    joint_module: JointModule | None

    @property
    def is_agreed(self) -> bool:
        return self.joint_module is not None and self.joint_module.agreed_at is not None

    @property
    def asks(self) -> bool:
        """Whether the reader's answer is awaited."""
        return (
            not self.is_agreed
            and self.joint_module is not None
            and self.joint_module.requested_by_id == self.other.pk
        )


def list_possible_partners(module_slug: str, reader: Reader) -> list[JointModulePartner]:
    """Everybody whom the reader could take a module together with, or does."""
    if not isinstance(reader, Person):
        return []
    links = list(list_links(reader))
    rows = JointModule.objects.filter(link__in=links, module_slug=module_slug)
    by_link = {row.link_id: row for row in rows}
    return [JointModulePartner(link, get_other_side(link, reader), by_link.get(link.pk)) for link in links]


def list_partners(module_slug: str, reader: Reader) -> list[Person]:
    """Those who take a module together with the reader now."""
    if not isinstance(reader, Person):
        return []
    agreed = _list_joint_modules(reader).filter(module_slug=module_slug, agreed_at__isnull=False)
    return [get_other_side(row.link, reader) for row in agreed.order_by("pk")]


def list_joint_module_requests(reader: Reader) -> QuerySet[JointModule]:
    """What the reader's family would like to take together with them; their answer is awaited."""
    if not isinstance(reader, Person):
        return JointModule.objects.none()
    return (
        _list_joint_modules(reader)
        .filter(agreed_at=None)
        .exclude(requested_by=reader)
        .order_by("requested_at")
    )


def _list_joint_modules(person: Person) -> QuerySet[JointModule]:
    rows = JointModule.objects.filter(link__in=list_links(person))
    return rows.select_related("link__parent", "link__teen", "requested_by")


def lock_people(*people: Person) -> None:
    """Hold these people until the transaction ends. Other rooms may still point at them."""
    held = Person.objects.select_for_update(no_key=True).filter(pk__in=[person.pk for person in people])
    list(held.order_by("pk").values_list("pk"))


def lock_and_list_partners(module_slug: str, person: Person) -> list[Person]:
    """As list_partners, and it stays so until the transaction ends."""
    found = list_partners(module_slug, person)
    if not found:
        return []
    lock_people(person, *found)
    return list_partners(module_slug, person)


@transaction.atomic
def agree_to_joint_module(*, link: Link, module: Module, by: Person) -> JointModule:
    """One side's yes. The first is an ask, of which the other side is told; the other side's own begins it.

    Saying it twice says it once. Raises Link.DoesNotExist when the two are no longer linked.
    """
    lock_people(link.parent, link.teen)
    link = list_active_links().select_related("parent", "teen").get(pk=link.pk)
    joint_module, is_new = JointModule.objects.get_or_create(
        link=link, module_slug=module.slug, defaults={"requested_by": by}
    )
    if is_new:
        words = _("%(who)s would like to take “%(title)s” with you. You’ll find it under Learn.")
        send_notice(
            person=get_other_side(link, by),
            text=words % {"who": by, "title": module.title},
            # A mailbox may be read by others, and a module's title is a topic.
            email_text=_("%(who)s would like to take a module with you.") % {"who": by},
            action_text=_("You’ll find it under Learn. Say yes or no there:"),
            path=reverse("courses:modules"),
        )
    elif joint_module.agreed_at is None and joint_module.requested_by_id != by.pk:
        joint_module.agreed_at = timezone.now()
        joint_module.save(update_fields=["agreed_at"])
    return joint_module


@transaction.atomic
def end_joint_module(*, link: Link, module: Module) -> None:
    """One side's no: to an ask, or to going on. Nobody is told, and what was done stays with both."""
    lock_people(link.parent, link.teen)
    JointModule.objects.filter(link=link, module_slug=module.slug).delete()


@transaction.atomic
def delete_expired_joint_modules(*, now: datetime | None = None) -> int:
    """Delete the asks that nobody answered in time, and what ended with a link. Returns how many there were."""
    before = (now or timezone.now()) - REQUEST_RETENTION
    over = Q(agreed_at=None, requested_at__lt=before) | Q(link__ended_at__isnull=False)
    return JointModule.objects.filter(over).delete()[0]


def _list_request_rows(person: Person) -> QuerySet[Any, Any] | None:
    return build_request_rows(
        list_joint_module_requests(person).select_related(None),
        kind=REQUEST_KIND,
        key="module_slug",
        who="requested_by",
    )


def _build_request_step(request: PendingRequest, _person: Person) -> NextStep:
    return NextStep(
        title=format_with_name(_("%(who)s would like to take a module with you"), request.person_name),
        text=_("It starts when you say yes. It’s fine to say no; you don’t have to explain."),
        action=_("Read and answer"),
        url=reverse("courses:module", args=[request.key]) + "#together",
    )


REQUEST = RequestKind(REQUEST_KIND, _list_request_rows, _build_request_step)
