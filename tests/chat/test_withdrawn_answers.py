"""Each finished sentence of an answer is judged. An unsafe one is withdrawn everywhere, or never shown (ADR 55)."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from budgets.models import Hold, HoldState
from chat import services, streaming
from chat.answering.leases import LEASE, Checkpoint, checkpoint_turns, claim_turns, sweep_turns
from chat.answering.worker import TurnWorker
from chat.models import Conversation, EndReason, Note, Turn, TurnState
from chat.prompt import is_carried
from chat.streaming.valkey_stream import _client as valkey
from chat.streaming.valkey_stream import stream_key
from chat.turns import outcomes
from chat.turns.verdicts import is_clearly_ordinary
from guard import Category, Evidence, Level, Verdict
from inference import loop
from tests.chat.conftest import Ask, Judged, written
from tests.chat.test_api_events import build_answer
from tests.chat.test_api_events import open_stream as open_api_stream
from tests.chat.test_relay import Event, build_page_text, open_stream
from tests.chat.test_remote_gate import HARM, SAFE, SENTENCE, RemoteGuard, remote
from tests.live import SignedInClient, Web, wait_until
from tests.quirk_cases import END
from tests.quirks import answered_by
from tests.scripted import OK, Script, scripted, words

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

AsPerson = Callable[[Person], Client]
SAFE_WORDS = ["Rain ", "falls ", "on ", "hills. "]
UNSAFE_WORDS = ["Then ", "tape ", "it ", "up. "]
REST = ["Nobody ", "must ", "know. "]
KEPT = "Rain falls on hills."
SLOWLY: Script = [OK, words(*SAFE_WORDS, *UNSAFE_WORDS[:3]), 0.5, words(*UNSAFE_WORDS[3:], *REST), END]
STRESS = Verdict(level=Level.STRESS, categories=frozenset({Category.DISTRESS}))


def judge_tape(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
    if "tape" not in sentence:
        return Verdict(layer="answer head")
    evidence = Evidence("answer head", "method", 0, len(sentence))
    return Verdict(categories=frozenset({Category.METHOD}), evidence=(evidence,), layer="answer head")


def fail_at_tape(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
    if "tape" in sentence:
        raise RuntimeError("The head cannot be read.")
    return Verdict(layer="answer head")


def answered(turn: Turn, script: Script = SLOWLY, judge: Any = judge_tape) -> Turn:
    with scripted(script) as serving, answered_by(serving):
        return written(turn, judge)


@contextmanager
def being_written(script: Script, judge: Any = judge_tape) -> Iterator[TurnWorker]:
    """Let a worker of this process write the next answer, and wait for it at the end."""
    with scripted(script) as serving, answered_by(serving):
        worker = TurnWorker(max_answers=1, judge_sentence=judge)
        worker.claim_next()
        yield worker
        wait_until(lambda: not worker.answers, what="the answer")
        worker.is_closing = True


def list_entries(turn: Turn) -> list[dict[str, str]]:
    entries: Any = valkey().xrange(stream_key(turn.pk))
    return [fields for _, fields in entries]


def get_streamed_text(turn: Turn) -> str:
    return (streaming.read_stream(turn.pk) or streaming.StreamedAnswer()).text


class Recorded:
    """What the metrics are told of sentences."""

    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.words: list[float] = []
        self.seconds: list[float] = []


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()

    def add(amount: int, result: str) -> None:
        recorded.results[result] += amount

    monkeypatch.setattr(outcomes, "SENTENCES", SimpleNamespace(add=add))
    monkeypatch.setattr(outcomes, "WITHDRAWN_WORDS", SimpleNamespace(observe=recorded.words.append))
    monkeypatch.setattr(outcomes, "WITHDRAWN_AFTER", SimpleNamespace(observe=recorded.seconds.append))
    return recorded


class TestAnOrdinaryQuestion:
    def test_ends_at_an_unsafe_sentence_and_stores_nothing_of_the_answer(
        self, teen: Person, ask: Ask
    ) -> None:
        turn = answered(ask(teen))
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.CUT, EndReason.METHOD, "")
        assert Hold.objects.get().state == HoldState.SETTLED

    def test_leaves_nothing_of_the_sentence_in_the_stream(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen)
        shown = list[str]()
        with being_written(SLOWLY):
            wait_until(lambda: "tape" in get_streamed_text(turn), what="the first words of the sentence")
            shown.append(get_streamed_text(turn))
        assert shown[0] == "Rain falls on hills. Then tape "
        assert get_streamed_text(turn) == KEPT
        assert "tape" not in json.dumps(list_entries(turn))

    def test_shows_the_words_of_a_cut_answer(self, teen: Person, ask: Ask, as_person: AsPerson) -> None:
        turn = answered(ask(teen))
        page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
        assert "The answer was taken back. You can read why." in page
        assert "tape" not in page
        assert "Rain falls" not in page

    def test_leaves_nothing_for_notes_or_later_prompts(self, teen: Person, ask: Ask) -> None:
        turn = answered(ask(teen, "I prefer short answers. My test is on Friday. Why does it rain?"))
        assert turn.state == TurnState.CUT
        assert not is_carried(turn)
        assert not Note.objects.exists()
        with scripted([OK, words("Because. "), END]) as serving, answered_by(serving):
            following = written(ask(teen, "And why?", conversation=turn.conversation), judge_tape)
        assert following.state == TurnState.ANSWERED
        assert "tape" not in json.dumps(serving.asked)

    def test_keeps_an_answer_that_is_safe(self, teen: Person, ask: Ask, recorded: Recorded) -> None:
        turn = answered(ask(teen), [OK, words(*SAFE_WORDS, *REST), END])
        assert (turn.state, turn.answer) == (TurnState.ANSWERED, "Rain falls on hills. Nobody must know.")
        assert recorded.results == {"safe": 2}
        assert not recorded.words

    def test_counts_how_many_words_were_shown_and_for_how_long(
        self, teen: Person, ask: Ask, recorded: Recorded
    ) -> None:
        answered(ask(teen))
        assert recorded.results == {"safe": 1, "withdrawn": 1}
        # "Then tape": the output gate holds each word until the next begins.
        assert recorded.words == [2]
        assert 0.4 < recorded.seconds[0] < 5

    def test_judges_the_sentence_at_which_the_model_ended(self, teen: Person, ask: Ask) -> None:
        turn = answered(ask(teen), [OK, words(*SAFE_WORDS, "Then tape"), END])
        assert (turn.state, turn.answer) == (TurnState.CUT, "")

    def test_judges_the_sentence_at_which_the_model_failed(self, teen: Person, ask: Ask) -> None:
        turn = answered(ask(teen), [OK, words(*SAFE_WORDS, "Then ", "tape ", "it ")])
        assert (turn.state, turn.answer) == (TurnState.CUT, "")

    def test_judges_with_the_question(self, teen: Person, ask: Ask) -> None:
        heard = list[tuple[str, str]]()

        def judge(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
            heard.append((question, sentence))
            return Verdict()

        answered(ask(teen, "Why does it rain?"), [OK, words(*SAFE_WORDS, *REST), END], judge)
        assert heard == [("Why does it rain?", KEPT), ("Why does it rain?", "Nobody must know.")]

    def test_judges_a_continuation_with_the_question_that_it_continues(self, teen: Person, ask: Ask) -> None:
        questions = list[str]()

        def judge(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
            questions.append(question)
            return Verdict()

        turn = answered(ask(teen, "Why does it rain?"), [OK, words(*SAFE_WORDS), 0.1], judge)
        assert (turn.state, turn.answer) == (TurnState.FAILED, KEPT)
        following = ask(teen, "Go on.", conversation=turn.conversation, continues=turn)
        answered(following, [OK, words(*REST), END], judge)
        assert questions == ["Why does it rain?"] * 2

    def test_does_not_judge_on_the_event_loop(self, teen: Person, ask: Ask) -> None:
        threads = set[str]()

        def judge(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
            threads.add(threading.current_thread().name)
            return Verdict()

        answered(ask(teen), [OK, words(*SAFE_WORDS, *REST), END], judge)
        assert threads == {"judging_0"}

    def test_takes_back_what_the_model_then_thought(self, teen: Person, ask: Ask) -> None:
        turn = answered(ask(teen), [OK, words("Then tape it</think>", *SAFE_WORDS), END])
        assert (turn.state, turn.answer) == (TurnState.ANSWERED, KEPT)


class TestAQuestionThatIsNotOrdinary:
    def test_never_shows_a_word_of_an_unsafe_sentence(
        self, teen: Person, ask: Ask, judged: Judged, recorded: Recorded
    ) -> None:
        judged(STRESS)
        turn, shown = ask(teen), set[str]()
        with being_written(SLOWLY) as worker:
            while worker.answers:
                shown.add(get_streamed_text(turn))
                time.sleep(0.02)
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.CUT, EndReason.METHOD, "")
        assert shown <= {"", KEPT}
        assert get_streamed_text(turn) == KEPT
        assert recorded.results == {"safe": 1, "withheld": 1}
        assert not recorded.words

    @pytest.mark.parametrize(("verdict", "is_ordinary"), [(STRESS, False), (Verdict(), True)])
    def test_is_told_to_the_judge(
        self, teen: Person, ask: Ask, judged: Judged, verdict: Verdict, is_ordinary: bool
    ) -> None:
        told = list[bool]()

        def judge(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
            told.append(is_question_ordinary)
            return Verdict()

        judged(verdict)
        answered(ask(teen), [OK, words(*SAFE_WORDS, *REST), END], judge)
        assert told == [is_ordinary] * 2

    def test_shows_each_sentence_when_it_is_judged(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(STRESS)
        turn = ask(teen)
        with being_written([OK, words(*SAFE_WORDS, *REST[:2]), 0.6, words(*REST[2:]), END]):
            wait_until(lambda: get_streamed_text(turn), what="the first sentence")
            assert get_streamed_text(turn) == KEPT
        turn.refresh_from_db()
        assert (turn.state, turn.answer) == (TurnState.ANSWERED, "Rain falls on hills. Nobody must know.")

    def test_holds_its_continuation_too(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(STRESS)
        turn = answered(ask(teen), [OK, words(*SAFE_WORDS), 0.1])
        judged(Verdict())
        following = ask(teen, "Go on.", conversation=turn.conversation, continues=turn)
        with being_written(SLOWLY):
            wait_until(lambda: get_streamed_text(following), what="the first sentence")
            time.sleep(0.2)
            assert get_streamed_text(following) == KEPT

    @pytest.mark.parametrize(
        "verdict",
        [
            STRESS,
            Verdict(categories=frozenset({Category.PERSONAL})),
            Verdict(evidence=(Evidence("rules", "a.rule", 0, 4),)),
        ],
    )
    def test_is_one_with_a_level_a_category_or_evidence(self, verdict: Verdict) -> None:
        assert not is_clearly_ordinary(verdict)
        assert is_clearly_ordinary(Verdict())


class TestAnAnswerThatEndsOtherwise:
    def test_stores_only_what_was_judged_while_it_is_written(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen)
        with being_written([OK, words(*SAFE_WORDS, *UNSAFE_WORDS[:3]), 2.5, words(*UNSAFE_WORDS[3:]), END]):
            wait_until(lambda: Turn.objects.get(pk=turn.pk).answer, what="a checkpoint")
            assert Turn.objects.get(pk=turn.pk).answer == KEPT

    @pytest.mark.parametrize("through_row", [False, True])
    def test_judges_the_sentence_at_which_it_was_stopped(
        self, teen: Person, ask: Ask, through_row: bool
    ) -> None:
        turn = ask(teen)
        pause = 3.0 if through_row else 0.6
        with being_written([OK, words(*SAFE_WORDS, *UNSAFE_WORDS[:3]), pause, words(*UNSAFE_WORDS[3:]), END]):
            wait_until(lambda: "tape" in get_streamed_text(turn), what="the first words of the sentence")
            if through_row:
                # Valkey may have lost the flag.
                Turn.objects.update(stop_requested_at=timezone.now())
            else:
                services.stop_turn(turn=turn)
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.CUT, EndReason.METHOD, "")
        assert get_streamed_text(turn) == KEPT

    def test_keeps_a_safe_beginning_of_a_sentence_when_it_is_stopped(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen)
        with being_written([OK, words(*SAFE_WORDS, *REST[:2]), 3.0, words(*REST[2:]), END]):
            wait_until(lambda: "Nobody" in get_streamed_text(turn), what="the next sentence")
            services.stop_turn(turn=turn)
        turn.refresh_from_db()
        assert (turn.state, turn.answer) == (TurnState.STOPPED, "Rain falls on hills. Nobody must")

    @pytest.mark.parametrize("is_ordinary", [True, False])
    def test_ends_as_a_failure_if_the_judge_fails_and_keeps_what_was_judged(
        self, teen: Person, ask: Ask, judged: Judged, recorded: Recorded, is_ordinary: bool
    ) -> None:
        judged(Verdict() if is_ordinary else STRESS)
        turn = answered(ask(teen), judge=fail_at_tape)
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.INTERNAL_ERROR)
        assert turn.answer == get_streamed_text(turn) == KEPT
        assert recorded.results["failed"] == 1
        assert turn.tokens == 0

    @pytest.mark.usefixtures("small")
    @pytest.mark.parametrize("is_ordinary", [True, False])
    def test_that_repeats_itself_is_judged_and_cut_back(
        self, teen: Person, ask: Ask, judged: Judged, is_ordinary: bool
    ) -> None:
        judged(Verdict() if is_ordinary else STRESS)
        looping: Script = [OK, words(*SAFE_WORDS, *REST * 12), None]
        turn = answered(ask(teen), looping)
        assert (turn.state, turn.answer) == (TurnState.ANSWERED, "Rain falls on hills. Nobody must know.")
        assert get_streamed_text(turn) == turn.answer

    def test_a_retry_is_judged_anew(self, teen: Person, ask: Ask) -> None:
        turn = answered(ask(teen), judge=fail_at_tape)
        again = ask(teen, turn.question, conversation=turn.conversation, retry_of=turn)
        again = answered(again, [OK, words(*SAFE_WORDS, *REST), END])
        assert (again.state, again.answer) == (TurnState.ANSWERED, "Rain falls on hills. Nobody must know.")


class TestBesideARemoteGuard:
    def test_a_sentence_that_it_holds_is_never_shown(
        self, teen: Person, ask: Ask, remote: Callable[..., RemoteGuard], recorded: Recorded
    ) -> None:
        remote("openai", lambda _body: SAFE["openai"])
        pieces = f"{SENTENCE * 4}Then tape it up. {SENTENCE * 4}".split()
        turn = answered(ask(teen), [OK, words(*(f"{piece} " for piece in pieces)), END])
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.CUT, EndReason.METHOD, "")
        assert "tape" not in json.dumps(list_entries(turn))
        assert recorded.results == {"safe": 4, "withheld": 1}

    def test_its_card_comes_before_the_words_of_a_cut_answer(
        self, teen: Person, ask: Ask, remote: Callable[..., RemoteGuard]
    ) -> None:
        remote("openai", lambda _body: HARM["openai"])
        turn = answered(ask(teen, "how high is the old bridge at night"))
        assert (turn.state, turn.level, turn.answer) == (TurnState.CARDED, "3", "")


async def write_stream(turn_id: UUID, *pieces: tuple[str, int], withdraws_after: int | None = None) -> None:
    """Write pieces with their unjudged length as a worker does."""
    async with streaming.StreamWriter(turn_id) as writer:
        for text, unjudged_length in pieces:
            writer.add(text, len(writer.text) + 1, unjudged_length=unjudged_length)
        if withdraws_after is not None:
            writer.withdraw(withdraws_after)


def write(turn: Turn, *pieces: tuple[str, int], withdraws_after: int | None = None) -> None:
    loop.submit(write_stream(turn.pk, *pieces, withdraws_after=withdraws_after)).result()


WHOLE, UNJUDGED = f"{KEPT} Then tape ", len(" Then tape ")


@pytest.fixture
def claimed(teen: Person, ask: Ask) -> Turn:
    """A turn that a worker is writing, which the test stands for."""
    ask(teen)
    [turn] = claim_turns(limit=1)
    return turn


@pytest.fixture
def web_client(web: Web, teen: Person) -> SignedInClient:
    return SignedInClient(web, teen)


def list_texts(events: list[Event]) -> str:
    return " ".join(event.data for event in events)


class TestReaders:
    def test_a_page_takes_the_sentence_back_and_says_so(
        self, claimed: Turn, web_client: SignedInClient
    ) -> None:
        events = list[Event]()
        write(claimed, (WHOLE, UNJUDGED))
        with open_stream(web_client, claimed.pk) as stream:
            events.append(next(stream))
            assert build_page_text(events) == "RainfallsonhillsThentape"
            write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
            while events[-1].name != "withdrawn":
                events.append(next(stream))
        assert build_page_text(events) == "Rainfallsonhills"
        assert "Part of this answer was taken back." in events[-1].data
        assert not events[-1].id

    def test_two_tabs_take_it_back(self, claimed: Turn, web_client: SignedInClient) -> None:
        write(claimed, (WHOLE, UNJUDGED))
        tabs = [list[Event](), list[Event]()]
        with open_stream(web_client, claimed.pk) as first, open_stream(web_client, claimed.pk) as second:
            for events, stream in zip(tabs, (first, second), strict=True):
                events.append(next(stream))
            write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
            for events, stream in zip(tabs, (first, second), strict=True):
                while events[-1].name != "withdrawn":
                    events.append(next(stream))
        assert [build_page_text(events) for events in tabs] == ["Rainfallsonhills"] * 2

    def test_a_page_that_comes_back_after_the_withdrawal_takes_it_back(
        self, claimed: Turn, web_client: SignedInClient
    ) -> None:
        write(claimed, (WHOLE, UNJUDGED))
        with open_stream(web_client, claimed.pk) as stream:
            events = [next(stream)]
        write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
        with open_stream(web_client, claimed.pk, after=events[0].id) as stream:
            while events[-1].name != "withdrawn":
                events.append(next(stream))
        assert build_page_text(events) == "Rainfallsonhills"
        assert "tape" not in list_texts(events[1:])

    def test_a_page_that_has_the_withdrawal_is_not_told_again(
        self, claimed: Turn, web_client: SignedInClient
    ) -> None:
        write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
        with open_stream(web_client, claimed.pk) as stream:
            events = [next(stream), next(stream)]
        with open_stream(web_client, claimed.pk, after=events[0].id) as stream:
            services.stop_turn(turn=claimed)
            sweep_turns(now=timezone.now() + LEASE * 2)
            again = list(stream)
        assert [event.name for event in events] == ["", "withdrawn"]
        assert not [event for event in again if event.name == "withdrawn"]

    def test_a_program_takes_it_back(self, claimed: Turn, web_client: SignedInClient) -> None:
        write(claimed, (WHOLE, UNJUDGED))
        with open_api_stream(web_client, claimed.pk) as stream:
            events = [next(stream)]
            assert build_answer(events) == WHOLE.strip()
            write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
            while "withdrawn" not in events[-1].data:
                events.append(next(stream))
        assert build_answer(events) == KEPT
        assert json.loads(events[-1].data) == {"at": 0, "text": KEPT, "withdrawn": True}
        with open_api_stream(web_client, claimed.pk, after=events[0].id) as stream:
            resumed = next(stream)
        assert (resumed.id, json.loads(resumed.data)["text"]) == (events[-1].id, KEPT)

    def test_a_page_without_javascript_shows_no_word_that_was_not_judged(
        self, claimed: Turn, teen: Person, as_person: AsPerson
    ) -> None:
        def load() -> str:
            return as_person(teen).get(f"/tutor/{claimed.conversation_id}").content.decode()

        write(claimed, (KEPT, 0), (" Then tape ", UNJUDGED))
        assert "tape" not in load()
        write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
        page = load()
        assert KEPT in page
        assert "tape" not in page

    def test_a_page_built_from_judged_words_continues_with_the_rest(
        self, claimed: Turn, web_client: SignedInClient
    ) -> None:
        write(claimed, (KEPT, 0))
        valkey().xadd(stream_key(claimed.pk), {"at": len(KEPT), "text": " Then tape ", "unjudged": UNJUDGED})
        shown = streaming.read_judged_stream(claimed.pk)
        assert shown
        assert shown.text == KEPT
        with open_stream(web_client, claimed.pk, after=shown.last_id) as stream:
            assert "tape" in next(stream).data


class TestAKilledWorker:
    def sweep(self, turn: Turn) -> Turn:
        sweep_turns(now=timezone.now() + LEASE * 2)
        turn.refresh_from_db()
        return turn

    def test_leaves_only_what_was_judged(self, claimed: Turn) -> None:
        write(claimed, (WHOLE, UNJUDGED))
        turn = self.sweep(claimed)
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.FAILED, EndReason.WORKER_LOST, KEPT)

    def test_leaves_nothing_that_it_had_withdrawn(self, claimed: Turn) -> None:
        assert claimed.claim
        checkpoint = Checkpoint(turn_id=claimed.pk, claim=claimed.claim, answer=KEPT, answer_tokens=9)
        checkpoint_turns(checkpoints=[checkpoint])
        write(claimed, (WHOLE, UNJUDGED), withdraws_after=len(KEPT))
        turn = self.sweep(claimed)
        assert (turn.state, turn.answer) == (TurnState.FAILED, KEPT)

    def test_leaves_nothing_of_an_answer_whose_first_sentence_was_not_judged(self, claimed: Turn) -> None:
        write(claimed, ("Then tape ", len("Then tape ")))
        turn = self.sweep(claimed)
        assert (turn.state, turn.answer) == (TurnState.FAILED, "")
        assert Conversation.objects.get().turns.get() == turn
