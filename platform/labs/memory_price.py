"""What a conversation costs as it grows, under each memory policy, and what changes on a family's own computer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from budgets.models import MEMORY_TOKENS
from budgets.pricing import BLENDED, PRESETS, Sum, Talk, calculate_price, round_dollars, round_to_cents
from inference.inspection import split_into_pieces
from kit.languages import get_page_language
from kit.memory_policy import MemoryPolicy
from kit.texts import ProseField
from labs.charts import build_line_chart
from labs.lab import Json, Lab, ModelReply, PlannedRun, TellPart, Text
from labs.numbers import format_rounded
from routing.models import TutorModel

MAX_TEXT_LENGTH, MAX_MESSAGES = 2000, 24
CONVERSATIONS = Path(__file__).with_name("conversation")
MAX_QUESTIONS, MAX_PEOPLE = 100, 150_000_000
# The lines of the chart, from the most expensive to the cheapest.
POLICY_LABELS: Mapping[MemoryPolicy, Text] = {
    MemoryPolicy.FULL: gettext_lazy("everything is sent again"),
    MemoryPolicy.NOTES: gettext_lazy("the latest, and notes"),
    MemoryPolicy.WINDOW: gettext_lazy("only the latest"),
    MemoryPolicy.NONE: gettext_lazy("nothing is remembered"),
}
CASES: Mapping[str, Text] = {
    "basic": gettext_lazy("a simple question and answer"),
    "email": gettext_lazy("email, no memory"),
    "thread": gettext_lazy("email, the thread is sent again"),
    "message": gettext_lazy("chatbot, one message"),
    "short": gettext_lazy("chatbot, short memory"),
    "context": gettext_lazy("chatbot, as much as it can read"),
    "device": gettext_lazy("on your own computer"),
}


class MemoryPriceForm(forms.Form):
    text = ProseField(
        max_length=MAX_TEXT_LENGTH,
        label=gettext_lazy("A conversation of your own, if you like"),
        help_text=gettext_lazy(
            "One message per line: your question, the answer, your next question, and so on. Leave it empty to "
            "use our example."
        ),
        required=False,
    )
    questions = forms.IntegerField(
        label=gettext_lazy("Questions in the conversation"), min_value=2, max_value=MAX_QUESTIONS
    )
    people = forms.IntegerField(
        label=gettext_lazy("People who have a conversation like this each day"),
        min_value=1,
        max_value=MAX_PEOPLE,
    )
    local = forms.IntegerField(
        label=gettext_lazy("Answers that come from their own computers, in percent"),
        min_value=0,
        max_value=100,
    )

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if len(_split(text)) > MAX_MESSAGES:
            raise forms.ValidationError(
                _("A conversation here can have up to %(count)d messages.") % {"count": MAX_MESSAGES}
            )
        return text


def _split(text: str) -> list[str]:
    """Return the messages of a conversation, one on each line."""
    return [line.strip() for line in text.split("\n") if line.strip()]


@dataclass(frozen=True, kw_only=True)
class ShownPolicy:
    """A memory policy as a row of the table: its tokens at each length, and its prices."""

    label: str
    tokens: Sequence[str]
    price: str
    daily: str
    times: str


@dataclass(frozen=True, kw_only=True)
class ShownCase:
    """One of the lesson's examples, as a row of the table."""

    label: str
    tokens: str
    frequency: str
    users: str
    total: str
    left_to_pay: str


class MemoryPriceLab(Lab):
    slug = "memory-price"
    title = gettext_lazy("The price of memory")
    summary = gettext_lazy(
        "A model forgets after every answer. For it to remember, the conversation has to be sent again, and "
        "paid for again. Let a conversation grow and see what that adds up to."
    )
    family_question = gettext_lazy(
        "What would each of you want a chatbot to remember, what would you rather have it forget, and who should pay "
        "for the difference?"
    )
    needs_sign_in = False
    is_live = True
    form_class = MemoryPriceForm

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        return {"text": "", "questions": 60, "people": 10_000, "local": 0}

    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        messages = _list_messages(given["text"])

        async def ask(_tell_part: TellPart) -> ModelReply:
            split = (split_into_pieces(model.endpoint, message) for message in messages)
            return ModelReply(raw=[len(pieces) for pieces in await asyncio.gather(*split)])

        return PlannedRun(ask=ask)

    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        messages, counts = _list_messages(given["text"]), list(raw)
        questions = given["questions"]
        talk = _build_talk(counts, questions)
        lengths = _choose_lengths(questions)
        cloud_share = Decimal(100 - given["local"]) / 100
        policies = [
            _build_policy(talk, policy, lengths=lengths, people=given["people"], cloud_share=cloud_share)
            for policy in POLICY_LABELS
        ]
        return {
            "question_tokens": number_format(talk.question_tokens),
            "answer_tokens": number_format(talk.answer_tokens),
            "window_tokens": number_format(MEMORY_TOKENS, force_grouping=True),
            "messages": [
                (message, number_format(count)) for message, count in zip(messages, counts, strict=True)
            ],
            "lengths": [number_format(length) for length in lengths],
            "policies": policies,
            "chart": _build_chart(talk, questions),
            "questions": number_format(questions),
            "local": number_format(given["local"]),
            "cases": [_build_case(name, case, cloud_share) for name, case in PRESETS.items()],
            "announcement": "; ".join(f"{shown.label}: {shown.daily}" for shown in policies),
        }


def _list_messages(text: str) -> list[str]:
    return _split(text) or _read_conversation(get_page_language())


@cache
def _read_conversation(language: str) -> list[str]:
    """Return the messages of our example in a language: what a teen asks and what a tutor answers, in turn."""
    return _split((CONVERSATIONS / f"{language}.txt").read_text(encoding="utf-8"))


def _build_talk(counts: Sequence[int], questions: int) -> Talk:
    """Return a conversation with this number of questions and the average lengths of these messages.

    Notes are a person's own sentences, as in the tutor's memory, so a note is as long as a question.
    """
    asked, answered = counts[::2], counts[1::2] or [0]
    question, answer = round(sum(asked) / len(asked)), round(sum(answered) / len(answered))
    return Talk(
        question_tokens=question,
        answer_tokens=answer,
        replies=questions,
        window_tokens=MEMORY_TOKENS,
        note_tokens=question,
    )


def _choose_lengths(questions: int) -> list[int]:
    """Return the lengths of the conversation that the table shows."""
    return [*(length for length in (1, 5, 10, 20, 50) if length < questions), questions]


def count_tokens(talk: Talk, policy: MemoryPolicy, questions: int) -> int:
    """Return the tokens of the first questions of a conversation and their answers."""
    return replace(talk, memory=policy, replies=questions).count_tokens().total


def _build_policy(
    talk: Talk, policy: MemoryPolicy, *, lengths: Sequence[int], people: int, cloud_share: Decimal
) -> ShownPolicy:
    remembering = Sum(prices=BLENDED, talk=talk, frequency=1, users=people).with_memory(policy)
    tokens = remembering.talk.count_tokens()
    price = calculate_price(BLENDED, tokens)
    without = count_tokens(talk, MemoryPolicy.NONE, talk.replies)
    return ShownPolicy(
        label=str(POLICY_LABELS[policy]),
        tokens=[number_format(count_tokens(talk, policy, length), force_grouping=True) for length in lengths],
        price=format_amount(round_dollars(price)),
        daily=format_amount(round_to_cents(remembering.calculate_total() * cloud_share)),
        times=format_rounded(tokens.total / without if without else 0, places=1),
    )


def _build_chart(talk: Talk, questions: int) -> Any:
    series = [
        (
            str(policy),
            str(label),
            [count_tokens(talk, policy, question) for question in range(1, questions + 1)],
        )
        for policy, label in POLICY_LABELS.items()
    ]
    highest = max(amounts[-1] for _name, _label, amounts in series)
    return build_line_chart(series, highest=number_format(highest, force_grouping=True))


def _build_case(name: str, case: Sum, cloud_share: Decimal) -> ShownCase:
    total = case.calculate_total()
    return ShownCase(
        label=str(CASES[name]),
        tokens=number_format(case.talk.count_tokens().total, force_grouping=True),
        frequency=number_format(case.frequency, force_grouping=True),
        users=number_format(case.users, force_grouping=True),
        total=format_amount(round_to_cents(total)),
        left_to_pay=format_amount(round_to_cents(total * cloud_share)),
    )


def format_amount(amount: Decimal) -> str:
    """Format a sum of dollars with all its decimals."""
    return f"${number_format(amount, use_l10n=True, force_grouping=True)}"
