"""Generates a site's worth of people, turns, events and ledger entries that add up."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import batched
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Person, Role
from budgets.allowances import get_site_budget, load_plans
from budgets.models import (
    Budget,
    BudgetScope,
    Grant,
    PeriodLength,
    Plan,
)
from desk.load.turns import MICRODOLLARS, analyze, create_turns
from events.models import Event, SignUp, SignUpStatus
from families.models import Link
from mail.models import BounceKind, Email, EmailState

# Usernames and slugs of what was generated start with this.
PREFIX = "load"
ZONES = ("America/Los_Angeles", "America/New_York", "America/Mexico_City", "Europe/London")
FIRST_NAMES = (
    "Amara", "Ben", "Carmen", "Dao", "Elif", "Femi", "Grace", "Hugo", "Inés", "Jonas", "Kiri", "Luis", "Maya", "Nils",
    "Oren", "Priya", "Quinn", "Rosa", "Samir", "Tomás",
)  # fmt: skip
LAST_NAMES = (
    "Abara",
    "Brandt",
    "Castro",
    "Duarte",
    "Ekwe",
    "Flores",
    "García",
    "Hansen",
    "Ito",
    "Jensen",
    "Khan",
)
# The share of people who have an account and a plan, but have never asked.
NEVER_ASKED = 0.1
EVENT_HOUR = time(18)


@dataclass(frozen=True, kw_only=True)
class LoadSize:
    """How much to generate. Turns and events are spread over the `days` before now."""

    turns: int = 100_000
    people: int = 5_000
    events: int = 200
    days: int = 90
    seed: int = 1


class AlreadyGenerated(Exception):
    """The database has generated people already."""


@transaction.atomic
def generate_load(*, size: LoadSize, now: datetime | None = None) -> None:
    """Generate everything in one transaction. Raises AlreadyGenerated."""
    now = now or timezone.now()
    if Person.objects.filter(username__startswith=f"{PREFIX}-").exists():
        raise AlreadyGenerated
    dice = random.Random(size.seed)  # noqa: S311 - the same load for the same seed, not a secret
    people = _create_people(size, dice, now)
    _create_budgets(people, dice, now)
    _create_events(size, dice, now)
    _create_emails(people, dice, now)
    create_turns(turns=size.turns, days=size.days, seed=size.seed, prefix=f"{PREFIX}-", now=now)
    _create_grants(dice, now)
    analyze(Event, SignUp, Email)


def _create_people(size: LoadSize, dice: random.Random, now: datetime) -> list[Person]:
    """Create people, in turn a parent and a teen."""
    rows = [
        Person(
            username=f"{PREFIX}-{number:06}",
            display_name=f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)} {number}",
            email=f"{PREFIX}-{number:06}@example.org" if number % 2 else "",
            role=Role.PARENT if number % 2 else Role.TEEN,
            # A family is on one clock.
            time_zone=ZONES[(number - 1) // 2 % len(ZONES)],
            is_zone_confirmed=True,
            language="es" if (number - 1) // 2 % len(ZONES) == 2 else "en",  # noqa: PLR2004 - Mexico City
            password="!",  # noqa: S106 - no one can sign in
            joined_at=now - timedelta(days=size.days),
        )
        for number in range(1, size.people + 1)
    ]
    return Person.objects.bulk_create(rows, batch_size=1_000)


def _create_budgets(people: Sequence[Person], dice: random.Random, now: datetime) -> None:
    """Create the budget of everyone who asks, and of six families in ten."""
    free, pro = load_plans(), Plan.objects.filter(slug=Plan.PRO).first()
    site = get_site_budget()
    asking = people[: round(len(people) * (1 - NEVER_ASKED))]
    pairs = [pair for pair in batched(asking, 2, strict=False) if len(pair) == 2]  # noqa: PLR2004 - a parent and a teen
    linked = [pair for pair in pairs if dice.random() < 0.6]  # noqa: PLR2004 - six in ten
    Link.objects.bulk_create(
        [
            Link(parent=parent, teen=teen, time_zone=parent.time_zone, created_at=now)
            for parent, teen in linked
        ],
        batch_size=1_000,
    )
    families = Budget.objects.bulk_create(
        [
            Budget(
                scope=BudgetScope.FAMILY, parent=site, period_length=PeriodLength.MONTH, time_zone=parent.time_zone,
                microdollars=2 * MICRODOLLARS if number % 5 == 0 else None,
            )
            for number, (parent, _teen) in enumerate(linked)
        ],
        batch_size=1_000,
    )  # fmt: skip
    family_of = {member.pk: family for family, pair in zip(families, linked, strict=True) for member in pair}
    plans = {person.pk: pro if pro and dice.random() < 0.1 else free for person in asking}  # noqa: PLR2004 - one in ten
    Budget.objects.bulk_create(
        [
            Budget(
                owner=person, parent=family_of.get(person.pk, site), plan=plan if plan.slug == Plan.PRO else None,
                tokens=plan.tokens, microdollars=plan.microdollars, period_length=PeriodLength.DAY,
            )
            for person in asking
            for plan in [plans[person.pk]]
        ],
        batch_size=1_000,
    )  # fmt: skip


def _create_events(size: LoadSize, dice: random.Random, now: datetime) -> None:
    """Create events, a third of them still to come, with sign-ups."""
    step = timedelta(days=size.days * 1.5) / max(1, size.events)
    first = now - timedelta(days=size.days)
    zone = ZoneInfo(settings.DEFAULT_PERSON_TIME_ZONE)
    events = Event.objects.bulk_create(
        Event(
            slug=f"{PREFIX}-evening-{number:04}",
            title=f"An evening at the table, {number}",
            summary="A generated event.",
            starts_at=datetime.combine((first + number * step).date(), EVENT_HOUR, tzinfo=zone),
            time_zone=str(zone),
            minutes=60,
            capacity=dice.choice([None, 20, 30, 50]),
            is_published=dice.random() < 0.9,  # noqa: PLR2004 - nine in ten
        )
        for number in range(size.events)
    )
    SignUp.objects.bulk_create(_draw_sign_ups(events, dice, now), batch_size=2_000)


def _draw_sign_ups(events: Iterable[Event], dice: random.Random, now: datetime) -> Iterator[SignUp]:
    for event in events:
        for number in range(dice.randrange(10, 40)):
            has_spot = event.capacity is None or number < event.capacity
            yield SignUp(
                event=event,
                name=f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}",
                email=f"{event.slug}-{number}@example.org",
                status=SignUpStatus.GOING if has_spot else SignUpStatus.WAITLISTED,
                created_at=min(now, event.starts_at) - timedelta(days=dice.random() * 20),
                confirmed_at=now,
                spot_given_at=now if has_spot else None,
                waitlisted_at=None if has_spot else now,
                language="en",
            )


def _create_emails(people: Sequence[Person], dice: random.Random, now: datetime) -> None:
    """Create an email to each parent. Some came back, and a few could not be sent."""
    emails = []
    for person in people:
        if not person.email:
            continue
        at = now - timedelta(days=dice.random() * 30)
        fate = dice.random()
        has_failed, has_bounced = fate < 0.004, 0.004 <= fate < 0.02  # noqa: PLR2004 - four and sixteen in a thousand
        emails.append(
            Email(
                key=f"{PREFIX} {person.pk}",
                to=person.email,
                subject="Your evening at the table",
                text="Generated.",
                message_id=f"<{PREFIX}-{person.pk}@example.org>",
                created_at=at,
                state=EmailState.FAILED if has_failed else EmailState.SENT,
                attempts=1,
                sent_at=None if has_failed else at,
                failed_at=at if has_failed else None,
                error="550 no such mailbox" if has_failed else "",
                bounce=BounceKind.BOUNCED if has_bounced else "",
                bounced_at=at if has_bounced else None,
            )
        )
    Email.objects.bulk_create(emails, batch_size=2_000)


def _create_grants(dice: random.Random, now: datetime) -> None:
    """Create grants: some are open and wait for their budget's next period, some are used up."""
    waiting = list(
        Budget.objects.filter(owner__username__startswith=f"{PREFIX}-").exclude(Q(periods__ends_at__gt=now))
    )
    chosen = dice.sample(waiting, min(len(waiting), 300))
    Grant.objects.bulk_create(
        Grant(
            budget=budget,
            tokens=5_000,
            reason="A generated grant",
            given_at=now - timedelta(days=2),
            expires_at=now + timedelta(days=1 + dice.random() * 30) if is_open else now,
            left_tokens=5_000 if is_open else 0,
            left_microdollars=0,
            closed_at=None if is_open else now,
        )
        for number, budget in enumerate(chosen)
        for is_open in [number % 3 > 0]
    )
