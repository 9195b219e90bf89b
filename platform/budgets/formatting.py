"""Texts for admins about budgets: amounts, what a change does, and what was changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from budgets.allowances import LimitEffect
from budgets.calendar import PeriodLength
from budgets.costs import UNITS, Unit
from budgets.dollars import format_dollars
from budgets.models import BudgetChange, ChangeKind, StopReason
from budgets.until import format_day, format_until
from kit.memory_policy import MemoryPolicy

type Amounts = Mapping[Unit, int | None]


def format_count(count: int) -> str:
    return number_format(count, force_grouping=True)


def format_tokens(count: int) -> str:
    return ngettext("%(count)s token", "%(count)s tokens", count) % {"count": format_count(count)}


def format_amounts(amounts: Amounts) -> str:
    """Format what is limited: “8,200 tokens and $1.20”, or “no limit”."""
    parts = []
    if amounts.get("tokens") is not None:
        parts.append(format_tokens(amounts["tokens"] or 0))
    if amounts.get("microdollars") is not None:
        parts.append(format_dollars(amounts["microdollars"] or 0))
    if not parts:
        return _("no limit")
    return _(" and ").join(parts)


def format_allowance(amounts: Amounts, length: PeriodLength) -> str:
    """Format an allowance: “20,000 tokens a day”."""
    if amounts.get("tokens") is None and amounts.get("microdollars") is None:
        return _("no limit")
    texts = {
        PeriodLength.DAY: _("%(amounts)s a day"),
        PeriodLength.WEEK: _("%(amounts)s a week"),
        PeriodLength.MONTH: _("%(amounts)s a month"),
    }
    return texts[length] % {"amounts": format_amounts(amounts)}


def format_moment(moment: datetime) -> str:
    """Format a time with its weekday in the active time zone: “Sun, Dec. 6, 2026, 7 a.m.”."""
    local = timezone.localtime(moment)
    return _("%(day)s, %(time)s") % {
        "day": format_day(local.date()),
        "time": date_format(local, "TIME_FORMAT"),
    }


def format_effect(effect: LimitEffect) -> list[str]:
    """Say in sentences what a change of limits does, before it is made."""
    sentences = [
        _("Left now: %(amounts)s.") % {"amounts": format_amounts(effect.left_before)},
        _("Left right after the change, until %(when)s: %(amounts)s.")
        % {"when": format_moment(effect.ends_at), "amounts": format_amounts(effect.left_after)},
    ]
    if any(effect.used.values()):
        sentences.append(
            _("What was used in this period counts: %(amounts)s.") % {"amounts": format_amounts(effect.used)}
        )
    if effect.is_part:
        sentences.append(
            _("This is only the part for the time until then, so it gets smaller as time goes on.")
        )
    sentences.append(
        _("From then on: %(allowance)s.")
        % {"allowance": format_allowance(effect.allowance, effect.period_length)}
    )
    return sentences


FIELD_NAMES = {
    "plan": gettext_lazy("plan"),
    "name": gettext_lazy("name"),
    "tokens": gettext_lazy("tokens"),
    "microdollars": gettext_lazy("dollars"),
    "period_length": gettext_lazy("period"),
    "time_zone": gettext_lazy("time zone"),
    "daily_cap": gettext_lazy("daily limit, in tokens"),
    "answer_tokens": gettext_lazy("answer limit, in tokens"),
    "answers_per_hour": gettext_lazy("answers an hour before answers get shorter"),
    "memory_policy": gettext_lazy("memory"),
    "memory_tokens": gettext_lazy("memory, in tokens"),
    "models": gettext_lazy("models"),
}
NO_LIMIT = {"tokens", "microdollars", "daily_cap", "answer_tokens", "answers_per_hour"}


def describe_change(change: BudgetChange) -> str:
    """Say in plain words what was changed, with the values before and after."""
    match change.kind:
        case ChangeKind.GRANT:
            expires_at = parse_datetime(change.after["expires_at"])
            given: Amounts = {unit: change.after[unit] or None for unit in UNITS}
            return _("Gave %(amounts)s until %(until)s.") % {
                "amounts": format_amounts(given),
                "until": format_until(expires_at) if expires_at else "–",
            }
        case ChangeKind.STOP:
            reason = StopReason(change.after["reason"]).label
            return _("Stopped the tutor on the whole site. Reason: %(reason)s") % {"reason": reason}
        case ChangeKind.START:
            return _("Let the tutor answer again.")
    if change.kind == ChangeKind.PLAN and not change.before:
        return _("Created the plan: %(values)s.") % {"values": _list_values(change.after)}
    changes = [
        _("%(field)s: %(before)s → %(after)s")
        % {
            "field": FIELD_NAMES.get(name, name),
            "before": _format_value(name, change.before.get(name)),
            "after": _format_value(name, value),
        }
        for name, value in change.after.items()
    ]
    return "; ".join(changes)


def _list_values(values: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{FIELD_NAMES.get(name, name)}: {_format_value(name, value)}" for name, value in values.items()
    )


def _format_value(name: str, value: Any) -> str:
    if name == "models" and not value:
        return _("every model")
    if value in (None, ""):
        return _("no limit") if name in NO_LIMIT else _("none")
    match name:
        case "microdollars":
            return format_dollars(value)
        case "period_length":
            return str(PeriodLength(value).label)
        case "memory_policy":
            return str(MemoryPolicy(value).label)
    return format_count(value) if isinstance(value, int) else str(value)
