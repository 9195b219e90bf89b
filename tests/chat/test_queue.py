"""Which turn comes next, and what people in the queue are told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Person
from budgets.selectors import get_meter
from chat.answering.leases import MAX_QUEUE_WAIT, claim_turns, sweep_turns
from chat.models import EndReason, Turn, TurnState
from chat.turns.queue import estimate_wait, format_queue_wait, list_next_turns
from tests.budgets.rush import at_once
from tests.chat.conftest import Ask
from tests.conftest import with_consent

MakePerson = Callable[..., Person]


@pytest.fixture
def people(make_person: MakePerson) -> list[Person]:
    return [with_consent(make_person(f"teen-{number}")) for number in range(4)]


def move_asked_at(turn: Turn, seconds_ago: float) -> Turn:
    turn.asked_at = timezone.now() - timedelta(seconds=seconds_ago)
    turn.save(update_fields=["asked_at"])
    return turn


def end_turn(turn: Turn, seconds_ago: float = 0) -> Turn:
    now = timezone.now() - timedelta(seconds=seconds_ago)
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, claim=None, lease_until=None, claimed_at=now, ended_at=now
    )
    return turn


class TestTheOrder:
    def test_the_person_who_asked_first_comes_first(self, people: list[Person], ask: Ask) -> None:
        turns = [move_asked_at(ask(person), 10 - number) for number, person in enumerate(people)]
        assert [turn.id for turn in list_next_turns(3)] == [turn.pk for turn in turns[:3]]

    def test_no_person_has_two_turns_written_at_once(self, people: list[Person], ask: Ask) -> None:
        greedy, patient = people[:2]
        first = move_asked_at(ask(greedy), 9)
        for number in range(3):
            move_asked_at(ask(greedy), 8 - number)
        other = move_asked_at(ask(patient), 1)
        assert {turn.pk for turn in claim_turns(limit=10)} == {first.pk, other.pk}
        assert claim_turns(limit=10) == []

    def test_each_question_of_a_person_waits_in_the_queue(self, people: list[Person], ask: Ask) -> None:
        """With a single slot, as on a small machine."""
        greedy, *others = people
        for number in range(3):
            move_asked_at(ask(greedy), 60 - number)
        for number, person in enumerate(others):
            move_asked_at(ask(person), 30 - number)
        served = []
        for _ in range(6):
            [turn] = claim_turns(limit=1)
            served.append(turn.conversation.owner)
            Turn.objects.filter(pk=turn.pk).update(
                state=TurnState.ANSWERED, claim=None, lease_until=None, ended_at=timezone.now()
            )
        assert served == [greedy, *others, greedy, greedy]

    def test_a_free_place_goes_to_the_next_person_who_can_use_it(
        self, people: list[Person], ask: Ask
    ) -> None:
        ask(people[0])
        assert len(claim_turns(limit=0)) == 0
        assert len(claim_turns(limit=5)) == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_never_claim_two_turns_of_a_person(
    make_person: MakePerson, ask: Ask, unnudged: None
) -> None:
    person = with_consent(make_person("greedy"))
    for _ in range(6):
        ask(person)

    assert sum(at_once([lambda: len(claim_turns(limit=3))] * 6)) == 1


class TestTheWaitText:
    def test_no_time_is_shown_without_an_estimate(self, turn: Turn) -> None:
        assert estimate_wait(turn).seconds is None
        assert format_queue_wait(turn) == "Waiting for the tutor to be free. Your question is saved."

    def test_the_next_one_gets_the_offer_with_a_time(self, people: list[Person], ask: Ask) -> None:
        for _ in range(6):
            end_turn(ask(people[0]))
        assert format_queue_wait(ask(people[1])) == "The tutor is busy. You’re next, in about 20 seconds."

    def test_how_many_people_come_first_and_not_how_many_questions(
        self, people: list[Person], ask: Ask
    ) -> None:
        end_turn(ask(people[0]))
        for _ in range(3):
            move_asked_at(ask(people[0]), 5)
        move_asked_at(ask(people[1]), 4)
        turn = ask(people[2])
        assert estimate_wait(turn).ahead == 2
        assert (
            format_queue_wait(turn)
            == "The tutor is busy. 2 people are ahead of you. It’s your turn in about 6 minutes."
        )


@pytest.mark.usefixtures("unnudged")
class TestGivingUp:
    def test_a_queue_that_moves_keeps_its_turns(self, people: list[Person], ask: Ask) -> None:
        turn = move_asked_at(ask(people[0]), 200)
        end_turn(ask(people[1]), seconds_ago=30)
        sweep_turns()
        turn.refresh_from_db()
        assert turn.state == TurnState.QUEUED

    def test_until_it_has_taken_too_long_and_nothing_is_charged(self, people: list[Person], ask: Ask) -> None:
        turn = move_asked_at(ask(people[0]), MAX_QUEUE_WAIT.total_seconds() + 1)
        end_turn(ask(people[1]), seconds_ago=30)
        sweep_turns()
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.NEVER_STARTED)
        assert get_meter(owner=people[0]).held == 0
