"""Builds the prompt for a question: instructions, passages, memory and the question, with bounds on its tokens.

Carrying every earlier turn would make a conversation's cost grow with the square of its length. A window of tokens
keeps the cost of each question flat: the newest turns that fit are carried whole, older ones not at all.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language_info

from chat.errors import TooLongForModel
from chat.models import Turn, TurnState
from chat.prompt_profiles import FULL, PromptProfile
from chat.turns.verdicts import get_action
from courses.retrieval.search import FoundPassage, find_passages, get_passages
from courses.retrieval.wording import get_wording
from guard import Action
from inference.messages import ChatMessage
from inference.tokens import TOKENS_PER_MESSAGE, estimate_max_tokens, estimate_tokens
from kit.languages import get_page_language

FENCE_START, FENCE_END = "<reading>", "</reading>"
# Marks that begin or end a message in the chat templates of common models, and our own fence. A server that renders a
# template may take such a mark in a text for its own. The quantifiers are possessive: a long gap in a text must not
# cost the square of its length.
MARKS = re.compile(
    r"""
    < (?= \s*+ (?: [|｜]
              | /?+ \s*+ (?: reading | s | bos | eos | unk | pad | system | user | assistant
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


def build_memory(turns: Iterable[Turn], *, window: int) -> list[ChatMessage]:
    """Return the messages of the newest of `turns` (oldest first) that fit into `window` tokens together.

    If even the newest turn is too long, the middle of its question or answer is left out.

    Only text that the person can see is carried, including answers that broke off. A cut answer has none, and a
    question that led to a crisis card, a pause or a refusal is never repeated to a model.
    """
    carried: list[ChatMessage] = []
    tokens_left = window
    for turn in reversed(list(turns)):
        if turn.state not in {TurnState.ANSWERED, TurnState.STOPPED, TurnState.FAILED} or not turn.answer:
            continue
        question, answer = defuse_marks(turn.question), defuse_marks(turn.answer)
        needed = estimate_max_tokens(question) + estimate_max_tokens(answer)
        if needed > tokens_left and carried:
            break
        if needed > tokens_left:
            # Without the newest turn a follow-up question means nothing ("And number two?").
            if tokens_left < MIN_MEMORY_TURN_TOKENS:
                break
            question = shorten(
                question, tokens=max(tokens_left - estimate_max_tokens(answer), tokens_left // 2)
            )
            answer = shorten(answer, tokens=tokens_left - estimate_max_tokens(question))
        tokens_left -= needed
        carried[:0] = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    return carried


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
    question: str, *, past: Sequence[Turn], language: str | None = None
) -> list[FoundPassage]:
    """Return the passages for a question, best first; empty if no lesson covers it.

    A follow-up without a subject ("Why is that?") is searched as the question before it; `past` has the earlier turns,
    oldest first. `language` is the asker's; None is the page's (see find_passages).
    """
    words = set(get_wording(language or get_page_language()).simplify_words(question))
    if words <= set(FOLLOW_UP_WORDS.split()):
        return find_passages(past[-1].question, language=language) if past and past[-1].passages else []
    return find_passages(question, language=language)


def get_turn_passages(turn: Turn, *, language: str) -> list[FoundPassage]:
    """Return the passages of an earlier turn, for the turn that continues its answer."""
    passages = get_passages(turn.passages, language=language)
    return [passages[key] for key in turn.passages if key in passages]


def get_stored_passages(turns: Iterable[Turn]) -> Mapping[UUID, list[FoundPassage]]:
    """Return the stored passages of each turn, in the turn's language, by turn id."""
    asked_in: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        asked_in[turn.language].append(turn)
    cited: dict[UUID, list[FoundPassage]] = {}
    for language, asked in asked_in.items():
        passages = get_passages((key for turn in asked for key in turn.passages), language=language)
        cited |= {turn.pk: [passages[key] for key in turn.passages if key in passages] for turn in asked}
    return cited


def build_grounding(passages: Sequence[FoundPassage], *, room: int, profile: PromptProfile = FULL) -> str:
    """Return the instructions with the passages, in at most `room` tokens; "" if nothing fits."""
    room = min(room, profile.passage_tokens)
    introduction = profile.passages_instruction
    if not passages:
        without = profile.no_passages_instruction
        return without if estimate_max_tokens(without) <= room else ""
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
# How many tokens of memory a prompt carries by default: enough for two or three turns.
MEMORY_TOKENS = 600

# What the longest of the profiles takes.
BRIEF_INSTRUCTION_TOKENS = estimate_max_tokens(f" {FULL.brief_instruction}")


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


@dataclass(frozen=True)
class Prompt:
    messages: list[ChatMessage]
    profile: PromptProfile = FULL

    @property
    def tokens_at_most(self) -> int:
        """An upper bound of the tokens of all messages, for the hold."""
        return sum(estimate_max_tokens(message["content"]) for message in self.messages)

    @property
    def tokens_likely(self) -> int:
        """An estimate of the tokens of all messages."""
        return sum(estimate_tokens(message["content"]) for message in self.messages)


def build_prompt(
    question: str,
    *,
    past: Iterable[Turn],
    memory_tokens: int = MEMORY_TOKENS,
    passages: Sequence[FoundPassage] = (),
    is_brief: bool = False,
    language: str | None = None,
    continued: Sequence[Turn] = (),
    profile: PromptProfile = FULL,
    limits: ContextLimits | None = None,
) -> Prompt:
    """Build the prompt for `question` after the earlier turns `past` (oldest first), with its passages.

    Text by people or lessons is carried as data: in a message of its own or between fences, without marks that could
    end them. Memory is limited to `memory_tokens`. `language` is that of the asker's page; None is the current page's.
    `continued` are the turns whose answer is continued, oldest first; `memory_tokens` does not limit them. `profile`
    has the texts, and belongs to the model, as `limits` do; None is the limits of the settings' model.

    Raises TooLongForModel if the model's context has no room left for the shortest answer.
    """
    limits = limits or get_settings_limits()
    language_name = get_language_info(language or get_page_language())["name"]
    instructions = [profile.instructions, profile.language_instruction.format(language=language_name)]
    if is_brief:
        instructions.append(profile.brief_instruction)
    if continued:
        instructions.append(profile.continue_instruction)
    asked: list[ChatMessage] = [
        {"role": "system", "content": " ".join(filter(None, instructions))},
        {"role": "user", "content": defuse_marks(question)},
    ]
    asked[1:1] = build_unfinished(
        continued,
        room=limits.context_tokens - Prompt(asked).tokens_at_most,
        answer_tokens=limits.answer_tokens,
    )
    room = limits.context_tokens - Prompt(asked).tokens_at_most
    if room < MIN_ANSWER_TOKENS:
        raise _build_length_error(question, spare=room - MIN_ANSWER_TOKENS)
    room -= limits.answer_tokens
    if grounded := build_grounding(passages, room=room, profile=profile):
        asked[0]["content"] += f"\n\n{grounded}"
        room -= estimate_max_tokens(grounded)
    past = (turn for turn in past if turn not in continued)
    messages = [asked[0], *build_memory(past, window=min(memory_tokens, room)), *asked[1:]]
    return Prompt(messages, profile)


def _build_length_error(question: str, *, spare: int) -> TooLongForModel:
    """Build the error for a question that is too long by `-spare` tokens (`spare` is negative)."""
    asked = defuse_marks(question)
    fits = count_fitting_characters(asked, tokens=estimate_max_tokens(asked) + spare)
    return TooLongForModel(length=len(question), limit=fits // 10 * 10)


def add_turn_instructions(prompt: Prompt, turn: Turn, *, limits: ContextLimits | None = None) -> Prompt:
    """Return the prompt with the instructions for this turn alone, if the model's context has room for them."""
    if get_action(turn) is not Action.SUPPORT:
        return prompt
    instructions, *asked = prompt.messages
    supportive = f"{instructions['content']}\n\n{prompt.profile.support_instruction}"
    extended = Prompt([{"role": "system", "content": supportive}, *asked], prompt.profile)
    return extended if get_answer_room(extended, limits=limits) >= MIN_ANSWER_TOKENS else prompt


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
