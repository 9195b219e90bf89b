"""Whether people of the organization review crises, as it has recorded (ADR 60)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models.signals import post_save

from accounts.models import Person
from kit.timed_cache import TimedCache
from safeguarding.models import HumanReview

# Pages may be this late. What is recorded about a teen is not: `incidents.record_card` reads the row itself.
CACHE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class ReviewFacts:
    """What an organization has to record before its people may review crises."""

    organization: str
    responsible: Person | None
    responsible_name: str
    training: str
    hours: str
    legal_advice: str
    escalate_after_minutes: int = 15
    excerpt_days: int = 30
    deputies: Sequence[Person] = ()


class ReviewNotRecorded(Exception):
    """Something that must be recorded is missing; `fields` names it."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


def find_human_review() -> HumanReview | None:
    """Return the record that is in force if people review crises, or None."""
    newest = HumanReview.objects.order_by("-pk").first()
    return newest if newest and newest.is_on else None


def find_last_human_review() -> HumanReview | None:
    """Return the record that is in force, or that was until review was switched off: it applies to open incidents."""
    return HumanReview.objects.filter(is_on=True).order_by("-pk").first()


_cache = TimedCache[tuple[HumanReview | None]](lambda: (find_human_review(),), seconds=CACHE_SECONDS)
post_save.connect(_cache.clear, sender=HumanReview, dispatch_uid="safeguarding.human_review")


def find_cached_human_review() -> HumanReview | None:
    """Like `find_human_review`, but up to CACHE_SECONDS old. For pages."""
    return _cache.get()[0]


def clear_human_review_cache() -> None:
    """Have `find_cached_human_review` read the row again in this process."""
    _cache.clear()


@transaction.atomic
def switch_review_on(*, by: Person, facts: ReviewFacts) -> HumanReview:
    """Record who reviews crises from now on. Every family is asked for consent to the text that says so.

    Raises ReviewNotRecorded if a fact is missing.
    """
    required = ("organization", "responsible_name", "training", "hours", "legal_advice")
    missing = [name for name in required if not getattr(facts, name).strip()]
    if facts.responsible is None:
        missing.append("responsible")
    if missing:
        raise ReviewNotRecorded(missing)
    deputies = [person for person in facts.deputies if person != facts.responsible]
    return HumanReview.objects.create(
        is_on=True,
        organization=facts.organization.strip(),
        responsible=facts.responsible,
        responsible_name=facts.responsible_name.strip(),
        deputy_ids=[person.pk for person in deputies],
        deputy_names=[str(person) for person in deputies],
        training=facts.training.strip(),
        hours=facts.hours.strip(),
        legal_advice=facts.legal_advice.strip(),
        escalate_after_minutes=facts.escalate_after_minutes,
        excerpt_days=facts.excerpt_days,
        recorded_by=by,
        recorded_by_name=str(by),
    )


@transaction.atomic
def switch_review_off(*, by: Person) -> HumanReview:
    """Record that no one reviews crises from now on. Open incidents stay in the queue until they are closed.

    Consents to the text with review stay in force: it allows more than what now happens.
    """
    return HumanReview.objects.create(is_on=False, recorded_by=by, recorded_by_name=str(by))
