"""Measures what remembering costs: a talk of 100 questions with the real model, under each memory policy.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.memory [--turns 100] [--json]

The model answers each question once, with the policy of the Free plan. The same talk is then sent again under the other
policies, for one token each: prompt tokens and those from the cache are what the server reports. Where full memory no
longer fits the model's context, its prompt is counted by the model's tokenizer instead, and all of it but the last turn
is taken as cached, which is the best that could happen. Dollars are those of a cloud model with a price for cached
input. Thirty facts are told in the first questions and asked for in the last ones; one is kept if the prompt carries it
word for word.

Turns leave memory in blocks, so single turns differ: "at" a turn is the mean of the ten turns up to it.
"""

import argparse
import asyncio
import json
import os
import statistics
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from budgets.models import MEMORY_TOKENS  # noqa: E402 - models need the settings first
from chat.memory.notes import choose_notes  # noqa: E402
from chat.models import Note, Turn, TurnState  # noqa: E402
from chat.prompt import Prompt, build_prompt, get_answer_room, get_settings_limits  # noqa: E402
from chat.prompt_profiles import FULL, SMALL, PromptProfile  # noqa: E402
from inference.messages import TokenUsage  # noqa: E402
from inference.prices import Prices  # noqa: E402
from inference.provider import count_tokens, stream_answer  # noqa: E402
from inference.repetition import RepetitionDetector  # noqa: E402
from inference.tokens import TOKENS_PER_MESSAGE  # noqa: E402
from kit.memory_policy import MemoryPolicy  # noqa: E402
from tests.endpoints import get_endpoint  # noqa: E402

# Of a small cloud model in 2026: dollars per million tokens are 0.15, 0.075 from the cache, and 0.60 for output.
PRICES = Prices(input=150_000, cached_input=75_000, output=600_000)
SHOWN_TURNS = (5, 20, 50, 100)
SPAN = 10
# What is told, and the words of it that a late answer needs.
FACTS = (
    ("My report is about the planet Kepler-22b.", "Kepler-22b"),
    ("We have to use exactly 450 words.", "450 words"),
    ("The recipe needs 3 cups of flour.", "3 cups of flour"),
    ("My model bridge is 62 cm long.", "62 cm"),
    ("I already tried dividing by 4.", "dividing by 4"),
    ("The test is on Friday.", "Friday"),
    ("I'm in 8th grade.", "8th grade"),
    ("Our teacher wants three sources.", "three sources"),
    ("My garden is 12 m by 7 m.", "12 m by 7 m"),
    ("The rock weighs 340 grams.", "340 grams"),
    ("My experiment uses bean plants.", "bean plants"),
    ("The water was at 18 degrees.", "18 degrees"),
    ("I got 17 for the first problem.", "17"),
    ("My poem has four stanzas.", "four stanzas"),
    ("The deadline is on December 12.", "December 12"),
    ("My presentation is 6 minutes long.", "6 minutes"),
    ("The triangle has sides of 5, 12 and 13.", "5, 12 and 13"),
    ("My essay is about the Silk Road.", "Silk Road"),
    ("I want to understand fractions.", "fractions"),
    ("The battery has 9 volts.", "9 volts"),
    ("My project needs a budget of 25 dollars.", "25 dollars"),
    ("The train leaves at 7:40.", "7:40"),
    ("Our group has five people.", "five people"),
    ("My volcano model is 30 cm high.", "30 cm"),
    ("The density came out as 2.7.", "2.7"),
    ("I tried turning the graph around.", "turning the graph"),
    ("My story is set in 1912.", "1912"),
    ("The tank holds 80 liters.", "80 liters"),
    ("We are not allowed to use a calculator.", "calculator"),
    ("My survey had 44 answers.", "44 answers"),
)
# Ordinary questions, so that answers are as long as the model's answers are.
TOPICS = (
    "a volcano", "photosynthesis", "gravity", "a fraction", "the water cycle", "an earthquake", "a metaphor",
    "the Roman Empire", "electricity", "a cell", "the moon", "a budget", "a food chain", "sound", "light", "magnetism",
    "a democracy", "a decimal number", "a thesis statement", "the heart", "a comet", "plate tectonics", "a vaccine",
    "the printing press", "an adjective", "density", "an algorithm", "a hurricane", "the ocean", "a triangle",
    "the immune system", "a battery", "erosion", "a percentage", "an atom", "the nervous system", "a poem",
    "climate change", "a prime number", "energy", "a survey", "friction", "an ecosystem", "a map", "a graph",
    "the solar system", "a summary", "probability", "a habitat", "a bridge",
)  # fmt: skip
ASKS = ("Can you explain {topic} to me?", "Why does {topic} matter, and can you give me two examples?")


@dataclass(frozen=True)
class Reading:
    """What one prompt cost. `is_computed`: it did not fit the context, so the server never read it."""

    prompt: int
    cached: int
    answer: int
    is_computed: bool = False

    @property
    def fresh(self) -> int:
        return self.prompt - self.cached

    @property
    def microdollars(self) -> float:
        return (
            self.fresh * PRICES.input + self.cached * PRICES.cached_input + self.answer * PRICES.output
        ) / 1_000_000


def list_questions(turns: int) -> list[str]:
    """Return the talk's questions: the first ones tell two facts each."""
    told = [" ".join(fact for fact, _key in FACTS[start : start + 2]) for start in range(0, len(FACTS), 2)]
    asked = [
        ASKS[number // len(TOPICS) % len(ASKS)].format(topic=TOPICS[number % len(TOPICS)])
        for number in range(turns)
    ]
    return [f"{fact} {question}" for fact, question in zip(told, asked, strict=False)] + asked[len(told) :]


def build(
    question: str,
    remembered: Sequence[Turn],
    notes: Sequence[Note],
    policy: MemoryPolicy,
    profile: PromptProfile = SMALL,
) -> Prompt:
    return build_prompt(
        question,
        remembered=remembered,
        notes=notes,
        memory_policy=policy,
        memory_tokens=MEMORY_TOKENS,
        language="en",
        profile=profile,
        model=get_endpoint().model,
    )


async def send(prompt: Prompt, *, tokens: int) -> tuple[str, Reading]:
    """Send a prompt, and return the answer and what the server reports."""
    fields = {**prompt.profile.request_fields, "seed": 7}
    stream = stream_answer(
        endpoint=get_endpoint(),
        messages=prompt.messages,
        max_answer_tokens=tokens,
        request_id="benchmark",
        fields=fields,
    )
    detector, text, length, reading = RepetitionDetector(), "", None, None
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if isinstance(piece, TokenUsage):
                reading = Reading(piece.prompt_tokens or 0, piece.cached_tokens, piece.answer_tokens or 0)
                continue
            text += piece.text
            # A worker would stop here, but then no usage is reported.
            length = detector.feed(piece.text) if length is None else length
    if reading is None:
        raise RuntimeError("The server reported no usage.")
    return text[:length].strip(), reading


async def have_talk(questions: Sequence[str]) -> tuple[list[Turn], list[Note], list[Reading]]:
    """Have the model answer the questions in turn, with notes and a window. Returns what each question cost."""
    endpoint = get_endpoint()
    talk: list[Turn] = []
    notes: list[Note] = []
    readings: list[Reading] = []
    for question in questions:
        prompt = build(question, talk, notes, MemoryPolicy.NOTES)
        answer, reading = await send(prompt, tokens=get_answer_room(prompt))
        counts = [await count_tokens(endpoint, text) or 0 for text in (question, answer)]
        turn = Turn(
            pk=uuid4(),
            question=question,
            answer=answer or "I don't know.",
            state=TurnState.ANSWERED,
            model=endpoint.model,
            carried_tokens=sum(counts) + 2 * TOKENS_PER_MESSAGE,
        )
        for candidate in choose_notes(question):
            tokens = (await count_tokens(endpoint, candidate.text) or 0) + 3
            notes.append(Note(pk=uuid4(), turn=turn, kind=candidate.kind, text=candidate.text, tokens=tokens))
        talk.append(turn)
        readings.append(reading)
    return talk, notes, readings


async def replay(
    talk: Sequence[Turn], notes: Sequence[Note], answers: Sequence[Reading], policy: MemoryPolicy
) -> list[Reading]:
    """Send each question of the talk again under another policy, for one token of an answer."""
    readings: list[Reading] = []
    limits = get_settings_limits()
    for number, turn in enumerate(talk):
        remembered = talk[:number]
        prompt = build(turn.question, remembered, list_notes_of(notes, remembered), policy)
        if policy is MemoryPolicy.FULL and len(prompt.carried) < number:
            # All earlier turns would not fit.
            first = readings[0].prompt
            carried = sum(earlier.carried_tokens or 0 for earlier in remembered)
            newest = remembered[-1].carried_tokens or 0
            readings.append(
                Reading(first + carried, first + carried - newest, answers[number].answer, is_computed=True)
            )
            continue
        if prompt.tokens_at_most > limits.context_tokens:
            raise RuntimeError("A prompt is larger than the model's context.")
        _text, reading = await send(prompt, tokens=1)
        readings.append(Reading(reading.prompt, reading.cached, answers[number].answer))
    return readings


def list_notes_of(notes: Sequence[Note], remembered: Sequence[Turn]) -> list[Note]:
    told = {turn.pk for turn in remembered}
    return [note for note in notes if note.turn_id in told]


def count_kept_facts(talk: Sequence[Turn], notes: Sequence[Note], policy: MemoryPolicy) -> int:
    """Return how many facts the prompts of the last questions carry word for word, one fact for each."""
    kept = 0
    for number, (_told, key) in enumerate(FACTS):
        asked = len(talk) - len(FACTS) + number
        prompt = build("What did I say about that?", talk[:asked], list_notes_of(notes, talk[:asked]), policy)
        carried = [message["content"] for message in (*prompt.note_messages, *prompt.conversation[:-1])]
        kept += any(key in text for text in carried)
    return kept


def compute_shared_prefix(talk: Sequence[Turn], notes: Sequence[Note]) -> float:
    """Return the part of a large model's prompts that is the same as in the prompt before, in characters."""
    same = total = 0
    before = ""
    for number, turn in enumerate(talk):
        remembered = talk[:number]
        prompt = build(turn.question, remembered, list_notes_of(notes, remembered), MemoryPolicy.NOTES, FULL)
        text = "".join(f"\n{message['role']}:{message['content']}" for message in prompt.messages)
        same += next(
            (place for place, (one, other) in enumerate(zip(text, before, strict=False)) if one != other),
            min(len(text), len(before)),
        )
        total += len(text)
        before = text
    return same / total


def mean_at(readings: Sequence[Reading], turn: int, part: str) -> float:
    """Return the mean of the turns up to `turn`, as many as SPAN or as there are in the first half."""
    span = min(SPAN, max(1, turn // 2))
    return statistics.fmean(getattr(reading, part) for reading in readings[turn - span : turn])


def find_break_even(policy: Sequence[Reading], full: Sequence[Reading]) -> int | None:
    """Return the first turn from which on a policy has cost less than full memory, notes and cache included."""
    spent = spent_full = 0.0
    last_dearer = 0
    for number, (own, other) in enumerate(zip(policy, full, strict=True), start=1):
        spent += own.microdollars
        spent_full += other.microdollars
        if spent >= spent_full:
            last_dearer = number
    return last_dearer + 1 if last_dearer < len(policy) else None


async def measure(turns: int) -> dict[str, object]:
    talk, notes, noted = await have_talk(list_questions(turns))
    readings = {MemoryPolicy.NOTES: noted}
    for policy in (MemoryPolicy.NONE, MemoryPolicy.WINDOW, MemoryPolicy.FULL):
        readings[policy] = await replay(talk, notes, noted, policy)
    shown = [turn for turn in SHOWN_TURNS if turn <= turns]
    table = {
        str(policy): {
            str(turn): {
                part: round(mean_at(readings[policy], turn, part), 1)
                for part in ("prompt", "fresh", "cached", "microdollars")
            }
            for turn in shown
        }
        for policy in MemoryPolicy
    }
    full = readings[MemoryPolicy.FULL]
    last = shown[-1]
    later = noted[SPAN:]
    return {
        "turns": turns,
        "tokens_a_turn": round(statistics.fmean(turn.carried_tokens or 0 for turn in talk), 1),
        "notes": len(notes),
        "policies": table,
        "single_turns": {
            str(policy): {str(turn): readings[policy][turn - 1].prompt for turn in shown}
            for policy in MemoryPolicy
        },
        "full_computed_from": next(
            (number for number, reading in enumerate(full, start=1) if reading.is_computed), None
        ),
        "at_100_of_full": round(mean_at(noted, last, "prompt") / mean_at(full, last, "prompt"), 4),
        "turn100_over_turn20": round(mean_at(noted, last, "prompt") / mean_at(noted, 20, "prompt"), 3),
        "largest_of_last_over_turn20": round(
            max(reading.prompt for reading in noted[-SPAN:]) / mean_at(noted, 20, "prompt"), 3
        ),
        "cached_share": round(
            sum(reading.cached for reading in later) / sum(reading.prompt for reading in later), 3
        ),
        "prefix_shared_by_large_model": round(compute_shared_prefix(talk, notes), 3),
        "facts_kept": round(count_kept_facts(talk, notes, MemoryPolicy.NOTES) / len(FACTS), 3),
        "facts_kept_by_window": round(count_kept_facts(talk, notes, MemoryPolicy.WINDOW) / len(FACTS), 3),
        "break_even_turn": find_break_even(noted, full),
        "dollars_of_talk": {
            str(policy): round(sum(reading.microdollars for reading in readings[policy]) / 1e6, 5)
            for policy in MemoryPolicy
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.turns))
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for key, part in value.items():
                print(f"  {key:7} {part}")
        else:
            print(f"{name}: {value}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
