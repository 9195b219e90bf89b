"""Joint modules: two people of a family take a module together. It starts with two yeses and ends with one no.

Everything that writes for two people first locks both of them, ordered by id. Without that order, two people who
mark the same lesson at the same time would each hold their own row and wait for the other's. A person who leaves
waits here until pending writes for them are done, and nothing is written for them afterwards. An erasure also locks
its person first, so it can't deadlock with this.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from courses.models import JointModule, Module
from families.agreements import get_other_side
from families.models import Link
from families.notices import NoticeText as _
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
    """A family member of the reader, and the joint module of the two, if any."""

    link: Link
    other: Person
    joint_module: JointModule | None

    @property
    def is_agreed(self) -> bool:
        return self.joint_module is not None and self.joint_module.agreed_at is not None

    @property
    def awaits_answer(self) -> bool:
        """Whether the partner waits for the reader's answer."""
        return (
            not self.is_agreed
            and self.joint_module is not None
            and self.joint_module.requested_by_id == self.other.pk
        )


def list_possible_partners(module_slug: str, reader: Reader) -> list[JointModulePartner]:
    """Return every family member with whom the reader takes, or could take, the module."""
    if not isinstance(reader, Person):
        return []
    links = list(list_links(reader))
    rows = JointModule.objects.filter(link__in=links, module_slug=module_slug)
    by_link = {row.link_id: row for row in rows}
    return [JointModulePartner(link, get_other_side(link, reader), by_link.get(link.pk)) for link in links]


def list_partners(module_slug: str, reader: Reader) -> list[Person]:
    """Return the people who take the module with the reader now."""
    if not isinstance(reader, Person):
        return []
    agreed = _list_joint_modules(reader).filter(module_slug=module_slug, agreed_at__isnull=False)
    return [get_other_side(row.link, reader) for row in agreed.order_by("pk")]


def list_joint_module_requests(reader: Reader) -> QuerySet[JointModule]:
    """Return the requests from the reader's family that wait for the reader's answer, oldest first."""
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
    """Lock these people until the transaction ends. Other rows may still reference them."""
    locked_people = Person.objects.select_for_update(no_key=True).filter(
        pk__in=[person.pk for person in people]
    )
    list(locked_people.order_by("pk").values_list("pk"))


def lock_and_list_partners(module_slug: str, person: Person) -> list[Person]:
    """Like list_partners, but lock the person and the partners until the transaction ends."""
    partners = list_partners(module_slug, person)
    if not partners:
        return []
    lock_people(person, *partners)
    return list_partners(module_slug, person)


@transaction.atomic
def agree_to_joint_module(*, link: Link, module: Module, by: Person) -> JointModule:
    """Record one side's yes. The first one is a request, and the other side is notified; the second one starts it.

    Idempotent. Raises Link.DoesNotExist if the two are no longer linked.
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
            # Others may read the mailbox, and a module's title reveals a topic.
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
    """Delete the request or joint module of a link, without a notice. Both keep their progress."""
    lock_people(link.parent, link.teen)
    JointModule.objects.filter(link=link, module_slug=module.slug).delete()


@transaction.atomic
def delete_expired_joint_modules(*, now: datetime | None = None) -> int:
    """Delete requests without an answer in time, and joint modules whose link has ended. Return how many."""
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
