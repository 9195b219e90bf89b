"""Requests that wait for a person's answer. The header counts them, and a card shows the first.

One statement reads all kinds. Rooms above register kinds of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, reduce
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Now, NullIf
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import Person, Role
from families.consent_texts import list_versions_in_force
from families.consents import list_consents_in_force
from families.family_deletion import can_decide_alone
from families.models import INVITATION_LIFETIME, CoolingOff, FamilyDeletion, Invitation, Link, PasswordHelp
from families.password_help import PASSWORD_HELP_LIFETIME
from families.selectors import list_active_links
from families.verification import build_verified_filter

# A placeholder for the person's key in a cached statement; no account has this key.
ANY_PERSON = -(2**62)
# A limit, because anyone can send invitations to an address.
MAX_COUNTED = 20


@dataclass(frozen=True)
class PendingRequest:
    """A request: its kind, the key of its page, and the name of the person who asked."""

    kind: str
    key: str
    person_name: str


@dataclass(frozen=True)
class NextStep:
    """A card: what to do, why, and the button that does it."""

    title: str
    text: str
    action: str
    url: str


@dataclass(frozen=True)
class RequestKind:
    """A kind of request. `build_rows` returns a queryset made by `build_request_rows` for a person, or None."""

    name: str
    build_rows: Callable[[Person], QuerySet[Any, Any] | None]
    build_step: Callable[[PendingRequest, Person], NextStep]


_kinds: list[RequestKind] = []


def register_request_kinds(*kinds: RequestKind) -> None:
    """Register kinds. Kinds registered first are shown first; a known name is ignored."""
    known = {kind.name for kind in _kinds}
    _kinds.extend(kind for kind in kinds if kind.name not in known)


def build_request_rows(rows: QuerySet[Any, Any], *, kind: str, key: str, who: str) -> QuerySet[Any, Any]:
    """Select the rows of a kind. `key` is the key's field, `who` the path to the person who asks, or ""."""
    person = f"{who}__" if who else ""
    union: QuerySet[Any, Any] = (
        rows.order_by()
        .annotate(
            request_kind=Value(kind, output_field=CharField()),
            request_key=Cast(key, CharField()),
            request_person_name=Coalesce(NullIf(f"{person}display_name", Value("")), f"{person}username"),
        )
        .values_list("request_kind", "request_key", "request_person_name")
    )
    return union[:MAX_COUNTED]


def list_pending_requests(person: Person) -> list[PendingRequest]:
    """List a person's pending requests in the order of their kinds, in one statement. Empty for admins."""
    if person.role not in {Role.PARENT, Role.TEEN}:
        return []
    sql, params = _build_statement(
        role=person.role,
        has_email=bool(person.email),
        is_demo=settings.DEMO,
        today=timezone.localdate(),
        consent_versions=tuple(list_versions_in_force()),
    )
    if not sql:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [person.pk if value == ANY_PERSON else value for value in params])
        requests = [PendingRequest(*row) for row in cursor.fetchall()]
    order = {kind.name: number for number, kind in enumerate(_kinds)}
    requests.sort(key=lambda request: order[request.kind])
    if any(request.kind == DELETION for request in requests) and not can_decide_alone(person):
        requests = [request for request in requests if request.kind != DELETION]
    return requests[:MAX_COUNTED]


@lru_cache(maxsize=8)
def _build_statement(
    *, role: str, has_email: bool, is_demo: bool, today: date, consent_versions: tuple[str, ...]
) -> tuple[str, tuple[Any, ...]]:
    """Build one statement for all kinds and any person of a role, with ANY_PERSON in place of the person's key.

    Building it takes Django longer than PostgreSQL takes to run it, and every page needs it. The last three are
    part of the cache key because `list_active_links`, `build_verified_filter` and `list_consents_in_force` use them.
    """
    del today, is_demo, consent_versions
    anyone = Person(pk=ANY_PERSON, role=role, email="any@example.org" if has_email else "")
    rows = [queryset for kind in _kinds if (queryset := kind.build_rows(anyone)) is not None]
    if not rows:
        return "", ()
    joined = reduce(lambda first, other: first.union(other, all=True), rows[1:], rows[0])
    sql, params = joined.query.sql_with_params()
    return sql, tuple(params)


def get_pending_requests(request: HttpRequest) -> list[PendingRequest]:
    """Return the requests of the person who opened the page, read once per page. Empty if the database is down."""
    if not hasattr(request, "family_requests"):
        person = getattr(request, "user", None)
        try:
            requests = list_pending_requests(person) if isinstance(person, Person) else []
        except DatabaseError:
            requests = []
        request.family_requests = requests  # type: ignore[attr-defined]
    return request.family_requests  # type: ignore[attr-defined, no-any-return]


def format_with_name(text: str, who: object) -> str:
    """Replace `%(who)s` with the name, isolated so that its text direction does not matter."""
    before, _mark, after = (text % {"who": "\0"}).partition("\0")
    return format_html("{}<bdi>{}</bdi>{}", before, who, after)


def build_request_step(request: PendingRequest, person: Person) -> NextStep:
    kinds = {kind.name: kind for kind in _kinds}
    return kinds[request.kind].build_step(request, person)


PASSWORD, INVITATION, CONSENT, AGREEMENT, DELETION = (
    "password",
    "invitation",
    "consent",
    "agreement",
    "deletion",
)


def _list_links(person: Person) -> QuerySet[Link]:
    is_parent = person.role == Role.PARENT
    return list_active_links().filter(**{"parent" if is_parent else "teen": person})


def _get_other_field(person: Person) -> str:
    return "teen" if person.role == Role.PARENT else "parent"


def list_password_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Return rows for linked teens who need help with a forgotten password, each once."""
    if person.role != Role.PARENT:
        return None
    helps = PasswordHelp.objects.filter(
        teen=OuterRef("teen"), used_at=None, granted_at=None, asked_at__gt=Now() - PASSWORD_HELP_LIFETIME
    )
    return build_request_rows(_list_links(person).filter(Exists(helps)), kind=PASSWORD, key="pk", who="teen")


def list_invitation_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Return rows for invitations to the person's confirmed addresses, from people they are not linked to."""
    if not person.email:
        return None
    own_side, other_side = ("parent", "teen") if person.role == Role.PARENT else ("teen", "parent")
    linked = list_active_links().filter(**{own_side: person, other_side: OuterRef("by")})
    own = EmailAddress.objects.filter(user=person, verified=True).values("email")
    since = Now() - INVITATION_LIFETIME
    sent = Invitation.objects.filter(email__in=own, created_at__gt=since, by__role=other_side).exclude(
        by=person
    )
    return build_request_rows(sent.filter(~Exists(linked)), kind=INVITATION, key="token", who="by")


def list_consent_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Return rows for linked teens without consent to the current text, if this parent can give it."""
    if person.role != Role.PARENT:
        return None
    links = list_links_without_consent(_list_links(person)).filter(build_verified_filter())
    return build_request_rows(links, kind=CONSENT, key="pk", who="teen")


def list_links_without_consent(links: QuerySet[Link]) -> QuerySet[Link]:
    """Select the links whose teen has no consent to the current text.

    During a cooling-off period no one is asked: another parent's decision stands, or the person made it themselves.
    """
    in_force = list_consents_in_force().filter(teen=OuterRef("teen"))
    cooling_off = CoolingOff.objects.filter(teen=OuterRef("teen"), until__gt=Now())
    return links.filter(~Exists(in_force), ~Exists(cooling_off))


def list_agreement_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Return rows for changes to agreements that the other side proposed."""
    links = _list_links(person).filter(proposal__isnull=False).exclude(proposal__by=person)
    return build_request_rows(links, kind=AGREEMENT, key="pk", who=_get_other_field(person))


def list_deletion_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Return rows for family deletions that the teen has not agreed to.

    The caller drops them if the teen cannot decide alone.
    """
    if person.role != Role.TEEN:
        return None
    parents = _list_links(person).values("parent")
    deletions = FamilyDeletion.objects.filter(parent__in=parents).exclude(agreed_teens=person)
    return build_request_rows(deletions, kind=DELETION, key="parent_id", who="parent")
