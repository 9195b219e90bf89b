"""Every hour of going on, the page says that this is an AI and that a break is good."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.asking.services import BREAK, REMINDED_EVERY
from chat.models import State, Turn
from guard import Level, Verdict

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unnudged")]
Ask = Callable[..., Turn]
WORDS = "You have been here for an hour."


def ended(turn: Turn, *, asked: timedelta, since: timedelta) -> Turn:
    """The turn as if it had been asked so long ago, in a sitting that began so long ago."""
    now = timezone.now()
    Turn.objects.filter(pk=turn.pk).update(
        state=State.ANSWERED, ended_at=now, asked_at=now - asked, sitting_since=now - since
    )
    turn.refresh_from_db()
    return turn


MINUTE = timedelta(minutes=1)


def test_the_first_question_begins_a_sitting(teen: Person, ask: Ask) -> None:
    turn = ask(teen)
    assert not turn.reminds
    assert timezone.now() - turn.sitting_since < MINUTE


def test_going_on_within_the_hour_says_nothing(teen: Person, ask: Ask) -> None:
    first = ended(ask(teen), asked=5 * MINUTE, since=REMINDED_EVERY - MINUTE)
    turn = ask(teen)
    assert (turn.reminds, turn.sitting_since) == (False, first.sitting_since)


def test_after_an_hour_it_is_said_once_and_counted_anew(teen: Person, ask: Ask) -> None:
    ended(ask(teen), asked=5 * MINUTE, since=REMINDED_EVERY)
    turn = ask(teen)
    assert turn.reminds
    ended(turn, asked=MINUTE, since=MINUTE)
    assert not ask(teen).reminds


def test_another_conversation_is_no_break(teen: Person, ask: Ask) -> None:
    first = ended(ask(teen), asked=5 * MINUTE, since=REMINDED_EVERY)
    turn = ask(teen, conversation=None)
    assert turn.conversation != first.conversation
    assert turn.reminds


def test_a_break_begins_a_new_sitting(teen: Person, ask: Ask) -> None:
    ended(ask(teen), asked=BREAK + MINUTE, since=3 * REMINDED_EVERY)
    assert not ask(teen).reminds


def test_somebody_elses_hours_do_not_count(teen: Person, parent: Person, ask: Ask) -> None:
    ended(ask(parent), asked=5 * MINUTE, since=REMINDED_EVERY)
    assert not ask(teen).reminds


def test_a_card_has_more_important_words_and_the_next_answer_says_it(
    teen: Person, ask: Ask, judged: Callable[[Verdict], None]
) -> None:
    ended(ask(teen), asked=5 * MINUTE, since=REMINDED_EVERY)
    judged(Verdict(Level.STATED))
    card = ask(teen)
    assert (card.state, card.reminds) == (State.CARDED, False)
    Turn.objects.filter(pk=card.pk).update(went_on_at=timezone.now())
    judged(Verdict())
    assert ask(teen).reminds


def test_the_page_and_the_api_say_it(teen: Person, ask: Ask, client: Client) -> None:
    ended(ask(teen), asked=5 * MINUTE, since=REMINDED_EVERY)
    turn = ask(teen)
    client.force_login(teen)
    page = client.get(f"/tutor/{turn.conversation_id}").content.decode()
    assert page.count(WORDS) == 1
    assert "a computer program and not a human" in page
    assert client.get(f"/api/v1/turns/{turn.pk}").json()["reminds"] is True
