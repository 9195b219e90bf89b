from dataclasses import replace
from datetime import time

import pytest

from accounts.models import Person
from budgets.models import Budget
from budgets.selectors import SHORT_ANSWER_TOKENS
from families.agreements import answer_proposal, propose_terms, set_pause
from families.errors import NoProposalToAnswer
from families.models import Link, Notice, Proposal
from families.terms import ParentView, Terms

STRICT = Terms(quiet_from=time(21), quiet_to=time(7), answers_a_day=10)


def held(link: Link) -> Terms:
    link.refresh_from_db()
    return replace(link.terms, time_zone="")


class TestAChange:
    @pytest.mark.parametrize(("by", "other"), [("parent", "teen"), ("teen", "parent")])
    def test_waits_for_the_other(
        self, by: str, other: str, link: Link, request: pytest.FixtureRequest
    ) -> None:
        asker, answerer = request.getfixturevalue(by), request.getfixturevalue(other)
        assert not propose_terms(link=link, by=asker, terms=STRICT)
        assert held(link) == Terms()
        answer_proposal(link=link, by=answerer, accept=True)
        assert held(link) == STRICT
        assert {notice.person for notice in Notice.objects.all()} == {asker, answerer}

    def test_may_be_declined(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        answer_proposal(link=link, by=teen, accept=False)
        assert held(link) == Terms()
        assert not Proposal.objects.exists()

    def test_is_not_answered_by_the_one_who_asked(self, link: Link, parent: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        with pytest.raises(NoProposalToAnswer):
            answer_proposal(link=link, by=parent, accept=True)
        assert held(link) == Terms()

    def test_is_replaced_by_a_newer_one(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        propose_terms(link=link, by=teen, terms=Terms(answers_a_day=30))
        with pytest.raises(NoProposalToAnswer):
            answer_proposal(link=link, by=teen, accept=True)
        answer_proposal(link=link, by=parent, accept=True)
        assert held(link).answers_a_day == 30

    def test_that_both_ask_for_holds_at_once(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        assert propose_terms(link=link, by=teen, terms=STRICT)
        assert held(link) == STRICT

    def test_back_to_what_holds_takes_it_back(self, link: Link, parent: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        propose_terms(link=link, by=parent, terms=Terms())
        assert not Proposal.objects.exists()

    def test_of_the_limit_reaches_the_ledger(self, link: Link, parent: Person, teen: Person) -> None:
        propose_terms(link=link, by=parent, terms=STRICT)
        answer_proposal(link=link, by=teen, accept=True)
        assert Budget.objects.get(owner=teen).tokens == 10 * SHORT_ANSWER_TOKENS


class TestMorePrivacy:
    @pytest.fixture(autouse=True)
    def _everything_is_seen(self, link: Link) -> None:
        Link.objects.update(view=ParentView.FULL)
        link.refresh_from_db()

    def test_a_teen_gets_it_at_once_and_the_parent_is_told(
        self, link: Link, parent: Person, teen: Person
    ) -> None:
        assert propose_terms(link=link, by=teen, terms=Terms(view=ParentView.TOPICS))
        assert held(link).view == ParentView.TOPICS
        assert Notice.objects.get().person == parent

    def test_a_parent_waits_for_it_like_for_anything_else(self, link: Link, parent: Person) -> None:
        assert not propose_terms(link=link, by=parent, terms=Terms(view=ParentView.TOPICS))

    def test_it_carries_nothing_else_along(self, link: Link, teen: Person) -> None:
        assert not propose_terms(link=link, by=teen, terms=Terms(view=ParentView.TOPICS, answers_a_day=100))
        assert held(link).view == ParentView.FULL


class TestAPause:
    def test_needs_no_yes_and_tells_the_teen(self, link: Link, teen: Person) -> None:
        set_pause(link=link, paused=True)
        link.refresh_from_db()
        assert link.paused_at
        assert Notice.objects.get().person == teen

    def test_twice_tells_once(self, link: Link) -> None:
        set_pause(link=link, paused=True)
        set_pause(link=link, paused=True)
        assert Notice.objects.count() == 1

    def test_ends_by_the_parents_word(self, link: Link) -> None:
        set_pause(link=link, paused=True)
        set_pause(link=link, paused=False)
        link.refresh_from_db()
        assert link.paused_at is None
