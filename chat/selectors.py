"""Reads conversations and turns. Functions that take a person return only what that person may see."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Person
from chat.memory.notes import NoteKind
from chat.method.ladder import list_offered
from chat.method.reading import FollowUp, QuestionKind
from chat.models import (
    LIVE_STATES,
    MAX_DEFERRAL,
    RETRYABLE_STATES,
    Conversation,
    EndReason,
    MemoryChoice,
    Note,
    Turn,
    TurnState,
)
from courses.retrieval.search import FoundPassage, find_passages, get_passages
from courses.retrieval.wording import get_wording
from guard import Category, Level
from kit.languages import get_page_language
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy

# How long the tutor rests after a crisis card, or waits for the answer to a check-in, by level (docs/safety.md).
PAUSE_BY_LEVEL = {"2": timedelta(minutes=2), "3": timedelta(minutes=5), "4": timedelta(minutes=30)}
# An older card no longer pauses the tutor.
PAUSE_EXPIRES_AFTER = timedelta(hours=24)
# Longer than it takes from the end of a deferral to the end of the turn.
MARGIN = timedelta(hours=1)


def build_unsealed_filter(person: Person, started_at: str = "started_at") -> Q:
    """Return a filter that leaves out conversations which a parent's password help has sealed (families.password_help).

    `started_at` is the lookup path to the start of a conversation in the query.
    """
    return Q(**{f"{started_at}__gt": person.sealed_before}) if person.sealed_before else Q()


def list_conversations(person: Person) -> QuerySet[Conversation]:
    return Conversation.objects.filter(build_unsealed_filter(person), owner=person).order_by(
        "-asked_at", "-pk"
    )


def list_turns(person: Person) -> QuerySet[Turn]:
    return Turn.objects.filter(
        build_unsealed_filter(person, "conversation__started_at"), conversation__owner=person
    )


def list_turns_since(person: Person, since: datetime) -> QuerySet[Turn]:
    """Return the turns that a person asked after `since`.

    Their conversations are looked up by owner and time, which are indexed: otherwise PostgreSQL may read what the
    whole site asked since then.
    """
    return Turn.objects.filter(
        conversation__owner=person, conversation__asked_at__gt=since, asked_at__gt=since
    )


def get_conversation(person: Person, conversation_id: UUID) -> Conversation:
    """Return a conversation of the person. Raises Conversation.DoesNotExist if it is missing or not theirs."""
    return list_conversations(person).get(pk=conversation_id)


def get_turn(person: Person, turn_id: UUID) -> Turn:
    """Return a turn of the person. Raises Turn.DoesNotExist if it is missing or not theirs."""
    return list_turns(person).select_related("conversation").get(pk=turn_id)


def is_turn_live(person: Person, turn_id: UUID) -> bool:
    """Return whether a turn of the person waits or is being written. Raises Turn.DoesNotExist as `get_turn` does."""
    return list_turns(person).values_list("state", flat=True).get(pk=turn_id) in LIVE_STATES


def get_turn_status(person: Person, turn_id: UUID) -> tuple[bool, bool]:
    """Return whether a turn is live, and whether it is deferred. Raises Turn.DoesNotExist as `get_turn` does."""
    state = list_turns(person).values_list("state", flat=True).get(pk=turn_id)
    return state in LIVE_STATES, state == TurnState.DEFERRED


def list_shown_turns(conversation: Conversation) -> QuerySet[Turn]:
    """Return the conversation's turns, oldest first, without those that another turn replaced.

    A live retry is included beside the turn that it retries.
    """
    return conversation.turns.filter(replaced_by=None).order_by("asked_at", "pk")


def drop_duplicate_questions(turns: QuerySet[Turn]) -> QuerySet[Turn]:
    """Return each question once: without replaced turns and without live retries."""
    return turns.filter(replaced_by=None).exclude(retry_of__isnull=False, state__in=LIVE_STATES)


def get_earlier_turns(turns: Sequence[Turn]) -> dict[UUID, list[Turn]]:
    """Return the earlier turns of each turn's conversation, oldest first, by turn id. Uses at most one query.

    A turn without other turns is left out, and one without memory, unless it is a follow-up of one of them.
    """
    with_memory = [
        turn
        for turn in turns
        if (turn.memory_policy != MemoryPolicy.NONE or turn.about_id) and turn.has_other_turns
    ]
    if not with_memory:
        return {}
    shown = drop_duplicate_questions(
        Turn.objects.filter(conversation__in=[turn.conversation_id for turn in with_memory])
    )
    by_conversation: defaultdict[UUID, list[Turn]] = defaultdict(list)
    for earlier in shown.order_by("asked_at"):
        by_conversation[earlier.conversation_id].append(earlier)
    return {
        # Leave out the retried turn as well: it has the same question.
        turn.pk: [
            earlier
            for earlier in by_conversation[turn.conversation_id]
            if earlier.pk not in {turn.pk, turn.retry_of_id}
        ]
        for turn in with_memory
    }


def get_current_turn(turn: Turn) -> Turn:
    """Return the current turn for this turn's question: its live retry, the turn that replaced it, or itself."""
    turn = Turn.objects.select_related("conversation").filter(pk=turn.pk).first() or turn
    while turn.replaced_by is not None:
        turn = turn.replaced_by
    return turn.retries.filter(replaced_by=None).first() or turn


def can_continue(turn: Turn) -> bool:
    """Return whether the turn has an unfinished answer: stopped, broken off, or ended at its length limit."""
    is_unfinished = turn.state in RETRYABLE_STATES or turn.end_reason == EndReason.LENGTH_LIMIT
    is_current = turn.replaced_by_id is None and not turn.is_reworded
    return is_unfinished and bool(turn.answer) and is_current


# A card or a check-in stays as it is: what it says does not depend on how a question was worded.
REWORDABLE_STATES = frozenset(TurnState) - {*LIVE_STATES, TurnState.CARDED, TurnState.PAUSED}


def find_reworded_turn(conversation: Conversation | None, turn_id: UUID | None) -> Turn | None:
    """Return the turn with this id if it is the conversation's last and may be asked in other words, or None."""
    if conversation is None or turn_id is None:
        return None
    last = list_shown_turns(conversation).last()
    return last if last and last.pk == turn_id and can_reword(last) else None


def can_reword(turn: Turn) -> bool:
    """Return whether a turn's question may be asked anew in other words while it is the last of its conversation."""
    return turn.state in REWORDABLE_STATES and turn.continues_id is None and not turn.is_reworded


def can_follow_up(turn: Turn) -> bool:
    """Return whether an answer may be followed up: what a model wrote about a task or a direct question."""
    is_answer = (
        turn.state == TurnState.ANSWERED and bool(turn.answer) and not turn.site_text and not turn.quiz
    )
    if not is_answer or Category.IDENTITY in turn.categories:
        return False
    return (
        turn.ladder.is_open
        or bool(turn.follow_up)
        or turn.kind in {QuestionKind.HOMEWORK, QuestionKind.DIRECT}
    )


def list_follow_ups(turn: Turn) -> list[FollowUp]:
    """Return the follow-ups that have a button under a turn's answer."""
    return list_offered(turn.ladder) if can_follow_up(turn) else []


def find_continuation(turn: Turn) -> Turn | None:
    """Return the turn that continues this turn's answer, or None."""
    return turn.continuations.filter(replaced_by=None).order_by("-asked_at").first()


def get_continued_turns(turns: Iterable[Turn]) -> dict[UUID, list[Turn]]:
    """Return the turns that each of these turns continues, oldest first, by turn id.

    An answer may be continued more than once, so there may be several. Memory limits of the plan and
    the agreement do not apply: without these turns there is nothing to continue.
    """
    turns = list(turns)
    loaded: dict[UUID, Turn] = {}
    wanted = {turn.continues_id for turn in turns if turn.continues_id}
    while wanted:
        loaded |= Turn.objects.in_bulk(wanted)
        wanted = {turn.continues_id for turn in loaded.values() if turn.continues_id} - loaded.keys()
    return {turn.pk: _build_chain(turn, loaded) for turn in turns}


def list_continued_turns(continues: Turn | None) -> list[Turn]:
    """Return the turns that a new turn continues if it continues `continues`, oldest first."""
    return [*get_continued_turns([continues])[continues.pk], continues] if continues else []


def _build_chain(turn: Turn, loaded: dict[UUID, Turn]) -> list[Turn]:
    chain: list[Turn] = []
    while turn.continues_id and (earlier := loaded.get(turn.continues_id)):
        chain.insert(0, earlier)
        turn = earlier
    return chain


def drop_forgotten(earlier_turns: Iterable[Turn], conversation: Conversation | None) -> list[Turn]:
    """Return the earlier turns that the owner has neither made the tutor forget nor asked anew."""
    since = conversation.remembered_since if conversation else None
    kept = (turn for turn in earlier_turns if not turn.is_reworded)
    return [turn for turn in kept if since is None or turn.asked_at >= since]


# The kinds of notes that a new conversation may use of earlier ones: how to help the asker, not what the task was.
SPANNING_KINDS = (NoteKind.GRADE, NoteKind.WISH, NoteKind.GOAL)
MAX_SPANNING_NOTES = 6


def get_notes(turns: Sequence[Turn]) -> dict[UUID, list[Note]]:
    """Return the notes that the prompt of each turn may carry, oldest first, by turn id.

    The notes of the turn's own conversation come last. If the turn has spanning notes, the newest notes of the asker's
    other conversations come before them. Only conversations that began earlier count, so that the beginning of the
    prompt stays the same.
    """
    with_notes = [turn for turn in turns if turn.memory_policy in NOTING_POLICIES]
    if not with_notes:
        return {}
    own: defaultdict[UUID, list[Note]] = defaultdict(list)
    if noted := {turn.conversation_id for turn in with_notes if turn.has_notes}:
        for note in Note.objects.filter(conversation__in=noted):
            own[note.conversation_id].append(note)
    return {
        turn.pk: [
            *(_list_spanning_notes(turn) if turn.has_spanning_notes else ()),
            *own[turn.conversation_id],
        ]
        for turn in with_notes
    }


def _list_spanning_notes(turn: Turn) -> list[Note]:
    conversation = turn.conversation
    owner = conversation.owner
    others = Note.objects.filter(
        build_unsealed_filter(owner, "conversation__started_at"),
        conversation__owner=owner,
        conversation__has_memory=True,
        conversation__started_at__lt=conversation.started_at,
        kind__in=SPANNING_KINDS,
        # A retry that ended with a card replaces the turn that it retried.
        turn__replaced_by=None,
        created_at__lt=conversation.started_at,
    ).select_related("turn", "conversation")
    notes = list(others.order_by("-created_at", "pk")[:MAX_SPANNING_NOTES])[::-1]
    for note in notes:
        note.is_from_other_conversation = True
    return notes


def wants_spanning_notes(person: Person) -> bool:
    """Return whether the person has turned on notes that last from one conversation to the next."""
    return MemoryChoice.objects.filter(owner=person).exists()


# Words of a follow-up that name no subject: a question of these alone refers to the question before it.
FOLLOW_UP_WORDS = """
a again an and another are be but can could do does don't dont ever example examples explain for further get give go
how i in is it keep like longer me mean more of ok okay on one please really say shorter show simpler so something tell
than that the then there this though to understand was what when where which who why with would yes you
a ahora al algo así aún bien claro como con cosa cual cuál cuales cuáles cuando cuándo da dame de decir del di dices
dime donde dónde el ella ello en entiendo entonces era es esa ese eso esta este esto está explica explicame explícame
explicarme favor gracias hay la las lo los mas más me mejor mi muestra muy más no o otra otro para pero por porque pon
ponme puedes que qué quien quién quieres repite se ser si sí sigue simple sobre solo son su también te tu un una uno
vale vez y ya ejemplo ejemplos fácil corto corta largo
"""


def find_question_passages(
    question: str, *, remembered: Sequence[Turn], language: str | None = None
) -> list[FoundPassage]:
    """Return the passages for a question, best first; empty if no lesson covers it.

    A follow-up without a subject ("Why is that?") is searched as the question before it. `remembered` has the earlier
    turns that were not forgotten, oldest first. `language` is the asker's; None is the page's (see find_passages).
    """
    words = set(get_wording(language or get_page_language()).simplify_words(question))
    if words <= set(FOLLOW_UP_WORDS.split()):
        return (
            find_passages(remembered[-1].question, language=language)
            if remembered and remembered[-1].passages
            else []
        )
    return find_passages(question, language=language)


def get_turn_passages(turn: Turn, *, language: str) -> list[FoundPassage]:
    """Return the passages of an earlier turn, for the turn that continues its answer."""
    passages = get_passages(turn.passages, language=language)
    return [passages[key] for key in turn.passages if key in passages]


def get_stored_passages(turns: Iterable[Turn]) -> Mapping[UUID, list[FoundPassage]]:
    """Return the stored passages of each turn, in the turn's language, by turn id."""
    by_language: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_language[turn.language].append(turn)
    cited: dict[UUID, list[FoundPassage]] = {}
    for language, same_language in by_language.items():
        passages = get_passages((key for turn in same_language for key in turn.passages), language=language)
        cited |= {
            turn.pk: [passages[key] for key in turn.passages if key in passages] for turn in same_language
        }
    return cited


def count_live_turns() -> dict[str, int]:
    """Return the number of live turns on the whole site, by state."""
    counted = dict(
        Turn.objects.filter(state__in=LIVE_STATES).order_by().values_list("state").annotate(Count("pk"))
    )
    return {str(state): counted.get(state, 0) for state in LIVE_STATES}


@dataclass(frozen=True)
class Pause:
    """The tutor rests after a crisis card. `until` is the earliest time at which the person may end that.

    A pause that only asks a check-in ends by itself at that time.
    """

    turn: Turn
    until: datetime

    @property
    def can_end(self) -> bool:
        return timezone.now() >= self.until

    @property
    def is_check_in(self) -> bool:
        return self.turn.state == TurnState.PAUSED

    @property
    def is_acute(self) -> bool:
        """Whether the card was for immediate danger."""
        return Level(self.turn.level) is Level.ACUTE


def list_pausing_turns(person: Person) -> QuerySet[Turn]:
    """Return the turns whose card or check-in may pause the tutor. There is rarely one."""
    since = timezone.now() - PAUSE_EXPIRES_AFTER
    return list_turns(person).filter(
        # By an index, see `list_turns_since`. A deferred turn may end a day after it was asked.
        conversation__asked_at__gt=since - MAX_DEFERRAL - MARGIN,
        state__in=[TurnState.CARDED, TurnState.PAUSED],
        resumed_at=None,
        level__in=PAUSE_BY_LEVEL,
        ended_at__gt=since,
    )


def build_pause_column(person: Person) -> Subquery:
    """Return when the last turn that may pause the tutor ended, as a column for a query of the person's row.

    A maximum instead of EXISTS: for one row that may not exist, PostgreSQL may choose to read all turns of the site.
    """
    pausing = list_pausing_turns(person).values("conversation__owner").annotate(ended=Max("ended_at"))
    return Subquery(pausing.values("ended"))


def find_pause(person: Person) -> Pause | None:
    """Return the pause in force for `person`, or None. Of several, return the longest."""
    # Count from when the card appeared. One by the remote guard may appear minutes after the question.
    pauses = [
        Pause(turn, turn.ended_at + PAUSE_BY_LEVEL[turn.level])
        for turn in list_pausing_turns(person).select_related("conversation")
        if turn.ended_at
    ]
    in_force = [pause for pause in pauses if not (pause.is_check_in and pause.can_end)]
    return max(in_force, key=lambda pause: (not pause.is_check_in, pause.until), default=None)
