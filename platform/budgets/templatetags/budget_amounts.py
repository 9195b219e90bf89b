"""Amounts of budgets in templates for admins."""

from datetime import datetime

from django import template

from budgets.alerts import describe_alert
from budgets.burn_down import BurnDown
from budgets.dollars import format_dollars
from budgets.formatting import format_amounts, format_count, format_moment
from budgets.models import Grant
from budgets.until import format_until

register = template.Library()
register.filter("dollars", format_dollars)
register.filter("count", format_count)
register.filter("alert_text", describe_alert)


@register.filter
def moment(at: datetime) -> str:
    """Format a time with its weekday, in the active time zone."""
    return format_moment(at)


@register.filter
def until(at: datetime) -> str:
    """Say until when a grant lasts."""
    return format_until(at)


@register.filter
def grant_amounts(grant: Grant) -> str:
    """Format what a grant gave."""
    return format_amounts({"tokens": grant.tokens or None, "microdollars": grant.microdollars or None})


@register.filter
def chart_amount(amount: int, chart: BurnDown) -> str:
    """Format an amount in a chart's unit."""
    return format_count(amount) if chart.unit == "tokens" else format_dollars(amount)
