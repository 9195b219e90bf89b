"""When consent ends, the answer in progress stops and settles once, and the teen's page says why."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Person
from budgets.models import Hold, HoldState
from budgets.selectors import get_meter
from chat.answering.worker import TurnWorker
from chat.asking.services import start_turn
from chat.errors import FamilyClosed
from chat.models import EndReason, Turn, TurnState
from families.consents import withdraw_consent
from families.links import end_link
from families.models import Consent, Link
from privacy.services import erase_person
from tests.budgets.rush import at_once
from tests.chat.conftest import Ask
from tests.families.conftest import agree
from tests.live import wait_until

Enter = Callable[[Person], Client]
WHY = "The answer stopped here because consent to the tutor was withdrawn."


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    Consent.objects.all().delete()
    link = Link.objects.create(parent=parent, teen=teen)
    agree(teen=teen, by=parent, country="FR")
    return link


def withdrawn_by_parent(link: Link) -> None:
    withdraw_consent(teen=link.teen, by=link.parent)


def withdrawn_by_teen(link: Link) -> None:
    withdraw_consent(teen=link.teen, by=link.teen)


def link_ended(link: Link) -> None:
    end_link(link=link, by=link.parent)


def parent_erased(link: Link) -> None:
    erase_person(person=link.parent)


ENDS = [withdrawn_by_parent, withdrawn_by_teen, link_ended, parent_erased]


@pytest.mark.parametrize("end", ENDS)
def test_one_that_waits_ends_at_once_and_costs_nothing(
    end: Callable[[Link], None], link: Link, teen: Person, ask: Ask, unnudged: None, as_person: Enter
) -> None:
    turn = ask(teen)
    end(link)
    turn.refresh_from_db()
    assert (turn.state, turn.end_reason, turn.tokens) == (TurnState.STOPPED, EndReason.CONSENT_WITHDRAWN, 0)
    assert Hold.objects.get().state == HoldState.RELEASED
    page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
    assert WHY in page
    assert "Write here if you need help" in page


def test_a_link_that_ends_without_a_consent_of_its_parent_ends_no_answer(
    link: Link, teen: Person, ask: Ask, unnudged: None
) -> None:
    Consent.objects.update(given_by=teen, given_as="teen")
    turn = ask(teen)
    end_link(link=link, by=link.parent)
    turn.refresh_from_db()
    assert turn.state == TurnState.QUEUED


@pytest.mark.django_db(transaction=True)
class TestAnAnswerInProgress:
    @pytest.fixture
    def worker(self) -> Iterator[TurnWorker]:
        worker = TurnWorker(max_answers=1)
        yield worker
        worker.is_closing = True
        wait_until(lambda: not worker.answers, what="the desk to be empty")

    def test_stops_and_what_was_written_is_charged(
        self, link: Link, teen: Person, ask: Ask, unnudged: None, worker: TurnWorker, as_person: Enter
    ) -> None:
        turn = ask(teen)
        Turn.objects.update(max_answer_tokens=400)
        worker.claim_next()
        withdraw_consent(teen=teen, by=link.parent)
        wait_until(lambda: not Turn.objects.get(pk=turn.pk).is_live, what="the stop")
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.CONSENT_WITHDRAWN)
        meter = get_meter(owner=teen)
        assert (meter.held, meter.spent) == (0, turn.tokens)
        assert WHY in as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_question_in_the_same_moment_is_ended_or_not_taken(
    link: Link, teen: Person, unnudged: None
) -> None:
    """In either order, no turn is live once consent is withdrawn."""
    refused: list[object] = []

    def asking() -> None:
        try:
            start_turn(person=teen, turn_id=uuid4(), question="Why is the sky blue?")
        except FamilyClosed as error:
            refused.append(error)

    at_once([asking] * 6 + [lambda: withdrawn_by_parent(link)])
    assert Turn.objects.count() + len(refused) == 6
    assert set(Turn.objects.values_list("state", "end_reason")) <= {
        (TurnState.STOPPED, EndReason.CONSENT_WITHDRAWN)
    }
    assert not Hold.objects.filter(state=HoldState.HELD).exists()
