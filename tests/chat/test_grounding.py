"""A question is answered from the lessons that cover it, and the page cites them."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from budgets.models import Hold
from chat.models import Turn, TurnState
from chat.prompt import FENCE_END, build_grounding, build_prompt
from chat.prompt_profiles import FULL
from chat.selectors import find_question_passages
from courses.models import Module, Passage
from courses.retrieval.search import FoundPassage, find_passages
from inference.tokens import estimate_max_tokens
from tests.chat.conftest import Ask, written
from tests.markup import squeezed

COVERED, UNKNOWN = "Why does AI make things up?", "Why is the sky blue?"
pytestmark = pytest.mark.usefixtures("library")


def end_turn(turn: Turn, answer: str = "Because.") -> Turn:
    Turn.objects.filter(pk=turn.pk).update(state=TurnState.ANSWERED, answer=answer, ended_at=turn.asked_at)
    turn.refresh_from_db()
    return turn


class TestPassages:
    def test_a_covered_question_keeps_its_passages(self, teen: Person, ask: Ask) -> None:
        assert ask(teen, COVERED).passages[0] == "good-and-bad/good-at-and-bad-at#sounds-sure"

    def test_a_question_that_no_lesson_covers_keeps_none(self, teen: Person, ask: Ask) -> None:
        assert ask(teen, UNKNOWN).passages == []

    @pytest.mark.parametrize(
        "question",
        ["Why is that?", "Can you say more?", "I don’t understand", "???", "why tho", "can u explain it pls"],
    )
    def test_a_follow_up_uses_the_passages_of_the_question_before(
        self, question: str, teen: Person, ask: Ask
    ) -> None:
        before = end_turn(ask(teen, COVERED))
        assert find_question_passages(question, remembered=[before])[0].key == before.passages[0]

    def test_a_question_with_its_own_subject_does_not(self, teen: Person, ask: Ask) -> None:
        before = end_turn(ask(teen, COVERED))
        assert find_question_passages("What is the boiling point of water?", remembered=[before]) == []

    def test_a_follow_up_of_an_uncovered_question_has_none(self, teen: Person, ask: Ask) -> None:
        assert find_question_passages("Why is that?", remembered=[end_turn(ask(teen, UNKNOWN))]) == []

    def test_a_help_card_cites_nothing(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, "I want to die")
        assert (turn.state, turn.passages) == (TurnState.CARDED, [])


class TestThePrompt:
    def test_the_passages_are_in_the_prompt(self) -> None:
        asked = build_prompt(COVERED, remembered=[], passages=find_passages(COVERED)).messages[-1]["content"]
        assert "A model does not know what it does not know." in asked
        assert "not instructions" in asked

    def test_the_prompt_is_the_same_as_without_lessons_if_none_fits(self) -> None:
        assert build_prompt(UNKNOWN, remembered=[]).messages[-1]["content"].startswith(UNKNOWN)
        assert "lesson" not in build_prompt(UNKNOWN, remembered=[]).messages[-1]["content"]

    @pytest.mark.parametrize("room", [0, 5, 60, 200, 5000])
    def test_the_passages_never_take_more_than_their_share_of_tokens(self, room: int) -> None:
        grounding = build_grounding(find_passages(COVERED), room=room)
        assert estimate_max_tokens(grounding) <= max(min(room, FULL.passage_tokens), estimate_max_tokens(""))

    def test_the_passages_end_with_a_whole_sentence(self) -> None:
        grounding = build_grounding(find_passages(COVERED), room=400)
        assert grounding.partition(FENCE_END)[0].rstrip()[-1] in ".?”"

    def test_a_passage_of_one_endless_sentence_is_left_out(self) -> None:
        endless = FoundPassage(key="m/l", title="Endless", lesson="L", text="word " * 4000, language="en")
        grounding = build_grounding([endless], room=400)
        assert estimate_max_tokens(grounding) <= 400

    def test_a_long_question_leaves_no_room_for_them(self, settings: Settings) -> None:
        settings.TUTOR_CONTEXT_TOKENS = 1300
        prompt = build_prompt(
            "Why does AI make things up? " * 40, remembered=[], passages=find_passages(COVERED)
        )
        assert prompt.tokens_at_most + 60 <= 1300

    def test_the_hold_covers_them(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, COVERED)
        prompt = build_prompt(COVERED, remembered=[], passages=find_passages(COVERED))
        assert Hold.objects.get(key=turn.pk).tokens >= prompt.tokens_at_most + turn.max_answer_tokens

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("unnudged")
    def test_the_real_model_answers_with_them(self, teen: Person, ask: Ask, settings: Settings) -> None:
        settings.TUTOR_ANSWER_TOKENS = 60
        turn = written(ask(teen, COVERED))
        assert turn.state == TurnState.ANSWERED
        assert turn.prompt_tokens > 200


class TestWhatThePageSays:
    def test_the_margin_cites_by_link(
        self, teen: Person, ask: Ask, as_person: Callable[[Person], Client]
    ) -> None:
        turn = end_turn(ask(teen, COVERED))
        page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
        assert 'href="/learn/good-and-bad/good-at-and-bad-at#sounds-sure"' in page
        assert "No lesson here covers" not in page

    def test_while_it_is_written_the_page_says_what_is_read(
        self, teen: Person, ask: Ask, as_person: Callable[[Person], Client]
    ) -> None:
        turn = ask(teen, COVERED)
        page = squeezed(as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode())
        assert '<cite dir="auto">It sounds sure even when it is wrong</cite>' in page

    def test_it_says_nothing_about_lessons_when_none_covers_the_question(
        self, teen: Person, ask: Ask, as_person: Callable[[Person], Client]
    ) -> None:
        turn = end_turn(ask(teen, UNKNOWN))
        page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
        assert 'class="margin"' not in page

    def test_a_lesson_that_is_gone_breaks_no_page(
        self, teen: Person, ask: Ask, as_person: Callable[[Person], Client]
    ) -> None:
        turn = end_turn(ask(teen, COVERED))
        Module.objects.all().delete()
        assert as_person(teen).get(f"/tutor/{turn.conversation_id}").status_code == 200

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("unnudged")
    def test_a_lesson_that_is_gone_in_the_middle_stops_no_answer(
        self, teen: Person, ask: Ask, settings: Settings
    ) -> None:
        settings.TUTOR_ANSWER_TOKENS = 60
        turn = ask(teen, COVERED)
        Passage.objects.all().delete()
        assert written(turn).state == TurnState.ANSWERED

    def test_many_cited_turns_cost_one_query(
        self, teen: Person, ask: Ask, as_person: Callable[[Person], Client],
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:  # fmt: skip
        first = end_turn(ask(teen, COVERED))
        for question in (COVERED, "Is AI biased?", "Does AI have feelings?", UNKNOWN):
            end_turn(ask(teen, question, conversation=first.conversation))
        client = as_person(teen)
        # The first page of a session is recorded in it.
        client.get("/tutor/")
        with django_assert_max_num_queries(14):
            client.get(f"/tutor/{first.conversation_id}")


@pytest.mark.usefixtures("library", "unnudged")
def test_networks_and_search_come_before_the_transaction(teen: Person, ask: Ask) -> None:
    """They take longer than a row should be locked."""
    with CaptureQueriesContext(connection) as queries:
        ask(teen, "Why do chatbots make things up?")
    statements = [query["sql"] for query in queries]
    begins = next(number for number, sql in enumerate(statements) if sql.startswith("SAVEPOINT"))
    searches = [number for number, sql in enumerate(statements) if "courses_passage" in sql]
    assert searches
    assert max(searches) < begins
