"""The tables and the chart of the costs page, and the period that its reader chose. No database access."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from budgets.amounts import MICRO, format_microdollars
from budgets.spending import MAX_DAYS, Amounts, CostPeriod, Spending, add_amounts
from desk.charts import Chart, Series, build_column_chart
from kit.memory_policy import MemoryPolicy

THIS_MONTH, LAST_MONTH, CUSTOM = "this", "last", "custom"
PERIOD_CHOICES = (
    (THIS_MONTH, gettext_lazy("This month")),
    (LAST_MONTH, gettext_lazy("Last month")),
    (CUSTOM, gettext_lazy("Other days")),
)
# More columns than this are too thin to tell apart, so months take their place.
MAX_COLUMNS = 62
# With fewer days behind it, a month's pace says nothing.
MIN_DAYS = 3


class PeriodForm(forms.Form):
    """Which days the costs page shows."""

    first = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    last = forms.DateField(
        label=gettext_lazy("To, that day included"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and first > last:
            self.add_error("last", _("Choose a day that is not before the first."))
        elif first and last and (last - first).days >= MAX_DAYS:
            self.add_error("last", _("Choose a year at most."))
        return cleaned


@dataclass(frozen=True)
class ChosenPeriod:
    """The period of a request. `form` has the errors of a custom one; then the period is this month."""

    period: CostPeriod
    choice: str
    form: PeriodForm

    @property
    def query(self) -> str:
        """The query string that leads to the same days again."""
        if self.choice == CUSTOM:
            return f"period={CUSTOM}&first={self.period.first}&last={self.period.last}"
        return f"period={self.choice}"


def choose_period(query: Mapping[str, str], *, zone: ZoneInfo, today: date) -> ChosenPeriod:
    """Return the period that a query string names: this month, unless it names another."""
    month = CostPeriod.build_month(today, zone)
    choice = query.get("period", THIS_MONTH)
    if choice == CUSTOM:
        form = PeriodForm(query, label_suffix="")
        if form.is_valid():
            period = CostPeriod(form.cleaned_data["first"], form.cleaned_data["last"], zone)
            return ChosenPeriod(period, CUSTOM, form)
        return ChosenPeriod(month, THIS_MONTH, form)
    if choice == LAST_MONTH:
        month = month.build_previous_month()
    else:
        choice = THIS_MONTH
    return ChosenPeriod(
        month, choice, PeriodForm(initial={"first": month.first, "last": month.last}, label_suffix="")
    )


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """A row of a table. `questions` is None where a row is a part of each question."""

    label: str
    questions: int | None
    tokens: int
    microdollars: int
    memory_tokens: int = 0
    share: float = 0.0

    @property
    def memory_each(self) -> float:
        """The tokens of memory that an average question carried."""
        return self.memory_tokens / self.questions if self.questions else 0.0


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """A table of the page. `key` names its CSV file."""

    key: str
    title: str
    heading: str
    rows: Sequence[CostRow]
    total: CostRow
    note: str = ""
    has_memory: bool = False

    @property
    def columns(self) -> list[str]:
        return [
            self.heading,
            _("Questions"),
            _("Tokens"),
            *([_("Memory, tokens a question")] if self.has_memory else []),
            _("Dollars"),
        ]

    def iterate_cells(self) -> Iterator[list[str]]:
        """Yield the rows of the CSV file, with plain numbers."""
        for row in [*self.rows, self.total]:
            yield [
                row.label,
                "" if row.questions is None else str(row.questions),
                str(row.tokens),
                *([f"{row.memory_each:.1f}"] if self.has_memory else []),
                f"{row.microdollars / MICRO:.6f}",
            ]


def build_row(label: str, amounts: Amounts, total: Amounts) -> CostRow:
    return CostRow(
        label=label,
        questions=amounts.calls,
        tokens=amounts.tokens,
        microdollars=amounts.microdollars,
        memory_tokens=amounts.memory_tokens,
        share=_divide(amounts.microdollars, total.microdollars)
        if total.microdollars
        else _divide(amounts.tokens, total.tokens),
    )


def _divide(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def build_tables(spending: Spending, plan_names: Mapping[int | None, str]) -> list[CostTable]:
    """Return the tables of the page. Each adds up to the same total."""
    total = spending.total
    total_row = build_row(pgettext("sum of a table", "Together"), total, total)

    def build(key: str, title: str, heading: str, rows: Iterable[CostRow], **more: Any) -> CostTable:
        return CostTable(key=key, title=title, heading=heading, rows=list(rows), total=total_row, **more)

    by_model = spending.group_by(lambda row: (row.model, row.is_local))
    by_plan = spending.group_by(lambda row: row.plan_id)
    by_memory = spending.group_by(lambda row: row.memory_policy)
    return [
        build(
            "models",
            _("By model"),
            _("Model"),
            (build_row(_label_model(*model), amounts, total) for model, amounts in by_model.items()),
        ),
        build(
            "plans",
            _("By plan"),
            _("Plan"),
            (
                build_row(plan_names.get(plan, _("deleted plan")), amounts, total)
                for plan, amounts in by_plan.items()
            ),
            note=_("The plan that a person had when they asked."),
        ),
        build(
            "directions",
            _("By direction"),
            _("Part"),
            _build_parts(total),
            note=_(
                "Memory is what is sent again of earlier questions and answers. Its cost is its share of the prompt, "
                "at the price of cached tokens where the model’s server had them."
            ),
        ),
        build(
            "memory",
            _("By memory"),
            _("What is remembered"),
            (build_row(label_memory(policy), amounts, total) for policy, amounts in by_memory.items()),
            has_memory=True,
        ),
        build(
            "days",
            _("By day"),
            _("Day"),
            (build_row(day.isoformat(), amounts, total) for day, amounts in spending.iterate_days()),
        ),
    ]


def _label_model(model: str, is_local: bool) -> str:  # noqa: FBT001 - it is one half of a group's key
    name = model or _("unknown")
    return _("%(model)s, local") % {"model": name} if is_local else name


def label_memory(policy: str) -> str:
    return str(MemoryPolicy(policy).label) if policy in MemoryPolicy.values else _("unknown")


def _build_parts(total: Amounts) -> Iterator[CostRow]:
    parts = (
        (_("Sent: instructions, lessons, the question"), total.other_prompt_tokens, total.other_prompt_microdollars),
        (_("Sent again: memory"), total.memory_tokens, total.memory_microdollars),
        (_("Written: the answer"), total.answer_tokens, total.answer_microdollars),
    )  # fmt: skip
    for label, tokens, microdollars in parts:
        share = (
            _divide(microdollars, total.microdollars) if total.microdollars else _divide(tokens, total.tokens)
        )
        yield CostRow(label=label, questions=None, tokens=tokens, microdollars=microdollars, share=share)


def build_cost_chart(spending: Spending) -> Chart:
    """Draw the cost of each day by its parts, or of each month if the period is long."""
    columns = list(_group_columns(spending))
    amounts = [each for _label, each in columns]
    total = spending.total
    if total.microdollars:
        highest = max(columns, key=lambda column: column[1].microdollars)
        description = _(
            "%(total)s in all. The highest is %(label)s with %(amount)s. Memory is %(memory)s of it all."
        ) % {
            "total": format_microdollars(total.microdollars),
            "label": highest[0],
            "amount": format_microdollars(highest[1].microdollars),
            "memory": format_microdollars(total.memory_microdollars),
        }
    else:
        description = _("Nothing was paid for in these days.")
    return build_column_chart(
        id="cost",
        title=_("Cost by day") if spending.period.days <= MAX_COLUMNS else _("Cost by month"),
        description=description,
        labels=[label for label, _each in columns],
        series=[
            Series(
                name=_("Answers"),
                style="answer",
                values=[float(each.answer_microdollars / MICRO) for each in amounts],
            ),
            Series(
                name=_("Instructions, lessons, questions"),
                style="prompt",
                values=[float(each.other_prompt_microdollars / MICRO) for each in amounts],
            ),
            Series(
                name=_("Memory"),
                style="memory",
                values=[float(each.memory_microdollars / MICRO) for each in amounts],
            ),
        ],
        format_value=_format_float,
    )


def _group_columns(spending: Spending) -> Iterator[tuple[str, Amounts]]:
    days = list(spending.iterate_days())
    if len(days) <= MAX_COLUMNS:
        for day, amounts in days:
            yield date_format(day, "MONTH_DAY_FORMAT"), amounts
        return
    for month, group in groupby(days, key=lambda item: item[0].replace(day=1)):
        yield date_format(month, "YEAR_MONTH_FORMAT"), add_amounts(amounts for _day, amounts in group)


def _format_float(value: float) -> str:
    return format_microdollars(round(value * 1_000_000))


def is_over(period: CostPeriod, today: date) -> bool:
    return period.last < today


def estimate_month(spending: Spending, today: date) -> int | None:
    """Return what a month that is not over costs at the pace of its days so far; None before its fourth day.

    Whole days only: a day that has just begun says nothing yet.
    """
    period = spending.period
    days_over = (today - period.first).days
    if is_over(period, today) or days_over < MIN_DAYS:
        return None
    over = sum(amounts.microdollars for day, amounts in spending.iterate_days() if day < today)
    return over * period.days // days_over
