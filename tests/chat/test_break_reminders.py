"""After each hour without a break, the page says that this is an AI and suggests a break."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.asking.services import MIN_BREAK, REMINDER_INTERVAL
from chat.models import Turn, TurnState
from guard import Level, Verdict

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unnudged")]
Ask = Callable[..., Turn]
WORDS = "You’ve been here for an hour"


def move_back_in_time(turn: Turn, *, asked: timedelta, since: timedelta) -> Turn:
    """Move the turn back in time, and the start of its asking without a break."""
    now = timezone.now()
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, ended_at=now, asked_at=now - asked, asking_since=now - since
    )
    turn.refresh_from_db()
    return turn


MINUTE = timedelta(minutes=1)


def test_the_first_question_starts_the_clock(teen: Person, ask: Ask) -> None:
    turn = ask(teen)
    assert not turn.shows_break_reminder
    assert timezone.now() - turn.asking_since < MINUTE


def test_no_reminder_is_shown_within_the_hour(teen: Person, ask: Ask) -> None:
    first = move_back_in_time(ask(teen), asked=5 * MINUTE, since=REMINDER_INTERVAL - MINUTE)
    turn = ask(teen)
    assert (turn.shows_break_reminder, turn.asking_since) == (False, first.asking_since)


def test_after_an_hour_it_is_shown_once_and_the_clock_restarts(teen: Person, ask: Ask) -> None:
    move_back_in_time(ask(teen), asked=5 * MINUTE, since=REMINDER_INTERVAL)
    turn = ask(teen)
    assert turn.shows_break_reminder
    move_back_in_time(turn, asked=MINUTE, since=MINUTE)
    assert not ask(teen).shows_break_reminder


def test_another_conversation_is_no_break(teen: Person, ask: Ask) -> None:
    first = move_back_in_time(ask(teen), asked=5 * MINUTE, since=REMINDER_INTERVAL)
    turn = ask(teen, conversation=None)
    assert turn.conversation != first.conversation
    assert turn.shows_break_reminder


def test_a_break_restarts_the_clock(teen: Person, ask: Ask) -> None:
    move_back_in_time(ask(teen), asked=MIN_BREAK + MINUTE, since=3 * REMINDER_INTERVAL)
    assert not ask(teen).shows_break_reminder


def test_other_peoples_time_does_not_count(teen: Person, parent: Person, ask: Ask) -> None:
    move_back_in_time(ask(parent), asked=5 * MINUTE, since=REMINDER_INTERVAL)
    assert not ask(teen).shows_break_reminder


def test_a_card_comes_first_and_the_next_answer_shows_it(
    teen: Person, ask: Ask, judged: Callable[[Verdict], None]
) -> None:
    move_back_in_time(ask(teen), asked=5 * MINUTE, since=REMINDER_INTERVAL)
    judged(Verdict(Level.STATED))
    card = ask(teen)
    assert (card.state, card.shows_break_reminder) == (TurnState.CARDED, False)
    Turn.objects.filter(pk=card.pk).update(resumed_at=timezone.now())
    judged(Verdict())
    assert ask(teen).shows_break_reminder


def test_the_page_and_the_api_show_it(teen: Person, ask: Ask, client: Client) -> None:
    move_back_in_time(ask(teen), asked=5 * MINUTE, since=REMINDER_INTERVAL)
    turn = ask(teen)
    client.force_login(teen)
    page = client.get(f"/tutor/{turn.conversation_id}").content.decode()
    assert page.count(WORDS) == 1
    assert "a computer program and not a human" in page
    assert client.get(f"/api/v1/turns/{turn.pk}").json()["shows_break_reminder"] is True
