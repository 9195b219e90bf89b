"""A site where people review crises, and a teen whose consent covers it."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from chat.turns.verdicts import get_verdict
from families.consent_texts import get_newest_text
from families.models import Consent
from guard import Category, Level
from safeguarding import card_review, human_review, incidents, public_facts
from safeguarding.human_review import ReviewFacts, switch_review_on
from safeguarding.models import Incident, OnCallShift

ORGANIZATION = "Harbor Youth"


def clear_caches() -> None:
    """Have this process know nothing of rows that were rolled back."""
    human_review.clear_human_review_cache()
    card_review.clear_review_caches()
    public_facts.clear_public_facts_cache()


def switch_on(by: Person) -> None:
    facts = ReviewFacts(
        organization=ORGANIZATION, responsible=by, responsible_name="Ana Ruiz, lead", training="two days",
        hours="weekdays", legal_advice="J. Doe, 2026-11-20",
    )  # fmt: skip
    switch_review_on(by=by, facts=facts)
    clear_caches()


def agree_to_review(teen: Person) -> None:
    text = get_newest_text(covers_review=True)
    Consent.objects.create(
        teen=teen,
        given_by_name="a parent",
        given_as="parent",
        version=text.version,
        text_hash=text.hash,
        country="US",
    )


def make_reviewer(person: Person) -> Person:
    person.is_staff = True
    person.save()
    person.user_permissions.add(Permission.objects.get(codename="review_incident"))
    return Person.objects.get(pk=person.pk)


def put_on_call(reviewer: Person) -> None:
    """Put a reviewer on call all day today."""
    today = timezone.now().date()
    for day in (today, today - timedelta(days=1)):
        OnCallShift.objects.create(
            reviewer=reviewer, weekday=day.weekday(), starts=time(0), ends=time(0), time_zone="UTC"
        )


def put_on_call_later(reviewer: Person) -> datetime:
    """Put a reviewer on call for an hour on the day after tomorrow, and return when that hour begins."""
    starts = datetime.combine(timezone.now().date() + timedelta(days=2), time(9), UTC)
    OnCallShift.objects.create(
        reviewer=reviewer, weekday=starts.weekday(), starts=time(9), ends=time(10), time_zone="UTC"
    )
    return starts


def create_card(teen: Person, level: Level, question: str = "my own words") -> Turn:
    """Return a turn with a card, outside any incident."""
    return _create_turn(teen, level, TurnState.CARDED, question)


def create_check_in(teen: Person) -> Turn:
    return _create_turn(teen, Level.HINTS, TurnState.PAUSED, "my own words")


def _create_turn(teen: Person, level: Level, state: TurnState, question: str) -> Turn:
    category = {Level.UNSAFE_HOME: Category.UNSAFE_HOME, Level.HINTS: Category.HOPELESSNESS}.get(
        level, Category.SUICIDE
    )
    return Turn.objects.create(
        pk=uuid4(), conversation=Conversation.objects.create(owner=teen, title="A conversation"), question=question,
        state=state, level=str(level), categories=[category], ended_at=timezone.now(),
    )  # fmt: skip


def open_incident(
    teen: Person, level: Level = Level.STATED, question: str = "my own words"
) -> tuple[Incident, Turn]:
    """Return an incident with one card, as a question in a crisis makes them."""
    turn = create_card(teen, level, question)
    with transaction.atomic():
        incident = incidents.record_card(
            person=teen, turn_id=turn.pk, text=question, verdict=get_verdict(turn), has_earlier_card=False
        )
    assert incident
    return incident, turn
