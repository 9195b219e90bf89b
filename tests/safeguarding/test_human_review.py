"""Human review is off until an organization records it. While it is on, every family is asked to consent to it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import Person
from families.consent_texts import get_current_text, get_newest_text
from families.consents import covers_review, find_consent, give_consent
from families.gate import ClosedReason, get_tutor_gate
from families.models import Consent, Link
from families.pending_requests import list_pending_requests
from safeguarding.human_review import (
    ReviewFacts,
    ReviewNotRecorded,
    find_cached_human_review,
    find_human_review,
    switch_review_off,
    switch_review_on,
)
from safeguarding.models import HumanReview

pytestmark = pytest.mark.django_db


class TestSwitchingOn:
    @pytest.mark.parametrize(
        "field", ["organization", "responsible_name", "training", "hours", "legal_advice", "responsible"]
    )
    def test_needs_every_fact(self, field: str, facts: ReviewFacts, admin_person: Person) -> None:
        empty: Any = None if field == "responsible" else " "
        incomplete = replace(facts, **{field: empty})
        with pytest.raises(ReviewNotRecorded) as refused:
            switch_review_on(by=admin_person, facts=incomplete)
        assert refused.value.fields == [field]
        assert find_human_review() is None

    def test_without_every_fact_is_refused_by_the_database_too(self) -> None:
        with pytest.raises(IntegrityError):
            HumanReview.objects.create(is_on=True, recorded_by_name="x")

    def test_closes_the_tutor_until_a_parent_consents_to_review(
        self, teen: Person, parent: Person, facts: ReviewFacts, admin_person: Person
    ) -> None:
        link = Link.objects.create(parent=parent, teen=teen)
        assert get_tutor_gate(teen).closed_reason is None
        assert not list_pending_requests(parent)
        switch_review_on(by=admin_person, facts=facts)
        assert get_current_text().covers_review
        assert get_tutor_gate(teen).closed_reason == ClosedReason.CONSENT
        [asked] = list_pending_requests(parent)
        assert asked.key == str(link.pk)
        give_consent(teen=teen, by=parent)
        assert get_tutor_gate(teen).closed_reason is None
        assert covers_review(teen)

    def test_takes_effect_at_once_in_this_process(self, facts: ReviewFacts, admin_person: Person) -> None:
        assert find_cached_human_review() is None
        switch_review_on(by=admin_person, facts=facts)
        assert find_cached_human_review()


class TestSwitchingOff:
    def test_keeps_consents_in_force_that_allow_more(
        self, reviewed_teen: Person, admin_person: Person
    ) -> None:
        switch_review_off(by=admin_person)
        assert not get_current_text().covers_review
        assert find_consent(reviewed_teen)
        assert get_tutor_gate(reviewed_teen).closed_reason is None

    def test_keeps_the_earlier_record(self, review: HumanReview, admin_person: Person) -> None:
        switch_review_off(by=admin_person)
        assert find_human_review() is None
        assert [row.is_on for row in HumanReview.objects.all()] == [False, True]

    def test_reopens_the_tutor_to_those_who_have_not_agreed_to_review(
        self, teen: Person, review: HumanReview, admin_person: Person
    ) -> None:
        assert get_tutor_gate(teen).closed_reason == ClosedReason.CONSENT
        switch_review_off(by=admin_person)
        assert get_tutor_gate(teen).closed_reason is None


class TestConsent:
    def test_that_was_withdrawn_covers_nothing(self, reviewed_teen: Person) -> None:
        Consent.objects.update(withdrawn_at="2026-11-30T00:00Z")
        assert not covers_review(reviewed_teen)

    def test_to_the_text_without_review_covers_nothing(self, teen: Person) -> None:
        assert find_consent(teen)
        assert not covers_review(teen)

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_text_with_review_says_who_reads_and_who_is_told(self, language: str) -> None:
        with translation.override(language):
            with_review = get_newest_text(covers_review=True)
            without = get_newest_text(covers_review=False)
        assert with_review.version > without.version
        assert len(with_review.points) > len(without.points)


class TestTheRecord:
    def test_never_changes(self, review: HumanReview) -> None:
        rows = HumanReview.objects.all()
        changes: list[Callable[[], object]] = [
            lambda: rows.update(hours="always"),
            lambda: rows.update(is_on=False),
            lambda: rows.update(excerpt_days=365),
            rows.delete,
        ]
        for change in changes:
            with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
                change()

    def test_outlives_the_accounts_that_it_names(
        self, review: HumanReview, lead: Person, admin_person: Person
    ) -> None:
        lead.delete()
        review.refresh_from_db()
        assert (review.responsible, review.responsible_name) == (None, "Lena, safeguarding lead")
