"""A wider parent view starts with its agreement; earlier questions stay private unless the teen includes them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from families.agreements import answer_proposal, propose_terms
from families.links import end_link
from families.models import Link, Proposal
from families.terms import ParentView, Terms
from privacy.services import erase_person

Enter = Callable[[Person], Client]
See = Callable[[], set[str]]
Asked = Callable[..., None]
TOPICS, FLAGGED, FULL = Terms(), Terms(parent_view=ParentView.FLAGGED), Terms(parent_view=ParentView.FULL)


@pytest.fixture
def asked(teen: Person) -> Asked:
    conversation = Conversation.objects.create(owner=teen, title="Talk")

    def asking(question: str, *, is_carded: bool = False) -> None:
        state = {"state": TurnState.CARDED, "level": "3"} if is_carded else {"state": TurnState.ANSWERED}
        Turn.objects.create(
            pk=uuid4(), conversation=conversation, question=question, ended_at=timezone.now(), **state
        )

    return asking


@pytest.fixture
def seen(link: Link, as_person: Enter) -> See:
    """Return which of the questions "Apple" to "Figs" the parent sees."""

    def reading() -> set[str]:
        page = as_person(link.parent).get(f"/tutor/parent-view/{link.pk}").content.decode()
        return {word for word in ("Apple", "Banana", "Cherry", "Dates", "Elder", "Figs") if word in page}

    return reading


def agree(link: Link, terms: Terms, *, includes_earlier: bool = False) -> None:
    """The parent proposes and the teen accepts."""
    propose_terms(link=link, by=link.parent, terms=terms)
    if Proposal.objects.filter(link=link).exists():
        answer_proposal(link=link, by=link.teen, accept=True, includes_earlier=includes_earlier)


def test_a_wider_view_shows_questions_since_its_agreement(link: Link, asked: Asked, seen: See) -> None:
    asked("Apple")
    asked("Banana", is_carded=True)
    agree(link, FLAGGED)
    assert seen() == set()
    asked("Cherry", is_carded=True)
    asked("Dates")
    agree(link, FULL)
    assert seen() == {"Cherry"}
    asked("Elder")
    assert seen() == {"Cherry", "Elder"}


def test_a_wider_view_starts_again_after_a_narrower_one(
    link: Link, teen: Person, asked: Asked, seen: See
) -> None:
    agree(link, FULL)
    asked("Apple")
    assert propose_terms(link=link, by=teen, terms=TOPICS)
    asked("Banana")
    agree(link, FULL)
    asked("Cherry")
    assert seen() == {"Cherry"}


def test_a_wider_view_keeps_what_the_narrower_one_showed(
    link: Link, teen: Person, asked: Asked, seen: See
) -> None:
    agree(link, FLAGGED)
    asked("Apple", is_carded=True)
    agree(link, FULL)
    propose_terms(link=link, by=teen, terms=FLAGGED)
    assert seen() == {"Apple"}


def test_other_changes_do_not_move_the_start(link: Link, asked: Asked, seen: See) -> None:
    agree(link, FULL)
    asked("Apple")
    agree(link, Terms(parent_view=ParentView.FULL, answers_per_day=5))
    assert seen() == {"Apple"}


class TestTheTeensChoice:
    def test_when_accepting_includes_earlier_questions(self, link: Link, asked: Asked, seen: See) -> None:
        asked("Apple")
        agree(link, FULL, includes_earlier=True)
        assert seen() == {"Apple"}

    def test_when_proposing_applies_once_the_parent_accepts(
        self, link: Link, parent: Person, teen: Person, asked: Asked, seen: See
    ) -> None:
        asked("Apple")
        propose_terms(link=link, by=teen, terms=FULL, includes_earlier=True)
        answer_proposal(link=link, by=parent, accept=True)
        assert seen() == {"Apple"}

    @pytest.mark.parametrize("is_answering", [False, True])
    def test_is_ignored_for_a_parent(
        self, is_answering: bool, link: Link, parent: Person, teen: Person, asked: Asked, seen: See
    ) -> None:
        asked("Apple")
        propose_terms(
            link=link, by=teen if is_answering else parent, terms=FULL, includes_earlier=not is_answering
        )
        answer_proposal(
            link=link, by=parent if is_answering else teen, accept=True, includes_earlier=is_answering
        )
        assert seen() == set()

    def test_is_offered_only_to_the_teen_and_unchecked(
        self, link: Link, parent: Person, teen: Person, asked: Asked, seen: See, as_person: Enter
    ) -> None:
        asked("Apple")
        propose_terms(link=link, by=parent, terms=FULL)
        address = f"/family/links/{link.pk}/"
        assert "includes_earlier" not in as_person(parent).get(f"{address}agreement").content.decode()
        page = as_person(teen).get(f"{address}agreement").content.decode()
        assert page.count('<input type="checkbox" name="includes_earlier">') == 2
        as_person(teen).post(f"{address}answer", {"answer": "yes", "includes_earlier": "on"})
        assert seen() == {"Apple"}
        page = as_person(parent).get(f"{address}agreement").content.decode()
        assert "Questions from before the agreement are shown too." in page


class TestOfTwoParents:
    @pytest.fixture
    def other_link(self, other_parent: Person, teen: Person) -> Link:
        return Link.objects.create(parent=other_parent, teen=teen)

    def test_the_later_start_applies(self, link: Link, other_link: Link, asked: Asked, seen: See) -> None:
        agree(link, FULL)
        asked("Apple")
        agree(other_link, FULL)
        asked("Banana")
        assert seen() == {"Banana"}

    @pytest.mark.parametrize("is_erased", [False, True])
    def test_questions_under_the_narrower_view_stay_hidden_after_its_link_ends(
        self, is_erased: bool, link: Link, other_link: Link, asked: Asked, seen: See
    ) -> None:
        agree(link, FULL)
        asked("Apple")
        assert seen() == set()
        if is_erased:
            erase_person(person=other_link.parent)
        else:
            end_link(link=other_link, by=other_link.parent)
        asked("Banana")
        assert seen() == {"Banana"}


def test_time_and_topics_count_from_the_start_of_the_link(link: Link, asked: Asked, as_person: Enter) -> None:
    asked("Apple")
    Turn.objects.update(asked_at=timezone.now() - timedelta(days=2))
    assert "No questions." in as_person(link.parent).get(f"/tutor/parent-view/{link.pk}").content.decode()
