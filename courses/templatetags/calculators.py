"""The calculator of what answers cost, inside a lesson."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import number_format

from budgets.amounts import format_amount
from courses.calculator import build_calculator

register = template.Library()


@register.inclusion_tag("courses/calculator_form.html")
def calculator() -> dict[str, Any]:
    """Show the calculator with the numbers of its first preset."""
    return build_calculator({})


@register.filter
def whole(number: int) -> str:
    """Format a whole number with separators."""
    return str(number_format(number, use_l10n=True, force_grouping=True))


@register.filter
def money(amount: Decimal) -> str:
    """Format an amount in dollars."""
    return format_amount(amount)


@register.filter
def bar_width(share: Decimal) -> str:
    """Return a share as the width of a bar in a drawing that is 100 wide."""
    return f"{share * 100:.1f}"
