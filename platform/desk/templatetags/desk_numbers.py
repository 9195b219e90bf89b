"""Numbers on the desk: money, whole numbers, shares, charts."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import number_format

from budgets.amounts import format_amount, format_microdollars

register = template.Library()


@register.filter
def dollars(microdollars: int) -> str:
    """Format what the ledger counts in millionths of a dollar: $1,234.50."""
    return format_microdollars(microdollars)


@register.filter
def money(amount: Decimal | float) -> str:
    """Format an amount in dollars."""
    return format_amount(Decimal(str(amount)))


@register.filter
def whole(number: Decimal | float) -> str:
    """Format a number without decimals, with separators."""
    return str(number_format(round(number), use_l10n=True, force_grouping=True))


@register.filter
def percent(share: Decimal | float) -> str:
    """Format a share between 0 and 1."""
    return f"{number_format(round(Decimal(share) * 100, 1), decimal_pos=1, use_l10n=True)}%"


@register.inclusion_tag("admin/desk/bar.html")
def bar(share: Decimal | float) -> dict[str, Any]:
    """Draw a bar of a table's row. The number is beside it, so a reader of the page does not need the bar."""
    return {"width": round(max(0.0, min(1.0, float(share))) * 100, 1)}
