"""Has the conversations with a model as the site would: its prompts, its memory, its limits, its way of ending answers.

Search for lessons is left out, because a deployer's lessons are not the model's. The guard judges questions, because
its verdict adds to a prompt; but it stops none, and no gate stands before the answer: this is about the model.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import uuid4

from benchmarks.tutor.interviews import Help, Interview, Message
from chat.asking.assessment import decide_method, set_method_fields
from chat.memory.notes import choose_notes
from chat.method.ladder import list_offered
from chat.method.reading import FollowUp
from chat.model_choice import get_limits, list_pinned
from chat.models import Note, Turn, TurnState
from chat.prompt import Prompt, add_turn_instructions, build_prompt, get_answer_room
from chat.prompt_profiles import PROMPT_PROFILES, PromptProfile
from chat.turns.verdicts import judge_question
from inference import errors
from inference.messages import TokenUsage
from inference.provider import count_tokens, stream_answer
from inference.repetition import RepetitionDetector
from inference.tokens import TOKENS_PER_MESSAGE, estimate_max_tokens
from routing.models import TutorModel

# Faults of the answer, not of the connection: the learner would see nothing.
ANSWER_FAULTS = (
    errors.AnswerEmpty,
    errors.AnswerOnlyThinking,
    errors.AnswerFiltered,
    errors.ModelRefused,
)
PASSING_ERRORS = (errors.ModelBusy, errors.ModelUnreachable, errors.ModelTimeout)
RETRY_SECONDS = (1.0, 4.0, 10.0)
SEED = 7
BUTTONS = {Help.CHECK_STEP: FollowUp.CHECK, Help.WHOLE_WAY: FollowUp.WHOLE}


@dataclass(frozen=True)
class Reply:
    """A reply of the tutor. `fault` says why it is empty, if the model ended without an answer."""

    text: str
    tokens: int = 0
    seconds: float = 0.0
    is_cut: bool = False
    fault: str = ""


def find_model(name: str | None) -> TutorModel:
    """Return the settings' model, or the one of the admin pages with this name. Raises TutorModel.DoesNotExist."""
    if name is not None:
        return TutorModel.objects.get(name=name)
    model = TutorModel(name="Tutor", is_from_settings=True)
    model.read_settings()
    return model


def get_profile(model: TutorModel) -> PromptProfile:
    return PROMPT_PROFILES[model.prompt_profile]


def compute_prompt_version(model: TutorModel) -> str:
    """Return the profile's name with a digest of its texts and request fields."""
    profile = get_profile(model)
    texts = {part.name: getattr(profile, part.name) for part in fields(profile)}
    digest = hashlib.sha256(json.dumps(texts, sort_keys=True, default=dict).encode())
    return f"{model.prompt_profile}-{digest.hexdigest()[:6]}"


def list_instructions(model: TutorModel) -> str:
    """Return the instructions that a tutor must not quote."""
    return get_profile(model).instructions


@dataclass
class Conversation:
    """A conversation with a model and what it remembers."""

    model: TutorModel
    language: str
    turns: list[Turn] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    async def ask(self, message: Message) -> Reply:
        """Ask, remember the answer, and return it. Raises ModelError if the server gave none."""
        turn = self._create_turn(message)
        reply = await ask_patiently(self.model, self._build_prompt(turn))
        await self._remember(turn, reply)
        return reply

    def _create_turn(self, message: Message) -> Turn:
        """Return the turn of a message as the site would fill it in, without a row.

        The learner presses the button for what they want if there is one, and writes it otherwise.
        """
        verdict = judge_question(message.text, self.turns)
        turn = Turn(
            pk=uuid4(),
            question=message.text,
            language=self.language,
            level=str(verdict.level),
            categories=sorted(verdict.categories),
            model=self.model.model_name,
        )
        follow_up = BUTTONS.get(message.help, FollowUp.NONE)
        latest = self.turns[-1] if self.turns else None
        about = latest if latest and follow_up in list_offered(latest.ladder) else None
        method = decide_method(message.text, verdict, self.turns, follow_up=follow_up, about=about)
        set_method_fields(turn, method, retry_of=None, continues=None)
        return turn

    def _build_prompt(self, turn: Turn) -> Prompt:
        """Build the prompt of a turn as the site does (chat.model_choice), without passages of lessons."""
        limits = get_limits(self.model)
        prompt = build_prompt(
            turn.question,
            remembered=self.turns,
            notes=self.notes,
            language=self.language,
            profile=get_profile(self.model),
            limits=limits,
            model=self.model.model_name,
            pinned=list_pinned(turn, self.turns),
        )
        return add_turn_instructions(prompt, turn, limits=limits)

    async def _remember(self, turn: Turn, reply: Reply) -> None:
        endpoint = self.model.endpoint
        turn.answer, turn.state = reply.text, TurnState.ANSWERED
        counts = [await count_tokens(endpoint, text) for text in (turn.question, reply.text)]
        if None not in counts:
            turn.carried_tokens = sum(filter(None, counts)) + 2 * TOKENS_PER_MESSAGE
        self.turns.append(turn)
        for candidate in choose_notes(turn.question):
            tokens = await count_tokens(endpoint, candidate.text) or estimate_max_tokens(candidate.text)
            self.notes.append(
                Note(pk=uuid4(), turn=turn, kind=candidate.kind, text=candidate.text, tokens=tokens)
            )


async def hold_interview(model: TutorModel, interview: Interview) -> list[Reply]:
    """Ask all messages of an interview in turn and return the replies. Raises ModelError."""
    conversation = Conversation(model, interview.language)
    return [await conversation.ask(message) for message in interview.messages]


async def ask_patiently(model: TutorModel, prompt: Prompt) -> Reply:
    """Ask a model, again if its server is busy or away for a moment."""
    for seconds in RETRY_SECONDS:
        try:
            return await ask_model(model, prompt)
        except PASSING_ERRORS as error:
            await asyncio.sleep(max(seconds, error.retry_after or 0))
    return await ask_model(model, prompt)


async def ask_model(model: TutorModel, prompt: Prompt) -> Reply:
    """Return a model's answer to a prompt, ended as a worker ends it."""
    profile, text, tokens, length, is_cut = prompt.profile, "", 0, None, False
    detector = RepetitionDetector()
    request_fields: Mapping[str, Any] = {**profile.request_fields, "seed": SEED}
    stream = stream_answer(
        endpoint=model.endpoint,
        messages=prompt.messages,
        max_answer_tokens=get_answer_room(prompt, limits=get_limits(model)),
        request_id="benchmark",
        fields=request_fields,
    )
    began = asyncio.get_running_loop().time()
    try:
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, TokenUsage):
                    is_cut = piece.has_reached_limit
                    if is_cut and profile.drops_unfinished_sentence:
                        length = detector.get_last_end() or None
                    continue
                if piece.begins_again:
                    text, detector = "", RepetitionDetector()
                text, tokens = text + piece.text, piece.tokens
                if (repeated_from := detector.feed(piece.text)) is not None and profile.ends_repetition:
                    length = repeated_from
                    break
    except ANSWER_FAULTS as error:
        return Reply("", tokens, fault=type(error).__name__)
    seconds = asyncio.get_running_loop().time() - began
    return Reply(text[:length].strip(), tokens, round(seconds, 2), is_cut)
