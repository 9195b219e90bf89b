from dataclasses import replace
from datetime import time

import pytest

from accounts.models import Person
from budgets.models import Budget
from budgets.selectors import SHORT_ANSWER_TOKENS
from families.agreements import answer_proposal, propose_terms, set_parent_pause
from families.errors import NoProposalToAnswer
from families.gate import get_tutor_gate
from families.models import Link, Notice, Proposal
from families.terms import ParentView, Terms

STRICT = Terms(quiet_from=time(21), quiet_to=time(7), answers_per_day=10)


def get_terms(link: Link) -> Terms:
    link.refresh_from_db()
    # Without the agreement's time zone, which proposals here leave out and an accepted one fills in.
    return replace(link.terms, time_zone="")


class TestProposal:
    @pytest.mark.parametrize(("by", "other"), [("parent", "teen"), ("teen", "parent")])
    def test_waits_for_the_other_side(
        self, by: str, other: str, link: Link, request: pytest.FixtureRequest
    ) -> None:
        proposer, answerer = request.getfixturevalue(by), request.getfixturevalue(other)
        is_applied = propose_terms(link=link, by=proposer, terms=STRICT)
        assert not is_applied
        assert get_terms(link) == Terms()
        answer_proposal(link=link, by=answerer, accept=True)
        assert get_terms(link) == STRICT
        assert {notice.person for notice in Notice.objects.all()} == {proposer, answerer}

    def test_can_be_declined(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        answer_proposal(link=link, by=teen, accept=False)
        assert get_terms(link) == Terms()
        assert not Proposal.objects.exists()

    def test_cannot_be_answered_by_its_author(self, link: Link, parent: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        with pytest.raises(NoProposalToAnswer):
            answer_proposal(link=link, by=parent, accept=True)
        assert get_terms(link) == Terms()

    def test_is_replaced_by_a_newer_proposal(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        propose_terms(link=link, by=teen, terms=Terms(answers_per_day=30))
        with pytest.raises(NoProposalToAnswer):
            answer_proposal(link=link, by=teen, accept=True)
        answer_proposal(link=link, by=parent, accept=True)
        assert get_terms(link).answers_per_day == 30

    def test_applies_at_once_if_both_propose_it(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        is_applied = propose_terms(link=link, by=teen, terms=STRICT)
        assert is_applied
        assert get_terms(link) == STRICT

    def test_proposing_the_current_terms_withdraws_it(self, link: Link, parent: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        propose_terms(link=link, by=parent, terms=Terms())
        assert not Proposal.objects.exists()

    def test_of_a_daily_limit_caps_the_budget(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        answer_proposal(link=link, by=teen, accept=True)
        assert Budget.objects.get(owner=teen).tokens == 10 * SHORT_ANSWER_TOKENS


class TestMorePrivacy:
    @pytest.fixture(autouse=True)
    def _parent_sees_everything(self, link: Link) -> None:
        Link.objects.update(parent_view=ParentView.FULL)
        link.refresh_from_db()

    def test_applies_at_once_for_a_teen_and_the_parent_is_notified(
        self, link: Link, parent: Person, teen: Person
    ) -> None:
        assert propose_terms(link=link, by=teen, terms=Terms(parent_view=ParentView.TOPICS))
        assert get_terms(link).parent_view == ParentView.TOPICS
        assert Notice.objects.get().person == parent

    def test_needs_an_answer_if_a_parent_proposes_it(self, link: Link, parent: Person) -> None:
        is_applied = propose_terms(link=link, by=parent, terms=Terms(parent_view=ParentView.TOPICS))
        assert not is_applied

    def test_of_local_models_alone_applies_at_once_for_a_teen_and_the_parent_is_notified(
        self, link: Link, parent: Person, teen: Person
    ) -> None:
        assert propose_terms(link=link, by=teen, terms=Terms(parent_view=ParentView.FULL, local_only=True))
        assert get_terms(link).local_only
        assert get_tutor_gate(teen).terms.local_only
        assert Notice.objects.get().person == parent

    def test_of_local_models_needs_an_answer_if_a_parent_proposes_it(
        self, link: Link, parent: Person, teen: Person
    ) -> None:
        assert not propose_terms(
            link=link, by=parent, terms=Terms(parent_view=ParentView.FULL, local_only=True)
        )
        assert not get_terms(link).local_only
        answer_proposal(link=link, by=teen, accept=True)
        assert get_terms(link).local_only

    def test_does_not_apply_other_changes(self, link: Link, teen: Person) -> None:
        is_applied = propose_terms(
            link=link, by=teen, terms=Terms(parent_view=ParentView.TOPICS, answers_per_day=100)
        )
        assert not is_applied
        assert get_terms(link).parent_view == ParentView.FULL


class TestParentsPause:
    def test_needs_no_answer_and_notifies_the_teen(self, link: Link, teen: Person) -> None:
        set_parent_pause(link=link, paused=True)
        link.refresh_from_db()
        assert link.paused_at
        assert Notice.objects.get().person == teen

    def test_twice_notifies_once(self, link: Link) -> None:
        set_parent_pause(link=link, paused=True)
        set_parent_pause(link=link, paused=True)
        assert Notice.objects.count() == 1

    def test_ends_when_the_parent_opens_the_tutor(self, link: Link) -> None:
        set_parent_pause(link=link, paused=True)
        set_parent_pause(link=link, paused=False)
        link.refresh_from_db()
        assert link.paused_at is None
