"""What the tutor remembers: counted, noted and carried by a worker with the real model."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Person
from budgets.models import Hold, HoldState, Plan
from chat.answering.leases import MAX_CLAIMS, sweep_turns
from chat.answering.writing import fit_parts
from chat.asking.follow_ups import continue_turn, retry_turn
from chat.memory.notes import NoteKind
from chat.memory.overview import build_memory_overview
from chat.memory.services import edit_note, forget_conversation, set_conversation_memory
from chat.model_choice import build_turn_prompt, load_prompt_parts
from chat.models import Conversation, MemoryChoice, Note, Turn, TurnState
from chat.prompt import Prompt
from chat.selectors import find_question_passages
from families.models import Link
from guard import Category, Level, Verdict
from inference.tokens import estimate_max_tokens
from kit.memory_policy import MemoryPolicy
from routing.models import TutorModel
from tests.chat.conftest import Ask, Judged, written
from tests.endpoints import get_settings_model
from tests.quirks import answered_by
from tests.scripted import OK, scripted, words

BRIDGE = "My model bridge is 62 cm long. Why do bridges need triangles?"


@pytest.fixture
def told(teen: Person) -> Callable[..., Turn]:
    """Return a function that stores an answered turn of a conversation, with a note."""

    def tell(conversation: Conversation, text: str, *, ago: int = 60, **fields: object) -> Turn:
        turn = Turn.objects.create(
            pk=uuid4(),
            conversation=conversation,
            question=text,
            answer="It is.",
            state=TurnState.ANSWERED,
            asked_at=timezone.now() - timedelta(minutes=ago),
            ended_at=timezone.now(),
            carried_tokens=400,
            **fields,
        )
        Note.objects.create(conversation=conversation, turn=turn, kind=NoteKind.FACT, text=text, tokens=12)
        return turn

    return tell


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def conversation(teen: Person) -> Conversation:
    return Conversation.objects.create(owner=teen, title="Bridges")


def build(turn: Turn, model: TutorModel | None = None) -> Prompt:
    """Build the prompt that a worker would send for a stored turn."""
    turn = Turn.objects.select_related("conversation__owner").get(pk=turn.pk)
    return build_turn_prompt(turn, load_prompt_parts(turn), model=model or get_settings_model())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("unnudged", "short_answers")
class TestAnAnsweredTurn:
    def test_is_counted_by_the_models_own_tokenizer(self, teen: Person, ask: Ask) -> None:
        turn = written(ask(teen, BRIDGE))
        assert turn.carried_tokens
        # The question has 16 tokens in this vocabulary, and each message a few of its template.
        assert turn.answer_tokens < turn.carried_tokens < turn.answer_tokens + 16 + 2 * 8 + 4
        assert sum(turn.prompt_parts.values()) == turn.prompt_tokens

    def test_leaves_the_persons_own_sentence_as_a_note(self, teen: Person, ask: Ask) -> None:
        turn = written(ask(teen, BRIDGE))
        [note] = Note.objects.all()
        assert (note.text, note.kind) == ("My model bridge is 62 cm long.", NoteKind.FACT)
        assert (note.turn, note.conversation) == (turn, turn.conversation)
        assert 5 < note.tokens < 20

    def test_is_read_from_the_servers_cache_next_time(self, teen: Person, ask: Ask) -> None:
        first = written(ask(teen, BRIDGE))
        second = written(ask(teen, "And why are they strong?", conversation=first.conversation))
        third = written(ask(teen, "And long?", conversation=first.conversation))
        assert first.carried_tokens
        # Each prompt begins with the one before, up to what stood beside its question.
        assert second.cached_tokens >= 0.9 * second.prompt_parts["instructions"]
        assert third.cached_tokens >= 0.9 * (third.prompt_parts["instructions"] + first.carried_tokens)

    @pytest.mark.parametrize("policy", [MemoryPolicy.NONE, MemoryPolicy.WINDOW])
    def test_leaves_no_note_if_none_would_be_used(
        self, policy: MemoryPolicy, link: Link, teen: Person, ask: Ask
    ) -> None:
        Link.objects.update(memory=policy)
        assert written(ask(teen, BRIDGE)).state == TurnState.ANSWERED
        assert not Note.objects.exists()

    def test_leaves_no_note_if_the_guard_found_anything(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(Verdict(Level.STRESS, frozenset({Category.DISTRESS})))
        assert written(ask(teen, BRIDGE)).state == TurnState.ANSWERED
        assert not Note.objects.exists()

    def test_leaves_no_note_of_a_personal_detail(self, teen: Person, ask: Ask) -> None:
        question = "My name is Wilhelmina and my bridge is 62 cm long. Why do bridges need triangles?"
        assert written(ask(teen, question)).state == TurnState.ANSWERED
        assert not Note.objects.exists()

    @pytest.mark.parametrize("is_turned_off", [False, True])
    def test_leaves_no_note_if_it_was_forgotten_while_it_was_written(
        self, is_turned_off: bool, teen: Person, ask: Ask
    ) -> None:
        turn = ask(teen, BRIDGE)
        if is_turned_off:
            set_conversation_memory(conversation=turn.conversation, is_on=False)
        else:
            forget_conversation(conversation=turn.conversation)
        assert written(turn).state == TurnState.ANSWERED
        assert not Note.objects.exists()

    def test_takes_its_notes_with_it(self, teen: Person, ask: Ask) -> None:
        written(ask(teen, BRIDGE)).conversation.delete()
        assert not Note.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("unnudged")
class TestATurnThatItsWorkerLost:
    """Its words are carried like those of other turns, so what they answer must not be lost with its turn."""

    @staticmethod
    def lose(turn: Turn, answer: str = "They are", **fields: object) -> Turn:
        Turn.objects.filter(pk=turn.pk).update(
            state=TurnState.WORKING,
            question=BRIDGE,
            claim=uuid4(),
            lease_until=timezone.now() - timedelta(seconds=1),
            claim_count=MAX_CLAIMS,
            answer=answer,
            answer_tokens=len(answer),
            **fields,
        )
        sweep_turns()
        turn.refresh_from_db()
        assert turn.state == TurnState.FAILED
        return turn

    def test_leaves_its_note_and_costs_nothing(self, turn: Turn) -> None:
        assert self.lose(turn).prompt_parts == {}
        [note] = Note.objects.all()
        assert (note.text, note.turn) == ("My model bridge is 62 cm long.", turn)
        assert 5 < note.tokens <= estimate_max_tokens(note.text)
        assert Hold.objects.get().state != HoldState.HELD

    def test_leaves_none_without_words(self, turn: Turn) -> None:
        """No later prompt carries it, and all guards may not have judged its question."""
        self.lose(turn, answer="")
        assert not Note.objects.exists()

    def test_leaves_none_if_the_guard_found_anything(self, turn: Turn) -> None:
        self.lose(turn, level=Level.STRESS, categories=[Category.DISTRESS])
        assert not Note.objects.exists()

    def test_leaves_none_if_it_was_forgotten_meanwhile(self, turn: Turn) -> None:
        forget_conversation(conversation=turn.conversation)
        self.lose(turn)
        assert not Note.objects.exists()


def retry(turn: Turn) -> Turn:
    return retry_turn(person=turn.conversation.owner, failed=turn, turn_id=uuid4()).turn


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("unnudged", "short_answers")
class TestAnAnswerThatBrokeOff:
    @pytest.fixture
    def broken(self, teen: Person, ask: Ask) -> Turn:
        """A turn whose model's server was gone after a few words."""
        with scripted([OK, words("They are ", "strong. ", "Triangles ")]) as model, answered_by(model):
            turn = written(ask(teen, BRIDGE))
        assert (turn.state, bool(turn.answer)) == (TurnState.FAILED, True)
        return turn

    def test_leaves_its_note_and_costs_nothing(self, broken: Turn) -> None:
        assert Note.objects.get().turn == broken
        assert (broken.tokens, broken.prompt_parts) == (0, {})

    def test_leaves_one_note_once_it_is_retried(self, broken: Turn) -> None:
        again = written(retry(broken))
        broken.refresh_from_db()
        assert broken.replaced_by == again
        assert Note.objects.get().turn == again

    def test_leaves_one_note_also_if_it_was_stopped(self, teen: Person, ask: Ask) -> None:
        stopped = written(ask(teen, BRIDGE))
        Turn.objects.filter(pk=stopped.pk).update(state=TurnState.STOPPED, answer="They")
        stopped.refresh_from_db()
        again = written(retry(stopped))
        assert Note.objects.get().turn == again

    def test_keeps_what_its_writer_made_of_the_note(self, broken: Turn) -> None:
        edit_note(note=Note.objects.get(), text="My model bridge is 70 cm long.")
        again = written(retry(broken))
        note = Note.objects.get()
        assert (note.text, note.turn) == ("My model bridge is 70 cm long.", again)

    def test_keeps_its_note_beside_a_retry_that_is_no_better(self, broken: Turn) -> None:
        with scripted([OK, words("No.")]) as model, answered_by(model):
            again = written(retry(broken))
        assert again.replaced_by == broken
        assert Note.objects.get().turn == broken

    def test_leaves_none_once_the_guard_answers_instead(self, broken: Turn, judged: Judged) -> None:
        judged(Verdict(Level.STATED, frozenset({Category.SUICIDE})))
        assert retry(broken).state == TurnState.CARDED
        assert not Note.objects.exists()

    def test_is_noted_once_if_it_is_continued(self, broken: Turn) -> None:
        written(continue_turn(person=broken.conversation.owner, turn=broken, turn_id=uuid4()).turn)
        assert Note.objects.get().turn == broken


@pytest.mark.parametrize("total", [0, 1, 7, 240, 8192])
def test_parts_add_up_to_what_the_server_counted(total: int) -> None:
    parts = {"instructions": 40, "notes": 0, "turns": 210, "question": 13, "after_question": 99}
    assert sum(fit_parts(parts, total).values()) == total


@pytest.mark.django_db
class TestChoices:
    def test_the_smallest_memory_of_plan_and_agreement_holds(
        self, link: Link, teen: Person, ask: Ask
    ) -> None:
        Plan.objects.update_or_create(slug=Plan.FREE, defaults={"memory_policy": MemoryPolicy.WINDOW})
        assert ask(teen).memory_policy == MemoryPolicy.WINDOW
        Link.objects.update(memory=MemoryPolicy.NONE)
        assert ask(teen).memory_policy == MemoryPolicy.NONE

    def test_a_conversation_without_memory_carries_nothing(
        self, teen: Person, ask: Ask, conversation: Conversation, told: Callable[..., Turn]
    ) -> None:
        told(conversation, "My bridge is 62 cm long.")
        Conversation.objects.update(has_memory=False)
        conversation.refresh_from_db()
        assert len(build(ask(teen, conversation=conversation)).messages) == 2

    def test_nothing_from_before_it_was_forgotten_is_carried(
        self, teen: Person, ask: Ask, conversation: Conversation, told: Callable[..., Turn]
    ) -> None:
        for number in range(4):
            told(conversation, f"My bridge {number} is 62 cm long.", ago=60 - number)
        told(conversation, "My tower is 90 cm high.", ago=5)
        conversation.remembered_since = timezone.now() - timedelta(minutes=30)
        conversation.save()
        prompt = build(ask(teen, conversation=conversation))
        assert [carried.question for carried in prompt.carried] == ["My tower is 90 cm high."]
        assert not prompt.notes

    def test_a_follow_up_finds_no_lesson_of_what_was_forgotten(
        self, teen: Person, ask: Ask, conversation: Conversation, told: Callable[..., Turn]
    ) -> None:
        told(conversation, "What is a token?", passages=["words/tokens#what"])
        conversation.remembered_since = timezone.now()
        conversation.save()
        assert ask(teen, "Why is that?", conversation=conversation).passages == []
        assert find_question_passages("Why is that?", remembered=[]) == []


@pytest.mark.django_db
class TestOtherConversations:
    @pytest.fixture
    def earlier(self, teen: Person, told: Callable[..., Turn]) -> Conversation:
        """An earlier conversation with a grade and a fact."""
        earlier = Conversation.objects.create(
            owner=teen, title="Fractions", started_at=timezone.now() - timedelta(days=2)
        )
        turn = told(earlier, "My cake needs 3 eggs.", ago=3000)
        Note.objects.create(
            conversation=earlier, turn=turn, kind=NoteKind.GRADE, text="I am in grade 8.", tokens=8
        )
        Note.objects.update(created_at=timezone.now() - timedelta(days=2))
        return earlier

    def notes_for(self, person: Person, ask: Ask, model: TutorModel | None = None) -> list[str]:
        return list(build(ask(person), model).notes)

    def test_are_not_used_by_default(self, teen: Person, ask: Ask, earlier: Conversation) -> None:
        assert self.notes_for(teen, ask) == []

    def test_help_if_the_person_turned_it_on(self, teen: Person, ask: Ask, earlier: Conversation) -> None:
        MemoryChoice.objects.create(owner=teen)
        # How to help, not what the task was.
        assert self.notes_for(teen, ask) == ["I am in grade 8."]

    def test_need_the_agreement_of_a_linked_family(
        self, link: Link, teen: Person, ask: Ask, earlier: Conversation
    ) -> None:
        MemoryChoice.objects.create(owner=teen)
        assert self.notes_for(teen, ask) == []
        Link.objects.update(allows_spanning_notes=True)
        assert self.notes_for(teen, ask) == ["I am in grade 8."]

    def test_of_somebody_else_are_never_used(
        self, parent: Person, teen: Person, ask: Ask, earlier: Conversation
    ) -> None:
        MemoryChoice.objects.create(owner=parent)
        assert self.notes_for(parent, ask) == []

    def test_without_memory_lend_none(self, teen: Person, ask: Ask, earlier: Conversation) -> None:
        MemoryChoice.objects.create(owner=teen)
        Conversation.objects.filter(pk=earlier.pk).update(has_memory=False)
        assert self.notes_for(teen, ask) == []

    def test_lend_none_of_a_turn_that_a_retry_replaced(
        self, teen: Person, ask: Ask, earlier: Conversation, told: Callable[..., Turn]
    ) -> None:
        MemoryChoice.objects.create(owner=teen)
        retry = told(earlier, "Again.", ago=2990)
        Turn.objects.filter(conversation=earlier).exclude(pk=retry.pk).update(replaced_by=retry)
        assert self.notes_for(teen, ask) == []

    def test_that_were_sealed_lend_none(self, teen: Person, ask: Ask, earlier: Conversation) -> None:
        MemoryChoice.objects.create(owner=teen)
        teen.sealed_before = timezone.now() - timedelta(days=1)
        teen.save()
        assert self.notes_for(teen, ask) == []

    def test_that_stay_here_are_not_sent_outside(self, teen: Person, ask: Ask, earlier: Conversation) -> None:
        MemoryChoice.objects.create(owner=teen)
        outside = get_settings_model()
        outside.base_url, outside.is_from_settings = "https://api.example.com/v1", False
        assert self.notes_for(teen, ask, outside) == ["I am in grade 8."]
        Turn.objects.filter(conversation=earlier).update(local_only=True)
        assert self.notes_for(teen, ask, outside) == []


@pytest.mark.django_db
class TestThePageAndThePrompt:
    """Whatever plan, family and person chose, the memory page shows what the next prompt carries."""

    @pytest.fixture(params=["here", "outside"])
    def is_outside(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
        """The place of the model. One turn in two was asked as a question that stays here."""
        if request.param == "outside":
            monkeypatch.setattr(TutorModel, "is_local", property(lambda _model: False))
        return bool(request.param == "outside")

    @pytest.fixture
    def long_conversation(
        self, teen: Person, conversation: Conversation, told: Callable[..., Turn]
    ) -> Conversation:
        """Six turns with notes, some too long ago, one of them forgotten, after a conversation with a grade."""
        earlier = Conversation.objects.create(
            owner=teen, title="Fractions", started_at=timezone.now() - timedelta(days=2)
        )
        for stays_here in (False, True):
            grade = told(earlier, f"I am in grade 8, {stays_here}.", ago=3000, local_only=stays_here)
            grade.notes.update(kind=NoteKind.GRADE if stays_here else NoteKind.WISH)
        Note.objects.update(created_at=timezone.now() - timedelta(days=2))
        for number in range(6):
            told(conversation, f"My bridge {number} is 62 cm.", ago=60 - number, local_only=number % 2 == 0)
        conversation.remembered_since = timezone.now() - timedelta(minutes=59, seconds=30)
        conversation.save()
        return conversation

    @pytest.mark.parametrize("has_choice", [False, True])
    @pytest.mark.parametrize("has_memory", [False, True])
    @pytest.mark.parametrize("family", [None, (MemoryPolicy.WINDOW, True), (MemoryPolicy.FULL, False)])
    @pytest.mark.parametrize("policy", list(MemoryPolicy))
    def test_always_agree(
        self,
        policy: MemoryPolicy,
        family: tuple[MemoryPolicy, bool] | None,
        has_memory: bool,
        has_choice: bool,
        is_outside: bool,
        teen: Person,
        parent: Person,
        ask: Ask,
        long_conversation: Conversation,
    ) -> None:
        Plan.objects.update_or_create(
            slug=Plan.FREE, defaults={"memory_policy": policy, "memory_tokens": 900}
        )
        if family:
            Link.objects.create(parent=parent, teen=teen, memory=family[0], allows_spanning_notes=family[1])
        if has_choice:
            MemoryChoice.objects.create(owner=teen)
        long_conversation.has_memory = has_memory
        long_conversation.save()
        page = build_memory_overview(teen, long_conversation)
        turn = ask(teen, "And why?", conversation=long_conversation)
        prompt = build(turn)
        assert turn.memory_policy == page.policy
        assert list(prompt.notes) == [note.text for note in page.notes]
        assert [carried.question for carried in prompt.carried] == [turn.question for turn in page.turns]

    def test_agree_about_more_than_nothing(
        self, is_outside: bool, teen: Person, ask: Ask, long_conversation: Conversation
    ) -> None:
        """Else the test above would say little."""
        Plan.objects.update_or_create(slug=Plan.FREE, defaults={"memory_tokens": 900})
        MemoryChoice.objects.create(owner=teen)
        page = build_memory_overview(teen, long_conversation)
        assert page.turns
        assert {note.is_from_other_conversation for note in page.notes} == {False, True}
        stay_here = [note for note in page.notes if note.turn.local_only]
        assert bool(stay_here) is not is_outside
