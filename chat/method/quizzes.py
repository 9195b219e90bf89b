"""Practice quizzes: the typed structure, the strict parser of what a model wrote, and how a quiz is stored. Pure.

There are no points: a quiz is checked question by question, and each answer says why.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from kit.folding import fold
from kit.texts import parse_whole_number

MAX_QUESTIONS = 5
MIN_WRONG, MAX_WRONG = 1, 3
_MAX_LINE_LENGTH = 300
# A line of a quiz. Marks that models put around a label or before it are not part of it.
_LINE = re.compile(r"(?:[-*•]\s+|\d{1,2}[.)]\s*)?\*{0,2}(Q|RIGHT|WRONG|WHY)\*{0,2}\s*:\*{0,2}\s*(.+)")
_QUESTION, _RIGHT, _WRONG, _WHY = "Q", "RIGHT", "WRONG", "WHY"
_LETTERS = "ABCDEFGH"


class QuizSource(StrEnum):
    """Who wrote a quiz. The values are stored."""

    MODEL = "model"
    # The questions of a module of this site.
    LESSON = "lesson"
    # A question that a learner answers to themselves.
    OPEN = "open"


@dataclass(frozen=True)
class QuizOption:
    text: str
    is_right: bool = False
    # Why it is right or wrong; "" if the question's `why` says it.
    why: str = ""


@dataclass(frozen=True)
class PracticeQuestion:
    text: str
    options: tuple[QuizOption, ...]
    why: str = ""


@dataclass(frozen=True)
class PracticeQuiz:
    """A quiz of one turn. `module` is the slug of the module that fits it, or ""."""

    source: QuizSource
    questions: tuple[PracticeQuestion, ...]
    module: str = ""

    def dump(self) -> dict[str, Any]:
        """Return the quiz as it is stored."""
        return asdict(self)

    @property
    def text(self) -> str:
        """The questions and options without what is right, for later prompts and for programs."""
        return "\n\n".join(
            "\n".join(
                [
                    f"{number}. {question.text}",
                    *(
                        f"   {letter}) {option.text}"
                        for letter, option in zip(_LETTERS, question.options, strict=False)
                    ),
                ]
            )
            for number, question in enumerate(self.questions, 1)
        )


def load_quiz(stored: Mapping[str, Any]) -> PracticeQuiz:
    """Return a stored quiz."""
    return PracticeQuiz(
        source=QuizSource(stored["source"]),
        questions=tuple(
            PracticeQuestion(
                text=question["text"],
                options=tuple(QuizOption(**option) for option in question["options"]),
                why=question["why"],
            )
            for question in stored["questions"]
        ),
        module=stored["module"],
    )


def parse_quiz(text: str, *, seed: UUID, module: str = "") -> PracticeQuiz | None:
    """Return the quiz that a model wrote, or None if the text is not one.

    Each question has the lines Q, RIGHT, one to three WRONG, and WHY, in this order. Text before the first question is
    ignored, and so is a last question that is not whole, because an answer may reach its length limit. Anything else
    between the lines makes it no quiz. The options are shuffled by `seed`, because a model writes the right one first.
    """
    questions: list[PracticeQuestion] = []
    blocks = _split_questions(text)
    for number, block in enumerate(blocks, 1):
        question = _parse_question(block, random.Random(f"{seed} {number}"))  # noqa: S311 - only an order
        if question:
            questions.append(question)
        elif number < len(blocks):
            return None
    return PracticeQuiz(QuizSource.MODEL, tuple(questions[:MAX_QUESTIONS]), module) if questions else None


def _split_questions(text: str) -> list[list[tuple[str, str]]]:
    """Return the labelled lines by question. A line without a label has the label ""."""
    blocks: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        label, content = (match[1], match[2].strip()) if match else ("", line)
        if label == _QUESTION:
            blocks.append([])
        if blocks:
            blocks[-1].append((label, content))
    return blocks


def _parse_question(lines: Sequence[tuple[str, str]], order: random.Random) -> PracticeQuestion | None:
    labels = [label for label, _content in lines]
    count = len(labels) - 3
    if not MIN_WRONG <= count <= MAX_WRONG or labels != [_QUESTION, _RIGHT, *[_WRONG] * count, _WHY]:
        return None
    contents = [content for _label, content in lines]
    is_distinct = len({fold(content).text.strip(" .") for content in contents[1:-1]}) == count + 1
    if not is_distinct or any(len(content) > _MAX_LINE_LENGTH for content in contents):
        return None
    options = [QuizOption(content, is_right=position == 0) for position, content in enumerate(contents[1:-1])]
    order.shuffle(options)
    return PracticeQuestion(contents[0], tuple(options), contents[-1])


def check_choices(quiz: PracticeQuiz, choices: Iterable[str]) -> list[int | None]:
    """Return the chosen option of each question as it is stored: its number, or None for none that exists."""
    given = list(choices)[: len(quiz.questions)]
    given += [""] * (len(quiz.questions) - len(given))
    return [
        parse_whole_number(choice, below=len(question.options))
        for question, choice in zip(quiz.questions, given, strict=True)
    ]
