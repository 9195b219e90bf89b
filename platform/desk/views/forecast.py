"""What next month may cost, and what would change it most."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import get_person
from budgets.forecasting import ExpectedUse, expect_use
from budgets.forecasts import (
    History,
    build_scenario,
    list_forecast_results,
    read_history,
)
from budgets.presets import list_preset_rows
from budgets.pricing import Talk, TokenPrices
from budgets.selectors import find_plan
from budgets.spending import CostPeriod
from desk.access import desk_page, render_desk_page
from desk.forecast import (
    ForecastForm,
    MonthForecast,
    build_form,
    build_lever_rows,
    build_month,
    build_talk,
    build_weeks_chart,
    measure_memories,
)
from kit.spreadsheets import build_csv_response
from routing.registry import list_models

MICRODOLLARS = 1_000_000
# This month's forecast so far, and last month's beside what happened.
SHOWN_MONTHS = 2
MAX_FILE_MONTHS = 60


@require_safe
@desk_page("desk:forecast")
def forecast(request: HttpRequest) -> HttpResponseBase:
    """Show the next calendar month in the admin's own time zone."""
    made = _make(request)
    context = {
        "made": made,
        "month": made.result,
        "form": made.form,
        "levers": build_lever_rows(made.result.levers),
        "presets": list(list_preset_rows()),
        "chart": build_weeks_chart(made.history),
        "results": list_forecast_results(limit=SHOWN_MONTHS),
    }
    return render_desk_page(
        request, "desk:forecast", "forecast", context, status=422 if made.form.errors else 200
    )


@require_safe
@desk_page("desk:forecast")
def forecast_csv(request: HttpRequest, file: str) -> HttpResponseBase:
    """Download a table of the page. 404 for an unknown one."""
    if file == "levers":
        columns = [_("Factor"), _("Change"), _("Dollars"), _("Difference")]
        return build_csv_response("forecast-levers", columns, _iterate_levers(_make(request).result))
    if file == "weeks":
        chart = build_weeks_chart(_make(request).history)
        rows = [[label, f"{values[0]:.6f}"] for label, values in chart.table] if chart else []
        return build_csv_response("forecast-weeks", [_("Week from"), _("Dollars")], rows)
    if file == "months":
        columns = [_("Month"), _("Forecast"), _("Low"), _("High"), _("What it cost")]
        return build_csv_response("forecast-months", columns, _iterate_months())
    raise Http404


@dataclass(frozen=True, kw_only=True)
class MadeForecast:
    """A forecast with what it was made from."""

    period: CostPeriod
    history: History
    expected: ExpectedUse
    form: ForecastForm
    result: MonthForecast
    talk: Talk


def _make(request: HttpRequest) -> MadeForecast:
    zone = get_person(request).zone
    today = timezone.now().astimezone(zone).date()
    this_month = CostPeriod.build_month(today, zone)
    period = CostPeriod.build_month(this_month.last + timedelta(days=1), zone)
    history = read_history(before=today, zone=zone)
    expected = expect_use(history.days, period.list_days())
    talk = build_talk(history, window_tokens=find_plan(None).memory_tokens)
    sizes = measure_memories(history, talk)
    base = build_scenario(history, expected, _list_prices())
    form = build_form(request.GET.dict(), base, sizes)
    return MadeForecast(
        period=period,
        history=history,
        expected=expected,
        form=form,
        result=build_month(form, base, expected, sizes, is_preset="preset" in request.GET),
        talk=talk,
    )


def _list_prices() -> TokenPrices:
    """Return the prices of the first outside model that may answer; zero without one."""
    outside = next((model for model in list_models() if not model.is_local), None)
    if outside is None:
        return TokenPrices(Decimal(0), Decimal(0))
    return TokenPrices(
        Decimal(outside.input_price) / MICRODOLLARS, Decimal(outside.output_price) / MICRODOLLARS
    )


def _iterate_levers(result: MonthForecast) -> Iterator[list[str]]:
    for row in build_lever_rows(result.levers):
        yield [row.factor, row.change, f"{row.dollars:.6f}", f"{row.difference:.6f}"]


def _iterate_months() -> Iterator[list[str]]:
    for each in list_forecast_results(limit=MAX_FILE_MONTHS):
        made = each.forecast
        amounts = (made.microdollars, made.low_microdollars, made.high_microdollars, each.microdollars)
        yield [f"{each.month.first:%Y-%m}", *(f"{amount / MICRODOLLARS:.6f}" for amount in amounts)]
