"""The calculator of the lesson *Memory versus margins*: a form that works without JavaScript, and its result.

The formulas are those of the forecast on the admin's desk (budgets.pricing).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from budgets.amounts import format_amount, format_exact_dollars
from budgets.presets import list_preset_rows
from budgets.pricing import (
    PER_MILLION,
    PER_THOUSAND,
    PRESETS,
    Sum,
    Talk,
    TokenCount,
    TokenPrices,
    calculate_price,
)
from kit.memory_policy import MemoryPolicy

FIRST_PRESET = "thread"
# What the lesson calls the kinds of memory.
MEMORY_NAMES = {
    MemoryPolicy.NONE: gettext_lazy("nothing"),
    MemoryPolicy.WINDOW: gettext_lazy("the latest messages"),
    MemoryPolicy.NOTES: gettext_lazy("the latest messages, and a short note of each earlier one"),
    MemoryPolicy.FULL: gettext_lazy("everything, sent again each time"),
}
# A note of an earlier question and answer is this long.
NOTE_TOKENS = 15


def _number(label: Any, *, top: int, slider: int, places: int = 0, step: str = "") -> forms.DecimalField:
    attributes = {
        "step": step or str(Decimal(1).scaleb(-places)),
        "data-slider": str(slider),
        "inputmode": "decimal",
    }
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_value=top,
        decimal_places=places,
        widget=forms.NumberInput(attrs=attributes),
    )


class CalculatorForm(forms.Form):
    """The four numbers, and what is remembered."""

    question = _number(gettext_lazy("Tokens of a question"), top=1_000_000, slider=500)
    answer = _number(gettext_lazy("Tokens of an answer"), top=1_000_000, slider=1000)
    replies = _number(gettext_lazy("Answers in one conversation"), top=10_000, slider=100)
    memory = forms.ChoiceField(label=gettext_lazy("What it remembers"), choices=MEMORY_NAMES)
    window = _number(gettext_lazy("Tokens of the latest messages, at most"), top=10_000_000, slider=4000)
    fixed = _number(gettext_lazy("Tokens sent with each question besides"), top=10_000_000, slider=4000)
    frequency = _number(gettext_lazy("Conversations for each person"), top=10_000_000, slider=10_000)
    users = _number(gettext_lazy("People"), top=10_000_000_000, slider=1_000_000)
    input_price = _number(
        gettext_lazy("Price of 1,000 tokens that are sent, in dollars"),
        top=1000,
        slider=1,
        places=6,
        step="0.001",
    )
    output_price = _number(
        gettext_lazy("Price of 1,000 tokens that are written, in dollars"), top=1000, slider=1, places=6, step="0.001"
    )  # fmt: skip

    def read_sum(self) -> Sum:
        """Return the sum that a valid form asks for."""
        typed = self.cleaned_data
        return Sum(
            prices=TokenPrices.build_from_thousand(typed["input_price"], typed["output_price"]),
            talk=Talk(
                question_tokens=int(typed["question"]),
                answer_tokens=int(typed["answer"]),
                replies=int(typed["replies"]),
                fixed_tokens=int(typed["fixed"]),
                memory=MemoryPolicy(typed["memory"]),
                window_tokens=int(typed["window"]),
                note_tokens=NOTE_TOKENS,
            ),
            frequency=int(typed["frequency"]),
            users=int(typed["users"]),
        )


# The fields that most readers change come first; the others are in a fold.
MAIN_FIELDS = ("question", "answer", "replies", "memory", "frequency", "users")
USUAL_WINDOW = 1000


def build_fields(asked: Sum) -> dict[str, Any]:
    """Return a sum as the form's fields show it."""
    talk = asked.talk
    return {
        "question": talk.question_tokens,
        "answer": talk.answer_tokens,
        "replies": talk.replies,
        "memory": talk.memory.value,
        "window": talk.window_tokens or USUAL_WINDOW,
        "fixed": talk.fixed_tokens,
        "frequency": asked.frequency,
        "users": asked.users,
        "input_price": _format_plain(asked.prices.input * PER_THOUSAND / PER_MILLION),
        "output_price": _format_plain(asked.prices.output * PER_THOUSAND / PER_MILLION),
    }


def _format_plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


@dataclass(frozen=True, kw_only=True)
class MemoryRow:
    """What the same conversation costs if it remembers in this way. `share` is of the dearest."""

    name: str
    tokens: int
    total: str
    share: Decimal
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class CalculatorResult:
    """A sum and its steps."""

    tokens: TokenCount
    talk_price: str
    total: str
    frequency: int
    users: int
    memories: list[MemoryRow]


def calculate(asked: Sum) -> CalculatorResult:
    tokens = asked.talk.count_tokens()
    return CalculatorResult(
        tokens=tokens,
        talk_price=format_exact_dollars(calculate_price(asked.prices, tokens)),
        total=format_amount(asked.calculate_total()),
        frequency=asked.frequency,
        users=asked.users,
        memories=_compare_memories(asked),
    )


def _compare_memories(asked: Sum) -> list[MemoryRow]:
    windowed = replace(asked, talk=replace(asked.talk, note_tokens=NOTE_TOKENS))
    if not windowed.talk.window_tokens:
        windowed = replace(windowed, talk=replace(windowed.talk, window_tokens=USUAL_WINDOW))
    sums = {memory: windowed.with_memory(memory) for memory in MEMORY_NAMES}
    counts = {memory: each.talk.count_tokens().total for memory, each in sums.items()}
    most = max(counts.values()) or 1
    return [
        MemoryRow(
            name=str(MEMORY_NAMES[memory]),
            tokens=counts[memory],
            total=format_amount(each.calculate_total()),
            share=Decimal(counts[memory]) / most,
            is_chosen=memory == asked.talk.memory,
        )
        for memory, each in sums.items()
    ]


def build_calculator(query: Mapping[str, str]) -> dict[str, Any]:
    """Return what the calculator's template shows for a query string: a preset, typed numbers, or neither.

    A number that was left out is the first preset's.
    """
    preset = PRESETS.get(query.get("preset", ""))
    first = build_fields(preset or PRESETS[FIRST_PRESET])
    typed = {name: value for name, value in query.items() if name in CalculatorForm.base_fields}
    form = CalculatorForm({**first, **typed}, label_suffix="")
    asked = form.read_sum() if form.is_valid() else None
    return {
        "form": form,
        "main_fields": [form[name] for name in MAIN_FIELDS],
        "more_fields": [field for field in form if field.name not in MAIN_FIELDS],
        "result": calculate(asked) if asked else None,
    }


@require_safe
def calculator(request: HttpRequest) -> HttpResponse:
    """Show the calculator on a page of its own, which its form leads to where there is no JavaScript."""
    page = build_calculator(request.GET.dict()) | {"presets": list(list_preset_rows())}
    status = 200 if page["result"] else 422
    response = render(request, "courses/calculator.html", page, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
