"""The cases of the lesson *Memory versus margins*, as rows of a table with their names."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext_lazy

from budgets.pricing import PER_MILLION, PER_THOUSAND, PRESETS

PRESET_NAMES = {
    "basic": gettext_lazy("basic"),
    "email": gettext_lazy("email, no memory"),
    "thread": gettext_lazy("email, the thread is sent again"),
    "message": gettext_lazy("chatbot, one message"),
    "short": gettext_lazy("chatbot, short memory"),
    "context": gettext_lazy("chatbot, all that it can read"),
    "device": gettext_lazy("on your own machine"),
}


@dataclass(frozen=True, kw_only=True)
class PresetRow:
    """A row of the lesson's table."""

    key: str
    name: str
    price: Decimal
    tokens: int
    frequency: int
    users: int
    total: Decimal


def list_preset_rows() -> Iterator[PresetRow]:
    for key, preset in PRESETS.items():
        yield PresetRow(
            key=key,
            name=str(PRESET_NAMES[key]),
            price=preset.prices.input * PER_THOUSAND / PER_MILLION,
            tokens=preset.talk.count_tokens().total,
            frequency=preset.frequency,
            users=preset.users,
            total=preset.calculate_total(),
        )
