"""A turn is replaced only by a better one, and stays on the page until then (ADR 34)."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from budgets.models import Hold, HoldState
from budgets.selectors import get_meter
from chat import services
from chat.answering.leases import GIVE_UP_AFTER, LEASE, claim_turns, finish_turn, sweep_turns
from chat.asking.follow_ups import retry_turn
from chat.errors import StillAnswering
from chat.models import EndReason, Turn, TurnState
from chat.parent_view import build_overview
from chat.personal import export_conversations
from chat.selectors import get_earlier_turns, list_shown_turns
from chat.turns.outcomes import Outcome, is_better
from chat.web.conversation import render_end_swaps
from families.models import Link
from families.parent_view import get_visible_content
from families.terms import ParentView
from guard import Verdict
from tests.chat.conftest import Ask, Judged
from tests.chat.verdicts import METHOD, UNSAFE_HOME
from tests.markup import squeezed

pytestmark = [pytest.mark.usefixtures("unnudged")]

QUESTION = "How do rain, rivers and the sea belong together?"
WORDS = " ".join(f"word{number}" for number in range(136))
CASES: list[tuple[TurnState, EndReason, str, bool]] = [
    (TurnState.ANSWERED, EndReason.NONE, "A short whole answer.", True),
    (TurnState.ANSWERED, EndReason.NONE, "", False),
    (TurnState.ANSWERED, EndReason.LENGTH_LIMIT, "Cut early.", False),
    (TurnState.ANSWERED, EndReason.LENGTH_LIMIT, f"{WORDS} and more", True),
    (TurnState.ANSWERED, EndReason.NO_REMOTE_GUARD, "Kept short.", False),
    (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, "", False),
    (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, WORDS, False),
    (TurnState.STOPPED, EndReason.UNREAD, f"{WORDS} and more", True),
    (TurnState.FAILED, EndReason.MODEL_UNREACHABLE, "", False),
    (TurnState.FAILED, EndReason.WORKER_LOST, "A few words", False),
    (TurnState.FAILED, EndReason.WORKER_LOST, f"{WORDS} and more", True),
    (TurnState.CUT, EndReason.METHOD, "", False),
]


def claim() -> Turn:
    [turn] = claim_turns(limit=1)
    return turn


def end(
    turn: Turn, state: TurnState, end_reason: EndReason, answer: str = "", verdict: Verdict | None = None
) -> Turn:
    """Return the turn after a worker has ended it this way."""
    claimed = claim()
    assert claimed == turn
    tokens = len(answer.split())
    finish_turn(
        turn=claimed,
        outcome=Outcome(
            state=state,
            end_reason=end_reason,
            answer=answer,
            prompt_tokens=tokens and 50,
            answer_tokens=tokens,
            verdict=verdict,
        ),
    )
    turn.refresh_from_db()
    return turn


def retry(turn: Turn) -> Turn:
    turn.refresh_from_db()
    return retry_turn(person=turn.conversation.owner, failed=turn, turn_id=uuid4()).turn


def list_shown(turn: Turn) -> list[Turn]:
    return list(list_shown_turns(turn.conversation))


def list_next_turns_memory(turn: Turn, ask: Ask) -> list[Turn]:
    following = ask(turn.conversation.owner, "What is a delta?", conversation=turn.conversation)
    return get_earlier_turns([following])[following.pk]


@pytest.fixture
def stopped(teen: Person, ask: Ask) -> Turn:
    """An answer that was stopped after 136 words."""
    return end(ask(teen, QUESTION), TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, WORDS)


@pytest.fixture
def failed(teen: Person, ask: Ask) -> Turn:
    """A failed turn without any answer."""
    return end(ask(teen, QUESTION), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)


@pytest.fixture
def client_of_teen(as_person: Callable[[Person], Client], teen: Person) -> Client:
    return as_person(teen)


def html(client_of_teen: Client, turn: Turn) -> str:
    return client_of_teen.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()


class TestWhichTurnStays:
    @pytest.mark.parametrize(("state", "end_reason", "answer", "replaces"), CASES)
    def test_a_retry_keeps_the_better_answer(
        self, stopped: Turn, state: TurnState, end_reason: EndReason, answer: str, replaces: bool
    ) -> None:
        again = end(retry(stopped), state, end_reason, answer)
        assert list_shown(stopped) == [again if replaces else stopped]

    @pytest.mark.parametrize(
        ("state", "end_reason", "answer", "replaces"),
        [
            (TurnState.FAILED, EndReason.MODEL_UNREACHABLE, "", False),
            (TurnState.FAILED, EndReason.MODEL_GARBLED, "A few words", True),
            (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, "", False),
            (TurnState.CUT, EndReason.METHOD, "", True),
        ],
    )
    def test_any_text_is_better_than_an_empty_answer(
        self, failed: Turn, state: TurnState, end_reason: EndReason, answer: str, replaces: bool
    ) -> None:
        again = end(retry(failed), state, end_reason, answer)
        assert list_shown(failed) == [again if replaces else failed]

    @pytest.mark.parametrize(
        "state", [TurnState.CARDED, TurnState.PAUSED, TurnState.REFUSED, TurnState.REDIRECTED]
    )
    def test_a_verdict_on_the_question_always_shows(self, state: TurnState) -> None:
        assert is_better(Turn(state=state), Turn(state=TurnState.STOPPED, answer=WORDS))

    def test_until_it_has_ended_both_are_there(self, stopped: Turn) -> None:
        again = retry(stopped)
        assert list_shown(stopped) == [stopped, again]
        assert claim() == again
        assert list_shown(stopped) == [stopped, again]

    def test_a_turn_may_be_retried_until_it_works(self, stopped: Turn) -> None:
        for _ in range(3):
            end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        assert list_shown(stopped) == [stopped]
        better = end(retry(stopped), TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, f"{WORDS} and more")
        assert list_shown(stopped) == [better]
        end(retry(better), TurnState.FAILED, EndReason.MODEL_SILENT, "Less")
        assert list_shown(stopped) == [better]
        best = end(retry(better), TurnState.ANSWERED, EndReason.NONE, "The whole answer.")
        assert list_shown(stopped) == [best]

    def test_every_try_is_paid_once_whichever_stays(self, stopped: Turn, teen: Person) -> None:
        again = end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE, "A few words")
        meter = get_meter(owner=teen)
        assert (meter.spent, meter.held) == (stopped.tokens + again.tokens, 0)


class TestEveryWayThatARetryEnds:
    def test_stopped_before_it_began(self, stopped: Turn) -> None:
        again = retry(stopped)
        services.stop_turn(turn=again)
        assert list_shown(stopped) == [stopped]
        assert Hold.objects.get(key=again.pk).state == HoldState.RELEASED

    def test_given_up_by_the_sweeper(self, stopped: Turn) -> None:
        again = retry(stopped)
        sweep_turns(now=timezone.now() + GIVE_UP_AFTER + timedelta(minutes=20))
        again.refresh_from_db()
        assert again.end_reason == EndReason.NEVER_STARTED
        assert list_shown(stopped) == [stopped]

    @pytest.mark.parametrize(("answer", "replaces"), [("A few words", False), (f"{WORDS} and more", True)])
    def test_left_behind_by_a_worker_that_died(self, stopped: Turn, answer: str, replaces: bool) -> None:
        again = retry(stopped)
        claim()
        Turn.objects.filter(pk=again.pk).update(answer=answer, answer_tokens=3)
        sweep_turns(now=timezone.now() + LEASE + timedelta(seconds=1))
        again.refresh_from_db()
        assert again.end_reason == EndReason.WORKER_LOST
        assert list_shown(stopped) == [again if replaces else stopped]

    def test_a_card_that_comes_while_it_is_written_shows_instead_of_both(self, stopped: Turn) -> None:
        again = end(retry(stopped), TurnState.CARDED, EndReason.NONE, verdict=UNSAFE_HOME)
        assert list_shown(stopped) == [again]

    def test_fixed_words_at_once(self, stopped: Turn, judged: Judged) -> None:
        judged(METHOD)
        again = retry(stopped)
        assert again.state == TurnState.REFUSED
        assert list_shown(stopped) == [again]

    def test_deleted_with_its_conversation(self, stopped: Turn, teen: Person) -> None:
        retry(stopped)
        claimed = claim()
        services.delete_conversation(conversation=stopped.conversation)
        outcome = Outcome(
            state=TurnState.ANSWERED,
            end_reason=EndReason.NONE,
            answer="Late.",
            prompt_tokens=9,
            answer_tokens=1,
        )
        assert not finish_turn(turn=claimed, outcome=outcome)
        assert not Turn.objects.exists()
        assert get_meter(owner=teen).held == 0

    def test_a_conversation_with_several_tries_is_deleted_whole(self, stopped: Turn) -> None:
        for _ in range(2):
            end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        better = end(retry(stopped), TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, f"{WORDS} and more")
        end(retry(better), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        services.delete_conversation(conversation=stopped.conversation)
        assert not Turn.objects.exists()


class TestPressingRetryTwice:
    def test_with_the_same_id(self, stopped: Turn, teen: Person) -> None:
        turn_id = uuid4()
        first, second = (retry_turn(person=teen, failed=stopped, turn_id=turn_id).turn for _ in range(2))
        assert first == second
        assert stopped.retries.count() == 1

    def test_with_two_ids_one_after_the_other(self, stopped: Turn) -> None:
        assert retry(stopped) == retry(stopped)

    @pytest.mark.django_db(transaction=True)
    def test_with_two_ids_at_once(self, stopped: Turn, teen: Person) -> None:
        retries: list[Turn] = []

        def press() -> None:
            try:
                retries.append(retry_turn(person=teen, failed=stopped, turn_id=uuid4()).turn)
            finally:
                connection.close()

        presses = [Thread(target=press) for _ in range(5)]
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join()
        assert len(retries) == 5
        assert set(retries) == {stopped.retries.get()}

    def test_in_an_old_tab_after_a_better_answer_came(self, stopped: Turn) -> None:
        answered = end(retry(stopped), TurnState.ANSWERED, EndReason.NONE, "The whole answer.")
        assert retry(stopped) == answered
        assert stopped.retries.count() == 1

    def test_in_an_old_tab_that_still_shows_the_try_that_failed(self, stopped: Turn) -> None:
        worse = end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        assert retry(worse) == stopped

    def test_while_another_question_is_answered(self, stopped: Turn, teen: Person, ask: Ask) -> None:
        ask(teen, "And the moon?", conversation=stopped.conversation)
        with pytest.raises(StillAnswering):
            retry(stopped)

    def test_the_database_rejects_a_second_current_retry(self, stopped: Turn) -> None:
        retry(stopped)
        now = timezone.now()
        with pytest.raises(IntegrityError, match="turn_one_current_retry"):
            Turn.objects.create(
                pk=uuid4(), conversation=stopped.conversation, question=QUESTION, retry_of=stopped,
                state=TurnState.STOPPED, ended_at=now,
            )  # fmt: skip


class TestMemory:
    def test_a_retry_does_not_carry_the_same_question_as_its_past(self, stopped: Turn) -> None:
        again = retry(stopped)
        assert get_earlier_turns([again])[again.pk] == []

    def test_after_a_retry_that_failed_the_next_prompt_carries_the_words(
        self, stopped: Turn, ask: Ask
    ) -> None:
        end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        assert [turn.answer for turn in list_next_turns_memory(stopped, ask)] == [WORDS]

    def test_after_one_that_was_better_it_carries_that_alone(self, stopped: Turn, ask: Ask) -> None:
        answered = end(retry(stopped), TurnState.ANSWERED, EndReason.NONE, "The whole answer.")
        assert list_next_turns_memory(stopped, ask) == [answered]

    def test_while_it_is_retried_its_words_are_not_judged_as_said_twice(self, teen: Person, ask: Ask) -> None:
        # Twice in a row it reads “i want to die”.
        turn = ask(teen, "die Katze is the cat in german. Which verb do I want to")
        services.stop_turn(turn=turn)
        retry(turn)
        with pytest.raises(StillAnswering):
            ask(teen, "Which one?", conversation=turn.conversation)


class TestOnThePage:
    def test_while_it_is_retried_the_words_stay_and_it_has_no_button(
        self, stopped: Turn, client_of_teen: Client
    ) -> None:
        again = retry(stopped)
        page_html = html(client_of_teen, stopped)
        assert "word135" in page_html
        assert f'id="turn-{again.pk}"' in page_html
        assert "You asked this again." in page_html
        assert "Retry" not in page_html

    def test_after_it_failed_the_page_says_so_and_offers_retry_again(
        self, stopped: Turn, client_of_teen: Client
    ) -> None:
        again = end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        page_html = html(client_of_teen, stopped)
        assert "word135" in page_html
        assert f'id="turn-{again.pk}"' not in page_html
        assert "You tried again, and it failed." in page_html
        assert "The model couldn’t be reached." in page_html
        assert "Your earlier answer stays." in page_html
        assert reverse("chat:turn_retry", args=[stopped.pk]) in page_html

    @pytest.mark.parametrize(
        ("state", "end_reason", "message"),
        [
            (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, "stopped before there was more to read"),
            (TurnState.STOPPED, EndReason.UNREAD, "no page was open to read it"),
            (TurnState.CUT, EndReason.METHOD, "the safety check blocked the new answer"),
            (TurnState.ANSWERED, EndReason.LENGTH_LIMIT, "the new answer was shorter"),
        ],
    )
    def test_it_says_why_a_try_was_not_better(
        self, stopped: Turn, client_of_teen: Client, state: TurnState, end_reason: EndReason, message: str
    ) -> None:
        end(retry(stopped), state, end_reason)
        assert message in html(client_of_teen, stopped)

    def test_pressing_retry_adds_the_new_turn_and_redraws_the_old_one(
        self, stopped: Turn, client_of_teen: Client
    ) -> None:
        turn_id = uuid4()
        reply = client_of_teen.post(
            reverse("chat:turn_retry", args=[stopped.pk]),
            {"turn_id": turn_id},
            headers={"HX-Request": "true"},
        )
        swaps = squeezed(reply.content.decode())
        assert f'hx-target="#turn-{stopped.pk}" hx-swap="outerMorph"' in swaps
        assert 'hx-target="#turns" hx-swap="beforeend' in swaps
        assert f'id="turn-{turn_id}"' in swaps
        assert "word135" in swaps

    def test_in_an_old_tab_the_better_answer_takes_the_place_of_the_old_turn(
        self, stopped: Turn, client_of_teen: Client
    ) -> None:
        answered = end(retry(stopped), TurnState.ANSWERED, EndReason.NONE, "The whole answer.")
        reply = client_of_teen.post(
            reverse("chat:turn_retry", args=[stopped.pk]),
            {"turn_id": uuid4()},
            headers={"HX-Request": "true"},
        )
        swaps = reply.content.decode()
        assert f'hx-target="#turn-{stopped.pk}" hx-swap="delete"' in swaps
        assert f'id="turn-{answered.pk}"' in swaps

    def test_without_javascript_the_page_comes_back_at_the_new_turn(
        self, stopped: Turn, client_of_teen: Client
    ) -> None:
        turn_id = uuid4()
        reply = client_of_teen.post(reverse("chat:turn_retry", args=[stopped.pk]), {"turn_id": turn_id})
        assert reply.status_code == 302
        assert reply.headers["Location"].endswith(f"#turn-{turn_id}")

    @pytest.mark.parametrize("wins", [True, False])
    def test_the_end_of_its_stream_leaves_one_of_the_two_where_the_retry_stood(
        self, stopped: Turn, rf: RequestFactory, wins: bool
    ) -> None:
        state, answer = (TurnState.ANSWERED, "The whole answer.") if wins else (TurnState.FAILED, "")
        again = end(retry(stopped), state, EndReason.NONE if wins else EndReason.MODEL_UNREACHABLE, answer)
        stays, goes = (again, stopped) if wins else (stopped, again)
        swaps = squeezed(render_end_swaps(rf.get("/"), again))
        assert f'hx-target="#turn-{stopped.pk}" hx-swap="delete"' in swaps
        assert f'hx-target="#turn-{again.pk}" hx-swap="outerMorph"' in swaps
        assert (f'id="turn-{stays.pk}"' in swaps, f'id="turn-{goes.pk}"' in swaps) == (True, False)


class TestElsewhere:
    def test_the_api_lists_what_the_page_shows_and_says_what_replaced_a_turn(
        self, stopped: Turn, client_of_teen: Client
    ) -> None:
        again = end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        listed = reverse("chat_api:conversation_turns", args=[stopped.conversation_id])
        [row] = client_of_teen.get(listed).json()["results"]
        assert row["id"] == str(stopped.pk)
        body = client_of_teen.get(reverse("chat_api:turn", args=[again.pk])).json()
        assert (body["retry_of"], body["replaced_by"]) == (str(stopped.pk), str(stopped.pk))

    def test_the_data_export_has_every_try_and_says_which_is_shown(self, stopped: Turn, teen: Person) -> None:
        end(retry(stopped), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        rows = [(row["answer"], row["replaced"]) for row in export_conversations(teen)]
        assert rows == [(WORDS, False), ("", True)]

    @pytest.mark.parametrize(
        "ended",
        [
            None,
            (TurnState.FAILED, EndReason.MODEL_UNREACHABLE, ""),
            (TurnState.ANSWERED, EndReason.NONE, "The whole answer."),
        ],
    )
    def test_a_parent_sees_the_question_once(
        self, stopped: Turn, parent: Person, ended: tuple[TurnState, EndReason, str] | None
    ) -> None:
        again = retry(stopped)
        if ended:
            end(again, *ended)
        link = Link.objects.create(
            parent=parent,
            teen=stopped.conversation.owner,
            parent_view=ParentView.FULL,
            created_at=stopped.asked_at,
            full_since=None,
        )
        seen = build_overview(link, get_visible_content(link))
        assert [turn.question for turn in seen.turns] == [QUESTION]
        assert [day.questions for day in seen.days] == [1]
