"""Asks the demo's small model ten everyday questions, with the full and the small prompt profile side by side.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.small_model [--seeds 1 2 3] [--json]

The questions go through search, the prompt builder and the provider, and answers end as a worker ends them. The marks
only find what is broken; whether an answer makes sense has to be read.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from benchmarks.languages import WORD, find_language  # noqa: E402
from benchmarks.retrieval import library, share  # noqa: E402 - models need the settings first
from chat.models import Turn, TurnState  # noqa: E402
from chat.prompt import build_prompt, get_answer_room  # noqa: E402
from chat.prompt_profiles import PROMPT_PROFILES, PromptProfile  # noqa: E402
from chat.selectors import find_question_passages  # noqa: E402
from courses.retrieval.search import FoundPassage  # noqa: E402
from inference.messages import TokenUsage  # noqa: E402
from inference.provider import stream_answer  # noqa: E402
from inference.repetition import RepetitionDetector  # noqa: E402
from tests.endpoints import get_endpoint  # noqa: E402

PARAGRAPH = (
    "My dog is called Bruno. He is good and he is nice. I like him because he is good and he plays with me every day "
    "after school in the park."
)
SKY = (
    "Why is the sky blue?",
    "Air scatters blue light more than red light, so blue reaches us from everywhere.",
)
SENTENCE_END = re.compile(r"[.!?…][\"'”’)*]*$")
VOCABULARY = Path(__file__).parents[1] / "platform" / "encoders" / "model" / "vocabulary.txt"


@dataclass(frozen=True)
class Asked:
    topic: str
    text: str
    language: str = "en"
    before: tuple[str, str] | None = None


QUESTIONS = (
    Asked("maths", "How do I solve 3x + 5 = 20?"),
    Asked("history", "Why did the Roman Empire fall?"),
    Asked("biology", "What does photosynthesis do for a plant?"),
    Asked("how AI works", "How does an AI chatbot know what to write?"),
    Asked("feedback", f"Can you give me feedback on my paragraph? {PARAGRAPH}"),
    Asked("a study plan", "I have a science test on Friday. Can you make me a study plan?"),
    Asked("a poem's line", "Write one line of a poem about the rain."),
    Asked("a token", "What is a token in an AI model?"),
    Asked("seasons", "Why do we have seasons?"),
    # This model knows no Spanish: the question is here so that the next one is measured.
    Asked("Spanish", "¿Por qué es importante dormir bien?", language="es"),
    Asked("a follow-up", "And why is it red in the evening?", before=SKY),
)


@dataclass(frozen=True)
class Answer:
    """An answer with its marks."""

    profile: str
    topic: str
    seed: int
    text: str
    passages: int
    tokens: int
    seconds: float
    repeats_itself: bool
    ends_at_a_sentence: bool
    # The share of its words that the lessons' encoder knows.
    known_words: float
    is_in_the_language: bool


def build_earlier_turns(asked: Asked) -> list[Turn]:
    if not asked.before:
        return []
    question, answer = asked.before
    return [Turn(question=question, answer=answer, state=TurnState.ANSWERED)]


def count_known_words(text: str, vocabulary: frozenset[str]) -> float:
    parts = [part for word in WORD.findall(text.lower()) for part in re.split("['’]", word)]
    return round(sum(part in vocabulary for part in parts) / max(1, len(parts)), 3)


async def ask(
    asked: Asked, profile: PromptProfile, passages: list[FoundPassage], seed: int, vocabulary: frozenset[str]
) -> Answer:
    prompt = build_prompt(
        asked.text,
        remembered=build_earlier_turns(asked),
        passages=passages,
        language=asked.language,
        profile=profile,
    )
    fields: Mapping[str, Any] = {**profile.request_fields, "seed": seed}
    stream = stream_answer(
        endpoint=get_endpoint(),
        messages=prompt.messages,
        max_answer_tokens=get_answer_room(prompt),
        request_id="benchmark",
        fields=fields,
    )
    detector, text, tokens, length, repeats_itself = RepetitionDetector(), "", 0, None, False
    began = time.perf_counter()
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if isinstance(piece, TokenUsage):
                if piece.has_reached_limit and profile.drops_unfinished_sentence:
                    length = detector.get_last_end() or None
                continue
            text, tokens = text + piece.text, piece.tokens
            if (repeated_from := detector.feed(piece.text)) is not None:
                repeats_itself = True
                if profile.ends_repetition:
                    length = repeated_from
                    break
    text = text[:length].strip()
    return Answer(
        profile=profile.name,
        topic=asked.topic,
        seed=seed,
        text=text,
        passages=len(passages),
        tokens=tokens,
        seconds=round(time.perf_counter() - began, 2),
        repeats_itself=repeats_itself,
        ends_at_a_sentence=bool(SENTENCE_END.search(text)),
        known_words=count_known_words(text, vocabulary),
        is_in_the_language=find_language(text) == asked.language,
    )


def ask_all(seeds: list[int], profiles: list[PromptProfile], *, with_passages: bool) -> list[Answer]:
    vocabulary = frozenset(VOCABULARY.read_text().split())
    with library():
        found = [
            find_question_passages(asked.text, remembered=build_earlier_turns(asked), language=asked.language)
            if with_passages
            else []
            for asked in QUESTIONS
        ]

    async def asking() -> list[Answer]:
        return [
            await ask(asked, profile, passages, seed, vocabulary)
            for asked, passages in zip(QUESTIONS, found, strict=True)
            for seed in seeds
            for profile in profiles
        ]

    return asyncio.run(asking())


def figures_of(answers: list[Answer]) -> dict[str, float]:
    return {
        "answers": len(answers),
        "repeat_themselves": sum(answer.repeats_itself for answer in answers),
        "end_at_a_sentence": share(answer.ends_at_a_sentence for answer in answers),
        "known_words": round(statistics.fmean(answer.known_words for answer in answers), 3),
        "in_the_language": share(answer.is_in_the_language for answer in answers),
        "median_tokens": statistics.median(answer.tokens for answer in answers),
        "median_seconds": statistics.median(answer.seconds for answer in answers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[7], help="one answer for each")
    parser.add_argument("--profiles", nargs="+", default=["full", "small"], choices=["full", "small"])
    parser.add_argument("--no-passages", action="store_true", help="leave the lessons out of the prompts")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    profiles = [PROMPT_PROFILES[name] for name in options.profiles]
    answers = ask_all(options.seeds, profiles, with_passages=not options.no_passages)
    for answer in answers:
        print(
            f"\n## {answer.topic}, {answer.profile}, seed {answer.seed}: {answer.passages} passages, ", end=""
        )
        print(f"{answer.tokens} tokens, {answer.seconds} s", end="")
        print(", repeats itself" if answer.repeats_itself else "", end="")
        print("" if answer.ends_at_a_sentence else ", no end", end="\n\n")
        print(answer.text)
    figures = {
        profile.name: figures_of([answer for answer in answers if answer.profile == profile.name])
        for profile in profiles
    }
    print()
    for name in figures[profiles[0].name]:
        values = "  ".join(f"{profile} {figure[name]:8g}" for profile, figure in figures.items())
        print(f"{name.replace('_', ' '):20} {values}")
    if options.json:
        print(json.dumps({"benchmark": "small_model", **figures, "texts": [*map(asdict, answers)]}))


if __name__ == "__main__":
    main()
