"""Builds the prompt for a question: instructions, memory, passages and the question, with bounds on its tokens.

Carrying every earlier turn would make a conversation's cost grow with the square of its length. A window of tokens
keeps the cost of each question flat: the newest turns are carried whole, and notes stand for the older ones.

What changes from turn to turn comes last, so that a server's cache still holds the rest: fixed instructions first, then
notes, then turns, then what belongs to this question alone. A window that slid by a turn would change its beginning
each time. So turns leave it in blocks, and their notes come in only then: between two evictions a prompt begins with
the one before (ADR 53).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from django.conf import settings
from django.utils.translation import get_language_info

from budgets.models import MEMORY_TOKENS
from chat.errors import TooLongForModel
from chat.memory.notes import NoteKind
from chat.models import Note, Turn, TurnState
from chat.prompt_profiles import FULL, PromptProfile, list_turn_instructions
from courses.retrieval.search import FoundPassage
from inference.messages import ChatMessage
from inference.tokens import TOKENS_PER_MESSAGE, estimate_max_tokens, estimate_tokens
from kit.languages import get_page_language
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy

FENCE_START, FENCE_END = "<reading>", "</reading>"
# Marks that begin or end a message in the chat templates of common models, and our own fence. A server that renders a
# template may take such a mark in a text for its own. The quantifiers are possessive: a long gap in a text must not
# cost the square of its length.
MARKS = re.compile(
    r"""
    < (?= \s*+ (?: [|｜]
              | /?+ \s*+ (?: reading | site | s | bos | eos | unk | pad | system | user | assistant
                         | (?:start|end)_of_turn | (?:start|end)_header_id | eot_id | think | tool_call ) \s*+ >
              | < \s*+ /?+ \s*+ SYS ) )
    | \[ (?= \s*+ /?+ \s*+ (?: INST | SYSTEM_PROMPT | TOOL_CALLS | AVAILABLE_TOOLS ) \s*+ \] )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def defuse_marks(text: str) -> str:
    """Return the text with a space in every mark, so that a model does not read it as a mark."""
    return MARKS.sub(lambda mark: f"{mark[0]} ", text)


def fence(text: str) -> str:
    """Return `text` between two marks. Pass it through defuse_marks() first, so that it cannot contain them."""
    return f"{FENCE_START}\n{text}\n{FENCE_END}"


# How many tokens of an unfinished answer its continuation carries: the end, at most a whole answer's length.
CONTINUED_TOKENS = 700
MIN_CONTINUED_TOKENS = 100
# Fewer tokens than this say nothing useful about a turn.
MIN_MEMORY_TURN_TOKENS = 100
# Replaces the middle of a text that is too long. The end matters more: homework often asks its question last.
OMISSION = "\n[…]\n"
# Where a sentence, a list item or a paragraph begins.
BEGINNING = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, kw_only=True)
class ContextLimits:
    """How many tokens a prompt and its answer may have together, and the answer alone."""

    context_tokens: int
    answer_tokens: int


def get_settings_limits() -> ContextLimits:
    """Return the limits of the model that the `TUTOR_*` variables describe."""
    return ContextLimits(
        context_tokens=settings.TUTOR_CONTEXT_TOKENS, answer_tokens=settings.TUTOR_ANSWER_TOKENS
    )


# The part of a full window that stays when a block of turns leaves it. The smaller, the longer a server's cache holds;
# the larger, the less is forgotten at once.
KEPT_SHARE = 0.25
# The part of a memory's tokens that is for notes, and how much of it stays when old notes leave it.
NOTES_SHARE = 0.38
KEPT_NOTES_SHARE = 0.75
# Notes of these kinds stay whatever leaves: of each the newest, this many.
LASTING_NOTES = {NoteKind.GRADE: 1, NoteKind.GOAL: 2}
# Kept free by FULL for instructions, passages and a long question, so that its window does not depend on them.
FULL_MEMORY_RESERVE = 1500


@dataclass(frozen=True)
class CarriedTurn:
    """An earlier turn as a prompt carries it. `tokens` is an upper bound."""

    question: str
    answer: str
    tokens: int

    @property
    def messages(self) -> list[ChatMessage]:
        return [{"role": "user", "content": self.question}, {"role": "assistant", "content": self.answer}]


def choose_window_start(sizes: Sequence[int], *, limit: int, kept_share: float = KEPT_SHARE) -> int:
    """Return the index of the first item that is still in a window of at most `limit` tokens; `sizes` is oldest first.

    Items join at the end. When they outgrow the limit, the oldest leave until the rest is `kept_share` of it, so the
    start moves rarely. The newest item always stays.
    """
    start = total = 0
    for index, size in enumerate(sizes):
        total += size
        if total > limit:
            while start < index and total > limit * kept_share:
                total -= sizes[start]
                start += 1
    return start


def is_carried(turn: Turn) -> bool:
    """Return whether later prompts may carry a turn.

    Only text that the person can see is carried, including answers that broke off. A cut answer has none, and a
    question that led to a crisis card, a pause or a refusal is never repeated to a model. Neither is one that its asker
    has asked anew.
    """
    has_answer = turn.state in {TurnState.ANSWERED, TurnState.STOPPED, TurnState.FAILED} and bool(turn.answer)
    return has_answer and not turn.is_reworded


def choose_window(turns: Iterable[Turn], *, limit: int) -> list[Turn]:
    """Return the newest of `turns` (oldest first) that are in a window of `limit` tokens."""
    readable = [turn for turn in turns if is_carried(turn)]
    sizes = [turn.carried_tokens or estimate_carried_tokens(turn) for turn in readable]
    return readable[choose_window_start(sizes, limit=limit) :]


def carry_turns(window: Sequence[Turn], *, room: int, longest: int, model: str = "") -> list[CarriedTurn]:
    """Return the newest turns of a window that fit into `room` tokens together, oldest first.

    Of the newest turn, what exceeds the room or `longest` is left out of the middle of its question or answer: without
    it a follow-up means nothing ("And number two?"). A count of tokens holds for the model that made it alone.
    """
    carried: list[CarriedTurn] = []
    for turn in reversed(window):
        is_counted = turn.carried_tokens is not None and turn.model == model
        needed = turn.carried_tokens if is_counted and turn.carried_tokens else estimate_carried_tokens(turn)
        most = room if carried else min(room, longest)
        if needed <= most:
            carried.append(CarriedTurn(defuse_marks(turn.question), defuse_marks(turn.answer), needed))
        elif carried or most < MIN_MEMORY_TURN_TOKENS:
            break
        else:
            carried.append(_shorten_turn(turn, most))
        room -= carried[-1].tokens
    return carried[::-1]


def estimate_carried_tokens(turn: Turn) -> int:
    """Return an upper bound of the tokens that a turn adds to a prompt."""
    return estimate_max_tokens(defuse_marks(turn.question)) + estimate_max_tokens(defuse_marks(turn.answer))


@dataclass(frozen=True)
class Memory:
    """What a prompt may carry: turns and notes, oldest first, and how many tokens one turn may have at most."""

    turns: Sequence[Turn] = ()
    notes: Sequence[Note] = ()
    longest: int = 0


def choose_memory(
    remembered: Sequence[Turn],
    notes: Sequence[Note],
    *,
    policy: MemoryPolicy,
    tokens: int = MEMORY_TOKENS,
    limits: ContextLimits | None = None,
) -> Memory:
    """Return what the next prompt may carry of the earlier turns in `remembered` and of `notes`, both oldest first.

    `tokens` limits both together. FULL has no limit but the model's context.
    """
    if policy is MemoryPolicy.NONE:
        return Memory()
    limits = limits or get_settings_limits()
    if policy is MemoryPolicy.FULL:
        tokens = max(limits.context_tokens - limits.answer_tokens - FULL_MEMORY_RESERVE, MEMORY_TOKENS)
    notes_limit = round(tokens * NOTES_SHARE) if policy in NOTING_POLICIES else 0
    longest = tokens - notes_limit
    window = choose_window(remembered, limit=longest)
    if not notes_limit:
        return Memory(window, (), longest)
    # What a carried turn says needs no note.
    noted = {turn.pk for turn in remembered if is_carried(turn)} - {turn.pk for turn in window}
    usable = [note for note in notes if note.turn_id in noted or note.is_from_other_conversation]
    return Memory(window, choose_prompt_notes(usable, limit=notes_limit), longest)


def _shorten_turn(turn: Turn, tokens: int) -> CarriedTurn:
    question, answer = defuse_marks(turn.question), defuse_marks(turn.answer)
    question = shorten(question, tokens=max(tokens - estimate_max_tokens(answer), tokens // 2))
    answer = shorten(answer, tokens=tokens - estimate_max_tokens(question))
    return CarriedTurn(question, answer, estimate_max_tokens(question) + estimate_max_tokens(answer))


def choose_prompt_notes(notes: Sequence[Note], *, limit: int) -> list[Note]:
    """Return the notes that a prompt carries, in their order: the newest in `limit` tokens, and LASTING_NOTES."""
    lasting = {
        note.pk
        for kind, count in LASTING_NOTES.items()
        for note in [note for note in notes if note.kind == kind][-count:]
    }
    rest = [note for note in notes if note.pk not in lasting]
    left = limit - sum(note.tokens for note in notes if note.pk in lasting)
    start = choose_window_start([note.tokens for note in rest], limit=left, kept_share=KEPT_NOTES_SHARE)
    kept = lasting | {note.pk for note in rest[start:]}
    return [note for note in notes if note.pk in kept]


def build_unfinished(continued: Sequence[Turn], *, room: int, answer_tokens: int) -> list[ChatMessage]:
    """Return the messages of the continued turns (oldest first): the question, and the end of the answer so far.

    `room` is the number of tokens for the question, the answer so far and the new answer together. The usual length of
    the new answer, `answer_tokens`, is reserved first.
    """
    if not continued:
        return []
    answer = defuse_marks(" ".join(turn.answer for turn in continued))
    # Leave room for the end of the answer so far and for the shortest new answer, each of about this size.
    question = shorten(defuse_marks(continued[0].question), tokens=room - 2 * MIN_CONTINUED_TOKENS)
    tokens_left = room - estimate_max_tokens(question) - answer_tokens
    window = max(MIN_CONTINUED_TOKENS, min(CONTINUED_TOKENS, tokens_left))
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": _keep_end(answer, tokens=window)},
    ]


def shorten(text: str, *, tokens: int) -> str:
    """Return the text if it fits into `tokens`, or else its beginning and twice as much of its end."""
    if estimate_max_tokens(text) <= tokens:
        return text
    sizes = range(1, len(text))
    size = bisect_right(sizes, tokens, key=lambda length: estimate_max_tokens(_keep_both_ends(text, length)))
    return _keep_both_ends(text, size)


def count_fitting_characters(text: str, *, tokens: int) -> int:
    """Return how many characters from the start of a text fit into `tokens`."""
    return bisect_right(range(1, len(text)), tokens, key=lambda size: estimate_max_tokens(text[:size]))


def _keep_both_ends(text: str, size: int) -> str:
    return f"{text[: size // 3]}{OMISSION}{text[len(text) - (size - size // 3) :]}" if size else ""


def _keep_end(text: str, *, tokens: int) -> str:
    """Return the last whole sentences of `text`, with what follows them, that fit into `tokens`."""
    for start in (0, *(border.end() for border in BEGINNING.finditer(text))):
        if estimate_max_tokens(text[start:]) <= tokens:
            return text[start:]
    # One long sentence: a character has at most four bytes, and a byte at most one token.
    return text[-((tokens - TOKENS_PER_MESSAGE) // 4) :]


def build_grounding(passages: Sequence[FoundPassage], *, room: int, profile: PromptProfile = FULL) -> str:
    """Return the instructions with the passages, in at most `room` tokens; "" without passages or if nothing fits."""
    if not passages:
        return ""
    room = min(room, profile.passage_tokens)
    introduction = profile.passages_instruction
    share = (room - estimate_max_tokens(introduction) - estimate_max_tokens(fence(""))) // len(passages)
    shown = [
        text
        for passage in passages
        if (text := _cut(defuse_marks(f"{passage.title}. {passage.text}"), share))
    ]
    return introduction.format(passages=fence("\n\n".join(shown))) if shown else ""


def _cut(text: str, tokens: int) -> str:
    """Return the whole sentences from the start of `text` that fit into `tokens`."""
    sentences = text.replace("? ", "?\n").replace(". ", ".\n").split("\n")
    fitting = [
        begun for begun in accumulate(sentences, "{} {}".format) if estimate_max_tokens(begun) <= tokens
    ]
    return fitting[-1] if fitting else ""


# A shorter answer is no help: with less room than this a question is rejected and nothing is charged.
MIN_ANSWER_TOKENS = 60

# What the longest of the profiles takes.
BRIEF_INSTRUCTION_TOKENS = estimate_max_tokens(f" {FULL.brief_instruction}")


class PromptPart(StrEnum):
    """The parts of a prompt whose tokens are counted apart."""

    INSTRUCTIONS = "instructions"
    NOTES = "notes"
    TURNS = "turns"
    QUESTION = "question"
    # Passages, and instructions for this turn alone.
    AFTER_QUESTION = "after_question"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A prompt in its order. All texts are ready to be sent: marks in them are defused."""

    question: str
    instructions: str
    notes: Sequence[str] = ()
    carried: Sequence[CarriedTurn] = ()
    # The question and the end of the answer that this turn continues.
    unfinished: Sequence[ChatMessage] = ()
    # Passages, and instructions for this turn alone.
    lessons: str = ""
    turn_instructions: Sequence[str] = ()
    profile: PromptProfile = FULL

    @property
    def messages(self) -> list[ChatMessage]:
        return [
            {"role": "system", "content": self.instructions},
            *self.note_messages,
            *self.conversation[:-1],
            {"role": "user", "content": f"{self.question}{self.text_after_question}"},
        ]

    @property
    def conversation(self) -> list[ChatMessage]:
        """What the person and the tutor said, without anything that this site added."""
        carried = [message for turn in self.carried for message in turn.messages]
        return [*carried, *self.unfinished, {"role": "user", "content": self.question}]

    @property
    def note_messages(self) -> list[ChatMessage]:
        """The notes, as the learner's own message: they are what a learner wrote, not instructions."""
        if not self.notes:
            return []
        listed = "\n".join(f"- {note}" for note in self.notes)
        return [
            {"role": "user", "content": self.profile.notes_message.format(notes=listed)},
            {"role": "assistant", "content": self.profile.notes_reply},
        ]

    @property
    def text_after_question(self) -> str:
        """What follows the question in its message; "" if nothing does."""
        text = "\n\n".join(filter(None, [self.lessons, " ".join(self.turn_instructions)]))
        return self.profile.after_question_template.format(text=text) if text else ""

    @property
    def tokens_at_most(self) -> int:
        """An upper bound of the tokens of all messages, for the hold."""
        return sum(turn.tokens for turn in self.carried) + sum(
            estimate_max_tokens(text) for part in PromptPart for text in self.list_texts(part)
        )

    @property
    def tokens_likely(self) -> int:
        """An estimate of the tokens of all messages."""
        return sum(estimate_tokens(message["content"]) for message in self.messages)

    def estimate_parts(self) -> dict[str, int]:
        """Return an estimate of the tokens of each part. Those of carried turns are exact if they were counted."""
        parts = {
            str(part): sum(estimate_tokens(text) for text in self.list_texts(part)) for part in PromptPart
        }
        parts[PromptPart.TURNS] += sum(turn.tokens for turn in self.carried)
        return parts

    def list_texts(self, part: PromptPart) -> list[str]:
        """Return the texts of a part, without those of carried turns, whose tokens are known."""
        match part:
            case PromptPart.INSTRUCTIONS:
                return [self.instructions]
            case PromptPart.NOTES:
                return [message["content"] for message in self.note_messages]
            case PromptPart.TURNS:
                return [message["content"] for message in self.unfinished]
            case PromptPart.QUESTION:
                return [self.question]
            case PromptPart.AFTER_QUESTION:
                return [self.text_after_question] if self.text_after_question else []


def build_prompt(
    question: str,
    *,
    remembered: Iterable[Turn],
    notes: Sequence[Note] = (),
    memory_policy: str = MemoryPolicy.NOTES,
    memory_tokens: int = MEMORY_TOKENS,
    passages: Sequence[FoundPassage] = (),
    is_brief: bool = False,
    language: str | None = None,
    continued: Sequence[Turn] = (),
    profile: PromptProfile = FULL,
    limits: ContextLimits | None = None,
    model: str = "",
    pinned: Sequence[Turn] = (),
) -> Prompt:
    """Build the prompt for `question` after the earlier turns in `remembered` (oldest first), with its passages.

    Text by people or lessons is carried as data: in a message of its own or between fences, without marks that could
    end them. `notes` are carried for the turns that no longer are, and for other conversations; `memory_tokens` limits
    both. `language` is that of the asker's page; None is the current page's. `continued` are the turns whose answer is
    continued, oldest first; memory does not limit them. `profile` has the texts, and belongs to the model, as `limits`
    and its name `model` do; None is the limits of the settings' model. `pinned` are carried whatever memory allows.

    Raises TooLongForModel if the model's context has no room left for the shortest answer.
    """
    limits = limits or get_settings_limits()
    language_name = get_language_info(language or get_page_language())["name"]
    instructions = [profile.instructions, profile.language_instruction.format(language=language_name)]
    prompt = Prompt(
        question=defuse_marks(question),
        instructions=" ".join(filter(None, instructions)),
        turn_instructions=(
            *([profile.brief_instruction] if is_brief else []),
            *([profile.continue_instruction] if continued else []),
        ),
        profile=profile,
    )
    unfinished = build_unfinished(
        continued,
        room=limits.context_tokens - prompt.tokens_at_most,
        answer_tokens=limits.answer_tokens,
    )
    prompt = replace(prompt, unfinished=unfinished)
    room = limits.context_tokens - prompt.tokens_at_most
    if room < MIN_ANSWER_TOKENS:
        raise _build_length_error(question, spare=room - MIN_ANSWER_TOKENS)
    lessons = build_grounding(passages, room=room - limits.answer_tokens, profile=profile)
    prompt = replace(prompt, lessons=lessons)
    memory = choose_memory(
        [turn for turn in remembered if turn not in continued],
        notes,
        policy=MemoryPolicy(memory_policy),
        tokens=memory_tokens,
        limits=limits,
    )
    noted = replace(prompt, notes=[defuse_marks(note.text) for note in memory.notes])
    if limits.context_tokens - noted.tokens_at_most >= limits.answer_tokens:
        prompt = noted
    room = limits.context_tokens - limits.answer_tokens - prompt.tokens_at_most
    turns, longest = pin_turns(memory.turns, pinned), memory.longest or memory_tokens
    return replace(prompt, carried=carry_turns(turns, room=room, longest=longest, model=model))


def pin_turns(window: Sequence[Turn], pinned: Sequence[Turn]) -> list[Turn]:
    """Return the window with the pinned turns in it. Those that are not at its end already come last."""
    readable = [turn for turn in pinned if is_carried(turn)]
    if not readable or (window[-1:] == readable[-1:] and all(turn in window for turn in readable)):
        return list(window)
    return [*(turn for turn in window if turn not in readable), *readable]


def _build_length_error(question: str, *, spare: int) -> TooLongForModel:
    """Build the error for a question that is too long by `-spare` tokens (`spare` is negative)."""
    safe_question = defuse_marks(question)
    fits = count_fitting_characters(safe_question, tokens=estimate_max_tokens(safe_question) + spare)
    return TooLongForModel(length=len(question), limit=fits // 10 * 10)


def add_turn_instructions(prompt: Prompt, turn: Turn, *, limits: ContextLimits | None = None) -> Prompt:
    """Return the prompt with the instructions for this turn alone, as far as the model's context has room for them."""
    for instruction in list_turn_instructions(turn, prompt.profile):
        extended = replace(prompt, turn_instructions=(*prompt.turn_instructions, instruction))
        if get_answer_room(extended, limits=limits) >= MIN_ANSWER_TOKENS:
            prompt = extended
    return prompt


def get_answer_room(
    prompt: Prompt, *, longest: int | None = None, limits: ContextLimits | None = None
) -> int:
    """Return the longest answer, in tokens, that fits into the model's context after `prompt`.

    `longest` is the limit of the asker's plan; None means the model's limit. The prompt's profile may allow less.
    `limits` are the model's; None is those of the settings' model.
    """
    limits = limits or get_settings_limits()
    room = limits.context_tokens - prompt.tokens_at_most
    return min(limits.answer_tokens, room, longest or room, prompt.profile.answer_tokens or room)
