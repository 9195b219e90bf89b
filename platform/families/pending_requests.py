"""What waits for a person: requests that only they can answer. The header counts them and a card shows the first.

One statement reads all of them. Rooms above register kinds of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, reduce
from typing import Any

from allauth.account.models import EmailAddress
from django.db import DatabaseError, connection
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Now, NullIf
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import Person, Role
from families.consents import list_consents_in_force
from families.family_deletion import can_decide_alone
from families.models import INVITATION_LIFETIME, CoolingOff, FamilyDeletion, Invitation, Link, PasswordHelp
from families.password_help import PASSWORD_HELP_LIFETIME
from families.selectors import list_active_links
from families.verification import build_verified_filter

# Stands for the person in a statement that is made once; no account has this number.
ANY_PERSON = -(2**62)
# More of them are not counted: invitations can be sent to an address by anyone.
MAX_COUNTED = 20


@dataclass(frozen=True)
class PendingRequest:
    """One request: of what kind, the key of its page, and the name of the person who waits for an answer."""

    kind: str
    key: str
    person_name: str


@dataclass(frozen=True)
class NextStep:
    """A card: what is left to do, why, and the one button that does it."""

    title: str
    text: str
    action: str
    url: str


@dataclass(frozen=True)
class RequestKind:
    """A kind of request. `rows` reads those that wait for a person, made by `build_request_rows`, or None."""

    name: str
    rows: Callable[[Person], QuerySet[Any, Any] | None]
    build_step: Callable[[PendingRequest, Person], NextStep]


_kinds: list[RequestKind] = []


def register_request_kinds(*kinds: RequestKind) -> None:
    """Make kinds known. The first that are registered are shown first."""
    known = {kind.name for kind in _kinds}
    _kinds.extend(kind for kind in kinds if kind.name not in known)


def build_request_rows(rows: QuerySet[Any, Any], *, kind: str, key: str, who: str) -> QuerySet[Any, Any]:
    """The rows of a kind: `key` is the field of the key, `who` the path to the person who asks, or ""."""
    person = f"{who}__" if who else ""
    made: QuerySet[Any, Any] = (
        rows.order_by()
        .annotate(
            request_kind=Value(kind, output_field=CharField()),
            request_key=Cast(key, CharField()),
            request_person_name=Coalesce(NullIf(f"{person}display_name", Value("")), f"{person}username"),
        )
        .values_list("request_kind", "request_key", "request_person_name")
    )
    return made[:MAX_COUNTED]


def list_pending_requests(person: Person) -> list[PendingRequest]:
    """What waits for a person, the most urgent kind first. One statement for all kinds; none for admins."""
    if person.role not in {Role.PARENT, Role.TEEN}:
        return []
    sql, params = _build_statement(role=person.role, has_email=bool(person.email), today=timezone.localdate())
    if not sql:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [person.pk if value == ANY_PERSON else value for value in params])
        found = [PendingRequest(*row) for row in cursor.fetchall()]
    order = {kind.name: number for number, kind in enumerate(_kinds)}
    requests = sorted(found, key=lambda request: order[request.kind])
    if any(request.kind == DELETION for request in requests) and not can_decide_alone(person):
        requests = [request for request in requests if request.kind != DELETION]
    return requests[:MAX_COUNTED]


@lru_cache(maxsize=8)
def _build_statement(*, role: str, has_email: bool, today: date) -> tuple[str, tuple[Any, ...]]:
    """All kinds' rows for anyone of a role, as one statement with ANY_PERSON in place of the person.

    Django takes longer to make this statement than PostgreSQL to answer it, and every page asks. It says no other time
    than the day, which `list_active_links` puts into it.
    """
    del today
    anyone = Person(pk=ANY_PERSON, role=role, email="any@example.org" if has_email else "")
    rows = [found for kind in _kinds if (found := kind.rows(anyone)) is not None]
    if not rows:
        return "", ()
    joined = reduce(lambda one, other: one.union(other, all=True), rows[1:], rows[0])
    sql, params = joined.query.sql_with_params()
    return sql, tuple(params)


def get_pending_requests(request: HttpRequest) -> list[PendingRequest]:
    """What waits for whoever opens this page, read once a page. Nothing when the database is away."""
    if not hasattr(request, "family_requests"):
        person = getattr(request, "user", None)
        try:
            found = list_pending_requests(person) if isinstance(person, Person) else []
        except DatabaseError:
            found = []
        request.family_requests = found  # type: ignore[attr-defined]
    return request.family_requests  # type: ignore[attr-defined, no-any-return]


def format_with_name(words: str, who: object) -> str:
    """A sentence with `%(who)s` in it, where the name stands whatever direction it is read in."""
    before, _mark, after = (words % {"who": "\0"}).partition("\0")
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
    """Teens who ask a parent for help with a forgotten password, each once."""
    if person.role != Role.PARENT:
        return None
    asked = PasswordHelp.objects.filter(
        teen=OuterRef("teen"), used_at=None, granted_at=None, asked_at__gt=Now() - PASSWORD_HELP_LIFETIME
    )
    return build_request_rows(_list_links(person).filter(Exists(asked)), kind=PASSWORD, key="pk", who="teen")


def list_invitation_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Invitations to an address that has been shown to be this person's, from somebody to whom they are not linked."""
    if not person.email:
        return None
    mine, theirs = ("parent", "teen") if person.role == Role.PARENT else ("teen", "parent")
    linked = list_active_links().filter(**{mine: person, theirs: OuterRef("by")})
    own = EmailAddress.objects.filter(user=person, verified=True).values("email")
    since = Now() - INVITATION_LIFETIME
    sent = Invitation.objects.filter(email__in=own, made_at__gt=since, by__role=theirs).exclude(by=person)
    return build_request_rows(sent.filter(~Exists(linked)), kind=INVITATION, key="token", who="by")


def list_consent_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Teens for whom nobody has agreed to today's words, and this parent can."""
    if person.role != Role.PARENT:
        return None
    standing = list_consents_in_force().filter(teen=OuterRef("teen"))
    # Another parent's no stands for some days, and after one's own there is nothing to be asked for.
    cooling_off = CoolingOff.objects.filter(teen=OuterRef("teen"), until__gt=Now())
    links = (
        _list_links(person).filter(~Exists(standing), ~Exists(cooling_off)).filter(build_verified_filter())
    )
    return build_request_rows(links, kind=CONSENT, key="pk", who="teen")


def list_agreement_requests(person: Person) -> QuerySet[Any, Any] | None:
    """Changes of the agreement that the other side asks for."""
    asked = _list_links(person).filter(proposal__isnull=False).exclude(proposal__by=person)
    return build_request_rows(asked, kind=AGREEMENT, key="pk", who=_get_other_field(person))


def list_deletion_requests(person: Person) -> QuerySet[Any, Any] | None:
    """A parent asks to erase the family's accounts, and a teen who decides alone has not said yes."""
    if person.role != Role.TEEN:
        return None
    parents = _list_links(person).values("parent")
    asked = FamilyDeletion.objects.filter(parent__in=parents).exclude(agreed_teens=person)
    return build_request_rows(asked, kind=DELETION, key="parent_id", who="parent")
