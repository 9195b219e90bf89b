"""Money as admins read and type it: dollars with two decimals, stored as whole micro-dollars."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

MICRODOLLARS = 1_000_000
CENT = MICRODOLLARS // 100
PLACES = 6
# What a 64-bit column holds, in dollars.
MAX_DOLLARS = Decimal(2**63 - 1) / MICRODOLLARS
WHOLE = re.compile(r"[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:,[0-9]{3})+")
# A spreadsheet's amounts look like those of a form.
IGNORED = re.compile(r"[\s$\u00a0\u202f]|US\$|USD", re.IGNORECASE)


def format_dollars(microdollars: int) -> str:
    """Format an amount for reading: $1,234.50. A part of a cent is not rounded to nothing: less than $0.01."""
    sign, amount = ("-" if microdollars < 0 else ""), abs(microdollars)
    if 0 < amount < CENT:
        return f"{sign}<{_format(Decimal('0.01'), 2)}"
    # Half a cent and more is a cent. In whole numbers, so that every amount is exact.
    return f"{sign}{_format(Decimal((amount + CENT // 2) // CENT) / 100, 2)}"


def _format(dollars: Decimal, places: int) -> str:
    return f"${number_format(dollars, decimal_pos=places, use_l10n=True, force_grouping=True)}"


def format_input(microdollars: int) -> str:
    """Format an amount for a field: two decimals, and more only if it has parts of a cent. Reading it gives it back."""
    whole, _point, part = f"{Decimal(microdollars) / MICRODOLLARS:.{PLACES}f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def parse_dollars(text: str) -> int:
    """Read an amount of dollars as micro-dollars, exactly. Both 1,234.50 and 1.234,50 are read; 1,500 is a thousand.

    Raises ValidationError for what is no amount, and for more than six decimals.
    """
    whole, part = _split_amount(IGNORED.sub("", text))
    if not WHOLE.fullmatch(whole) or not re.fullmatch(r"[0-9]*", part):
        raise ValidationError(_("Write an amount in dollars, such as 12.50."), code="invalid")
    if len(part) > PLACES:
        raise ValidationError(_("Write at most six decimals."), code="invalid")
    amount = Decimal(f"{re.sub(r'[.,]', '', whole)}.{part or 0}")
    if amount > MAX_DOLLARS:
        raise ValidationError(_("That is more than can be stored."), code="max_value")
    return int(amount * MICRODOLLARS)


def _split_amount(digits: str) -> tuple[str, str]:
    """Return what is before and after the decimal separator: one that occurs once, and last."""
    separators = re.findall(r"[.,]", digits)
    if not separators or separators.count(separators[-1]) > 1:
        return digits, ""
    whole, point, part = digits.rpartition(separators[-1])
    if len(separators) == 1 and point == "," and len(part) == 3:  # noqa: PLR2004 - a group of thousands
        return digits, ""
    return whole, part


class DollarsField(forms.CharField):
    """A field for dollars. Its value is in micro-dollars: an int, or None if it is empty."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "dollars-field"})

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        text = "" if value is None else str(value).strip()
        return parse_dollars(text) if text else None

    def prepare_value(self, value: Any) -> Any:
        """Show a stored amount in dollars. What was typed is shown as it was typed."""
        return format_input(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True
