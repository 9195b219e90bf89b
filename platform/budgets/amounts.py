"""Amounts of money as people read them."""

from decimal import Decimal

from django.utils.formats import number_format

from budgets.pricing import round_dollars

MICRO = Decimal(1_000_000)


def format_amount(amount: Decimal) -> str:
    """Format an amount with two decimals, or with as many as a sum below a cent needs: $1,234.50, $0.0012."""
    rounded = round_dollars(amount)
    sign = "−" if rounded < 0 else ""
    places = max(2, -int(rounded.as_tuple().exponent))
    digits = number_format(abs(rounded), decimal_pos=places, use_l10n=True, force_grouping=True)
    return f"{sign}${digits}"


def format_exact_dollars(amount: Decimal) -> str:
    """Format an amount with every digit that it has, and two decimals at least: the factor of a sum."""
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"${number_format(amount, decimal_pos=places, use_l10n=True, force_grouping=True)}"


def format_microdollars(microdollars: int) -> str:
    """Format what the ledger counts in millionths of a dollar."""
    return format_amount(Decimal(microdollars) / MICRO)
