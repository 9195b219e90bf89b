"""A site where people review crises: the record of it, a reviewer, and a teen whose consent says so."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.models import Person, Role
from families.consent_texts import get_newest_text
from families.models import Consent
from guard import Category, Level
from safeguarding.human_review import ReviewFacts, switch_review_on
from safeguarding.incidents import lock_crises, record_card
from safeguarding.models import HumanReview, Incident
from tests.chat.conftest import ask, judged, unnudged
from tests.chat.verdicts import build_verdict

__all__ = ["ask", "judged", "unnudged"]

STATED = "I want to kill myself"
ACUTE = "I have the pills here and I will take them tonight"
UNSAFE = "My dad hits me every night and I am scared to go home"
MakeReviewer = Callable[..., Person]
MakeIncident = Callable[..., Incident]


@pytest.fixture
def make_reviewer(make_person: Callable[..., Person]) -> MakeReviewer:
    def make(username: str = "rosa", **fields: object) -> Person:
        email = f"{username}@example.org"
        details: dict[str, object] = {"display_name": username.title(), "email": email, **fields}
        person = make_person(username, Role.ADMIN, is_staff=True, **details)
        person.user_permissions.add(Permission.objects.get(codename="review_incident"))
        return Person.objects.get(pk=person.pk)

    return make


@pytest.fixture
def reviewer(make_reviewer: MakeReviewer) -> Person:
    return make_reviewer()


@pytest.fixture
def lead(make_reviewer: MakeReviewer) -> Person:
    return make_reviewer("lena")


@pytest.fixture
def deputy(make_reviewer: MakeReviewer) -> Person:
    return make_reviewer("dora")


@pytest.fixture
def facts(lead: Person) -> ReviewFacts:
    """A responsible person without a deputy."""
    return ReviewFacts(
        organization="Harbor House",
        responsible=lead,
        responsible_name="Lena, safeguarding lead",
        training="Two days of safeguarding",
        hours="Weekdays, 8 a.m. to 8 p.m.",
        legal_advice="A. Lawyer, 2026-11-01",
    )


@pytest.fixture
def review(admin_person: Person, facts: ReviewFacts) -> HumanReview:
    """Switched on before any teen has consented to it."""
    return switch_review_on(by=admin_person, facts=facts)


def consent_to_review(teen: Person) -> None:
    """Give the consent that says that people may read a part of a message in a crisis."""
    text = get_newest_text(covers_review=True)
    Consent.objects.create(
        teen=teen,
        given_by_name="a parent",
        given_as="parent",
        version=text.version,
        text_hash=text.hash,
        country="US",
    )


@pytest.fixture
def reviewed_teen(teen: Person, review: HumanReview) -> Person:
    """A teen whose crises people may review."""
    consent_to_review(teen)
    return teen


@pytest.fixture
def make_incident(review: HumanReview) -> MakeIncident:
    """Open an incident for a teen, as a card does, without a turn in chat."""

    def make(
        teen: Person, level: Level = Level.STATED, *categories: Category, text: str = STATED, **fields: Any
    ) -> Incident:
        if not Consent.objects.filter(
            teen=teen, version=get_newest_text(covers_review=True).version
        ).exists():
            consent_to_review(teen)
        verdict = build_verdict(level, *categories)
        with transaction.atomic():
            lock_crises(person=teen)
            incident = record_card(
                person=teen, turn_id=uuid4(), text=text, verdict=verdict, has_earlier_card=False
            )
        assert incident
        if fields:
            Incident.objects.filter(pk=incident.pk).update(**fields)
            incident.refresh_from_db()
        return incident

    return make


@pytest.fixture
def incident(teen: Person, make_incident: MakeIncident) -> Incident:
    return make_incident(teen)
