"""Which days the costs page shows, and what its tables add up to."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from budgets.spending import Amounts, CostPeriod, Spending, SpendingRow, add_amounts
from desk.costs import (
    CUSTOM,
    LAST_MONTH,
    THIS_MONTH,
    build_cost_chart,
    build_tables,
    choose_period,
    estimate_month,
)

ZONE = ZoneInfo("America/Los_Angeles")
TODAY = date(2026, 11, 20)
PLANS = {None: "Free", 7: "Pro"}


def build_row(day: date, **fields: object) -> SpendingRow:
    return SpendingRow(
        **{  # type: ignore[arg-type]
            "day": day,
            "model": "large",
            "is_local": False,
            "plan_id": None,
            "memory_policy": "notes",
            "is_absorbed": False,
            "calls": 2,
            "tokens": 900,
            "prompt_tokens": 600,
            "memory_tokens": 200,
            "microdollars": 3_000_000,
            "prompt_microdollars": 1_000_000,
            "memory_microdollars": 400_000,
            **fields,
        }
    )


def build_spending(*rows: SpendingRow, period: CostPeriod | None = None) -> Spending:
    return Spending(period or CostPeriod.build_month(TODAY, ZONE), rows, people=1)


class TestThePeriod:
    def test_is_this_month_where_nothing_else_is_asked_for(self) -> None:
        for query in ({}, {"period": "this"}, {"period": "a decade"}):
            chosen = choose_period(query, zone=ZONE, today=TODAY)
            assert (chosen.choice, chosen.period) == (THIS_MONTH, CostPeriod.build_month(TODAY, ZONE))

    def test_may_be_last_month(self) -> None:
        chosen = choose_period({"period": "last"}, zone=ZONE, today=TODAY)
        assert (chosen.choice, chosen.period.first) == (LAST_MONTH, date(2026, 10, 1))

    def test_may_be_any_days_up_to_a_year(self) -> None:
        query = {"period": "custom", "first": "2025-11-20", "last": "2026-11-20"}
        chosen = choose_period(query, zone=ZONE, today=TODAY)
        assert (chosen.choice, chosen.period.days) == (CUSTOM, 366)
        again = dict(part.split("=") for part in chosen.query.split("&"))
        assert choose_period(again, zone=ZONE, today=TODAY).period == chosen.period

    @pytest.mark.parametrize(
        ("first", "last", "field"),
        [
            ("2026-11-05", "2026-11-04", "last"),
            ("2025-11-19", "2026-11-20", "last"),
            ("yesterday", "2026-11-04", "first"),
            ("2026-11-05", "", "last"),
        ],
    )
    def test_that_cannot_be_is_explained_beside_this_month(self, first: str, last: str, field: str) -> None:
        chosen = choose_period({"period": "custom", "first": first, "last": last}, zone=ZONE, today=TODAY)
        assert chosen.form.errors[field]
        assert chosen.choice == THIS_MONTH


class TestTheTables:
    SPENDING = build_spending(
        build_row(TODAY),
        build_row(TODAY, model="small", is_local=True, microdollars=0, prompt_microdollars=0, memory_microdollars=0),
        build_row(TODAY - timedelta(days=2), plan_id=7, memory_policy="full"),
    )  # fmt: skip

    @pytest.mark.parametrize("place", range(5))
    def test_each_add_up_to_the_total(self, place: int) -> None:
        table = build_tables(self.SPENDING, PLANS)[place]
        total = self.SPENDING.total
        assert sum(row.microdollars for row in table.rows) == total.microdollars == table.total.microdollars
        assert sum(row.tokens for row in table.rows) == total.tokens
        assert sum(row.share for row in table.rows) == pytest.approx(1)

    def test_are_by_model_plan_direction_memory_and_day(self) -> None:
        tables = {table.key: table for table in build_tables(self.SPENDING, PLANS)}
        assert [row.label for row in tables["models"].rows] == ["large", "small, local"]
        assert [row.label for row in tables["plans"].rows] == ["Free", "Pro"]
        assert [row.microdollars for row in tables["directions"].rows] == [1_200_000, 800_000, 4_000_000]
        assert [round(row.memory_each) for row in tables["memory"].rows] == [100, 100]
        assert len(tables["days"].rows) == 30

    def test_compare_tokens_where_nothing_cost_anything(self) -> None:
        free = {"microdollars": 0, "prompt_microdollars": 0, "memory_microdollars": 0}
        spending = build_spending(
            build_row(TODAY, tokens=300, prompt_tokens=200, memory_tokens=0, **free),
            build_row(TODAY, tokens=100, prompt_tokens=50, memory_tokens=0, model="x", **free),
        )
        assert [row.share for row in build_tables(spending, PLANS)[0].rows] == [0.75, 0.25]

    def test_have_plain_numbers_in_their_files(self) -> None:
        directions = next(table for table in build_tables(self.SPENDING, PLANS) if table.key == "directions")
        assert list(directions.iterate_cells())[-1] == ["Together", "6", "2700", "6.000000"]

    def test_name_what_is_not_known(self) -> None:
        spending = build_spending(build_row(TODAY, model="", memory_policy="", plan_id=99))
        labels = {table.key: table.rows[0].label for table in build_tables(spending, PLANS)}
        assert labels["models"] == "unknown"
        assert labels["memory"] == "unknown"
        assert labels["plans"] == "deleted plan"


class TestTheChart:
    def test_has_a_column_of_three_parts_for_each_day(self) -> None:
        chart = build_cost_chart(build_spending(build_row(TODAY)))
        assert len(chart.labels) == 30
        assert [sum(series.values) for series in chart.series] == [2.0, 0.6, 0.4]
        assert chart.description == (
            "$3.00 in all. The highest is November 20 with $3.00. Memory is $0.40 of it all."
        )

    def test_has_a_column_for_each_month_of_a_long_period(self) -> None:
        year = CostPeriod(date(2025, 12, 1), date(2026, 11, 30), ZONE)
        chart = build_cost_chart(build_spending(build_row(TODAY), period=year))
        assert (chart.title, len(chart.labels)) == ("Cost by month", 12)
        assert chart.labels[-1] == "November 2026"

    def test_is_in_the_readers_language(self) -> None:
        with translation.override("es"):
            assert "noviembre" in build_cost_chart(build_spending(build_row(TODAY))).labels[0].lower()


class TestTheEstimate:
    def test_extends_the_days_that_are_over(self) -> None:
        rows = [build_row(date(2026, 11, day), microdollars=19) for day in range(1, 20)]
        # The busy day that has just begun does not count.
        spending = build_spending(*rows, build_row(TODAY, microdollars=9999))
        assert estimate_month(spending, TODAY) == 19 * 30

    def test_needs_three_days(self) -> None:
        rows = build_spending(build_row(date(2026, 11, 1)))
        assert estimate_month(rows, date(2026, 11, 3)) is None
        assert estimate_month(rows, date(2026, 11, 4)) == 30_000_000

    def test_is_not_made_of_a_month_that_is_over(self) -> None:
        assert estimate_month(build_spending(build_row(TODAY)), date(2026, 12, 1)) is None


def test_amounts_add_up_by_part() -> None:
    both = add_amounts([build_row(TODAY), build_row(TODAY)])
    assert both == Amounts(
        calls=4, tokens=1800, prompt_tokens=1200, memory_tokens=400, microdollars=6_000_000,
        prompt_microdollars=2_000_000, memory_microdollars=800_000,
    )  # fmt: skip
    assert (both.answer_tokens, both.other_prompt_tokens) == (600, 800)
