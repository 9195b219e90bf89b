from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Person
from budgets.errors import InsufficientBudget
from budgets.models import Hold, HoldState
from budgets.selectors import get_meter
from chat import services
from chat.answering import leases
from chat.asking import services as asking
from chat.asking.follow_ups import retry_turn
from chat.errors import QuestionEmpty, QuestionTooLong, StillAnswering, TurnIdTaken, TutorClosed, TutorPaused
from chat.models import MAX_QUESTION_LENGTH, Conversation, EndReason, Turn, TurnState
from tests.chat.conftest import Ask

CRISIS = "I want to kill myself"


class TestAsking:
    def test_a_question_waits_for_a_worker_with_its_cost_held(
        self, turn: Turn, teen: Person, settings: Settings
    ) -> None:
        assert (turn.state, turn.question, turn.conversation.owner) == (
            TurnState.QUEUED,
            "Why is the sky blue?",
            teen,
        )
        hold = Hold.objects.get(key=turn.pk)
        assert hold.state == HoldState.HELD
        assert hold.answer_tokens == turn.max_answer_tokens == settings.TUTOR_ANSWER_TOKENS
        assert get_meter(owner=teen).held == hold.tokens

    def test_asking_twice_asks_once(self, teen: Person) -> None:
        turn_id = uuid4()
        first, again = (
            asking.start_turn(person=teen, turn_id=turn_id, question="Why?", conversation=None)
            for _ in range(2)
        )
        assert first.turn == again.turn
        assert (first.is_new, again.is_new) == (True, False)
        assert (Turn.objects.count(), Hold.objects.count(), Conversation.objects.count()) == (1, 1, 1)

    def test_the_id_of_another_persons_turn_reveals_nothing(self, turn: Turn, stranger: Person) -> None:
        with pytest.raises(TurnIdTaken) as raised:
            asking.start_turn(person=stranger, turn_id=turn.pk, question=turn.question)
        assert raised.value.is_own is False

    def test_a_worker_is_nudged_after_the_commit(
        self, teen: Person, ask: Ask, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks() as callbacks:
            ask(teen)
        assert len(callbacks) == 1

    def test_a_broker_outage_loses_nothing(
        self,
        teen: Person,
        ask: Ask,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        def refuse(*_args: object, **_how: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr("kit.jobs.current_app.send_task", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            turn = ask(teen)
        assert turn.state == TurnState.QUEUED

    @pytest.mark.parametrize("question", ["", "  \n "])
    def test_an_empty_question_is_not_taken(self, question: str, teen: Person, ask: Ask) -> None:
        with pytest.raises(QuestionEmpty):
            ask(teen, question)

    def test_a_question_longer_than_the_model_can_read_is_not_taken(self, teen: Person, ask: Ask) -> None:
        with pytest.raises(QuestionTooLong):
            ask(teen, "🫖" * 8000)
        assert not Conversation.objects.exists()

    def test_one_answer_at_a_time(self, teen: Person, turn: Turn, ask: Ask) -> None:
        with pytest.raises(StillAnswering) as raised:
            ask(teen, "And the sea?", conversation=turn.conversation)
        assert raised.value.turn == turn

    def test_a_conversation_is_named_after_its_first_question(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, "Why\n is   the " + "very " * 30 + "blue sky so blue?")
        assert turn.conversation.title.startswith("Why is the very very")
        assert turn.conversation.title.endswith("…")
        assert len(turn.conversation.title) <= 80


class TestBudget:
    def test_the_last_affordable_answer_is_shorter_before_it_is_refused(
        self, teen: Person, ask: Ask, settings: Settings
    ) -> None:
        settings.TUTOR_DAILY_TOKENS = 450
        turn = ask(teen)
        assert 0 < turn.max_answer_tokens < settings.TUTOR_ANSWER_TOKENS
        assert turn.is_brief

    def test_a_question_that_cannot_be_paid_is_not_taken_and_nothing_is_held(
        self, teen: Person, ask: Ask, settings: Settings
    ) -> None:
        settings.TUTOR_DAILY_TOKENS = 50
        with pytest.raises(InsufficientBudget) as raised:
            ask(teen)
        assert raised.value.refills_at > timezone.now()
        assert not Turn.objects.exists()
        assert get_meter(owner=teen).held == 0


class TestDeletedKeys:
    @pytest.mark.parametrize("who", ["teen", "stranger"])
    def test_the_id_of_a_deleted_turn_is_not_answered_again_for_nothing(
        self, who: str, turn: Turn, request: pytest.FixtureRequest
    ) -> None:
        services.delete_conversation(conversation=turn.conversation)
        with pytest.raises(TurnIdTaken):
            asking.start_turn(
                person=request.getfixturevalue(who), turn_id=turn.pk, question="Why is the sky blue?"
            )
        assert not Turn.objects.exists()
        assert Hold.objects.get().state == HoldState.RELEASED

    def test_cannot_be_used_again_while_its_worker_still_settles(self, teen: Person, turn: Turn) -> None:
        leases.claim_turns(limit=1)
        services.delete_conversation(conversation=turn.conversation)
        with pytest.raises(TurnIdTaken):
            asking.start_turn(person=teen, turn_id=turn.pk, question="Why is the sky blue?")


class TestCrisis:
    def test_it_becomes_a_card_at_once_and_costs_nothing(
        self,
        teen: Person,
        ask: Ask,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        settings.TUTOR_DAILY_TOKENS = 0
        with (
            patch("chat.turns.queue.nudge_worker") as nudged,
            django_capture_on_commit_callbacks(execute=True),
        ):
            turn = ask(teen, CRISIS)
        assert (turn.state, turn.level) == (TurnState.CARDED, "3")
        assert not nudged.called
        assert not Hold.objects.exists()

    def test_it_gets_a_card_while_an_answer_is_being_written(
        self, teen: Person, turn: Turn, ask: Ask
    ) -> None:
        assert ask(teen, CRISIS, conversation=turn.conversation).state == TurnState.CARDED

    def test_the_tutor_rests_until_the_set_time_and_the_teens_choice(self, teen: Person, ask: Ask) -> None:
        card = ask(teen, CRISIS)
        with pytest.raises(TutorPaused):
            ask(teen, "What is a noun?")
        assert services.end_pause(person=teen) is False
        Turn.objects.filter(pk=card.pk).update(ended_at=timezone.now() - timedelta(minutes=6))
        with pytest.raises(TutorPaused):
            ask(teen, "What is a noun?")
        assert services.end_pause(person=teen) is True
        assert ask(teen, "What is a noun?").state == TurnState.QUEUED

    def test_it_gets_a_card_if_the_message_is_too_long_for_a_model(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, "I am so tired of it. " * 500 + CRISIS)
        assert turn.state == TurnState.CARDED
        assert len(turn.question) == MAX_QUESTION_LENGTH

    def test_an_unsafe_home_in_a_long_message_is_found_too(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, "It began in the summer and nobody saw it. " * 60 + "My dad hits me when he drinks.")
        assert (turn.state, turn.level) == (TurnState.CARDED, "S")

    def test_it_gets_a_card_with_characters_that_no_database_accepts(self, teen: Person, ask: Ask) -> None:
        assert ask(teen, f"\0{CRISIS}\0").question == CRISIS

    def test_its_words_do_not_become_the_conversations_name(self, teen: Person, ask: Ask) -> None:
        assert "kill" not in ask(teen, CRISIS).conversation.title

    def test_a_second_crisis_gets_a_card_during_the_pause(self, teen: Person, ask: Ask) -> None:
        ask(teen, CRISIS)
        assert ask(teen, CRISIS).state == TurnState.CARDED

    def test_an_old_card_pauses_no_one(self, teen: Person, ask: Ask) -> None:
        card = ask(teen, CRISIS)
        Turn.objects.filter(pk=card.pk).update(ended_at=timezone.now() - timedelta(hours=25))
        assert ask(teen, "What is a noun?").state == TurnState.QUEUED

    def test_the_card_comes_on_a_site_whose_tutor_is_closed(
        self, teen: Person, ask: Ask, settings: Settings
    ) -> None:
        settings.DEMO = False
        settings.CRISIS_TEXTS_REVIEW = ""
        assert ask(teen, CRISIS).state == TurnState.CARDED
        with pytest.raises(TutorClosed):
            ask(teen, "What is a noun?")


class TestStopping:
    def test_a_turn_that_waits_ends_and_costs_nothing(self, turn: Turn, teen: Person) -> None:
        services.stop_turn(turn=turn)
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER)
        assert get_meter(owner=teen).held == 0

    def test_stopping_twice_stops_once(self, turn: Turn) -> None:
        services.stop_turn(turn=turn)
        services.stop_turn(turn=turn)
        assert Hold.objects.get(key=turn.pk).state == HoldState.RELEASED


class TestRetrying:
    def test_the_question_is_asked_again_in_the_place_of_the_failed_turn(
        self, turn: Turn, teen: Person
    ) -> None:
        services.stop_turn(turn=turn)
        turn.refresh_from_db()
        again = retry_turn(person=teen, failed=turn, turn_id=uuid4()).turn
        assert (again.question, again.conversation, again.state) == (
            turn.question,
            turn.conversation,
            TurnState.QUEUED,
        )
        assert again.retry_of == turn

    def test_retrying_twice_asks_once(self, turn: Turn, teen: Person) -> None:
        services.stop_turn(turn=turn)
        turn.refresh_from_db()
        first, again = (retry_turn(person=teen, failed=turn, turn_id=uuid4()).turn for _ in range(2))
        assert first == again

    def test_a_card_cannot_be_retried(self, teen: Person, ask: Ask) -> None:
        card = ask(teen, CRISIS)
        assert retry_turn(person=teen, failed=card, turn_id=uuid4()).turn == card
        assert not Turn.objects.exclude(pk=card.pk).exists()

    def test_the_same_words_are_not_judged_as_said_twice(self, teen: Person, ask: Ask) -> None:
        # After itself it reads “i want to die”.
        turn = ask(teen, "die Katze is the cat in german. Which verb do I want to")
        services.stop_turn(turn=turn)
        turn.refresh_from_db()
        assert retry_turn(person=teen, failed=turn, turn_id=uuid4()).turn.state == TurnState.QUEUED


class TestConversations:
    def test_it_is_renamed_within_bounds(self, conversation: Conversation) -> None:
        services.rename_conversation(conversation=conversation, title="  The   sky ")
        assert conversation.title == "The sky"
        services.rename_conversation(conversation=conversation, title="   ")
        assert conversation.title == "The sky"
        services.rename_conversation(conversation=conversation, title="x" * 500)
        assert len(conversation.title) == 80

    def test_deleting_it_leaves_no_word_and_returns_what_was_held(
        self, conversation: Conversation, teen: Person
    ) -> None:
        services.delete_conversation(conversation=conversation)
        assert not Turn.objects.exists()
        assert get_meter(owner=teen).held == 0
        assert Hold.objects.get().state == HoldState.RELEASED
