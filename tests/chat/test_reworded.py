"""A person asks their last question in other words: readers and the guard keep both, the model gets the new one."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Person
from chat.asking import assessment
from chat.asking.follow_ups import retry_turn
from chat.asking.services import start_turn
from chat.models import Turn, TurnState
from chat.prompt import is_carried
from chat.selectors import drop_forgotten, find_reworded_turn, get_earlier_turns
from guard import Verdict
from tests.chat.conftest import Ask
from tests.markup import squeezed

pytestmark = pytest.mark.usefixtures("library")
FIRST, ANEW = "What is a nuon?", "What is a noun?"
AsPerson = Callable[[Person], Client]


def end(turn: Turn, state: TurnState = TurnState.ANSWERED, answer: str = "A word.") -> Turn:
    Turn.objects.filter(pk=turn.pk).update(state=state, answer=answer, ended_at=turn.asked_at)
    turn.refresh_from_db()
    return turn


@pytest.fixture
def first(teen: Person, ask: Ask) -> Turn:
    return end(ask(teen, FIRST))


def reword(client: Client, first: Turn, question: str = ANEW, **headers: str) -> Turn:
    turn_id = uuid4()
    form = {"question": question, "turn_id": str(turn_id), "reword": str(first.pk)}
    client.post(f"/tutor/{first.conversation_id}/ask", form, headers=headers)
    return Turn.objects.get(pk=turn_id)


class TestWhatIsKept:
    def test_the_first_version_stays_and_says_that_it_was_asked_anew(
        self, teen: Person, first: Turn, as_person: AsPerson
    ) -> None:
        client = as_person(teen)
        reword(client, first)
        page = squeezed(client.get(f"/tutor/{first.conversation_id}").content.decode())
        assert page.index(FIRST) < page.index(ANEW)
        assert page.count("You asked this in other words below.") == 1

    def test_a_page_with_scripts_gets_both_at_once(
        self, teen: Person, first: Turn, as_person: AsPerson
    ) -> None:
        form = {"question": ANEW, "turn_id": str(uuid4()), "reword": str(first.pk)}
        headers = {"HX-Request": "true"}
        reply = as_person(teen).post(f"/tutor/{first.conversation_id}/ask", form, headers=headers)
        text = squeezed(reply.content.decode())
        assert f'hx-target="#turn-{first.pk}"' in text
        assert "You asked this in other words below." in text

    def test_the_model_gets_only_the_new_one(self, teen: Person, first: Turn, as_person: AsPerson) -> None:
        turn = reword(as_person(teen), first)
        earlier = get_earlier_turns([turn])[turn.pk]
        assert [each.pk for each in earlier] == [first.pk]
        assert not any(is_carried(each) for each in earlier)

    def test_a_follow_up_is_searched_by_the_new_one(
        self, teen: Person, first: Turn, as_person: AsPerson
    ) -> None:
        turn = reword(as_person(teen), first)
        turns = list(first.conversation.turns.order_by("asked_at"))
        assert [each.pk for each in drop_forgotten(turns, first.conversation)] == [turn.pk]

    def test_the_guard_reads_both(
        self, teen: Person, first: Turn, as_person: AsPerson, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard: list[list[str]] = []

        def judge(_question: str, earlier: Sequence[Turn]) -> Verdict:
            heard.append([turn.question for turn in earlier])
            return Verdict()

        monkeypatch.setattr(assessment, "judge_question", judge)
        reword(as_person(teen), first)
        assert heard == [[FIRST]]

    def test_a_cry_for_help_in_other_words_is_a_card(
        self, teen: Person, first: Turn, as_person: AsPerson
    ) -> None:
        assert reword(as_person(teen), first, "I want to die").state == TurnState.CARDED


class TestWhichQuestions:
    def test_the_page_puts_the_question_into_the_box(
        self, teen: Person, first: Turn, as_person: AsPerson
    ) -> None:
        page = as_person(teen).get(f"/tutor/{first.conversation_id}?reword={first.pk}").content.decode()
        assert f">{FIRST}</textarea>" in page
        assert "Your question, in other words" in page

    @pytest.mark.parametrize("state", [TurnState.STOPPED, TurnState.FAILED, TurnState.REFUSED, TurnState.CUT])
    def test_any_that_has_ended(self, first: Turn, state: TurnState) -> None:
        assert find_reworded_turn(end(first, state).conversation, first.pk) == first

    @pytest.mark.parametrize("state", [TurnState.CARDED, TurnState.PAUSED])
    def test_not_one_with_a_help_card(self, first: Turn, state: TurnState) -> None:
        assert find_reworded_turn(end(first, state).conversation, first.pk) is None

    def test_not_one_that_is_being_answered(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, FIRST)
        assert find_reworded_turn(turn.conversation, turn.pk) is None

    def test_only_the_last(self, teen: Person, first: Turn, ask: Ask, as_person: AsPerson) -> None:
        last = end(ask(teen, "And a verb?", conversation=first.conversation))
        assert find_reworded_turn(first.conversation, last.pk) == last
        reword(as_person(teen), first)
        first.refresh_from_db()
        assert not first.is_reworded

    def test_one_that_was_asked_anew_is_not_retried(self, teen: Person, first: Turn) -> None:
        end(first, TurnState.FAILED, answer="")
        Turn.objects.filter(pk=first.pk).update(is_reworded=True)
        first.refresh_from_db()
        assert not retry_turn(person=teen, failed=first, turn_id=uuid4()).is_new

    @pytest.mark.parametrize("named", ["", "no-id", "5fccc106-d1a2-4b05-8fc4-57d3532e6b74"])
    def test_a_form_that_names_no_such_turn_asks_as_usual(
        self, teen: Person, first: Turn, as_person: AsPerson, named: str
    ) -> None:
        turn_id = uuid4()
        form = {"question": ANEW, "turn_id": str(turn_id), "reword": named}
        as_person(teen).post(f"/tutor/{first.conversation_id}/ask", form)
        first.refresh_from_db()
        assert Turn.objects.filter(pk=turn_id).exists()
        assert not first.is_reworded

    def test_sending_it_twice_asks_once(self, teen: Person, first: Turn) -> None:
        turn_id = uuid4()
        for is_new in (True, False):
            started = start_turn(
                person=teen, turn_id=turn_id, question=ANEW, conversation=first.conversation, reworded=first
            )
            assert started.is_new is is_new
        assert first.conversation.turns.count() == 2

    def test_a_program_asks_the_last_one_in_other_words(
        self, teen: Person, first: Turn, as_person: AsPerson
    ) -> None:
        client = as_person(teen)
        body = {"question": ANEW, "conversation": str(first.conversation_id), "reworded": str(first.pk)}
        headers = {"Idempotency-Key": str(uuid4())}
        client.post("/api/v1/turns", body, content_type="application/json", headers=headers)
        assert client.get(f"/api/v1/turns/{first.pk}").json()["is_reworded"] is True
