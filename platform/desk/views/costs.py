"""What the tutor has cost: by day, model, plan, direction and memory."""

from datetime import date

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import get_person
from budgets.selectors import find_latest_audit, list_plan_names
from budgets.spending import Spending, read_spending
from desk.access import desk_page, render_desk_page
from desk.costs import (
    PERIOD_CHOICES,
    ChosenPeriod,
    CostTable,
    build_cost_chart,
    build_tables,
    choose_period,
    estimate_month,
)
from kit.spreadsheets import build_csv_response


@require_safe
@desk_page("desk:costs")
def costs(request: HttpRequest) -> HttpResponseBase:
    """Show the costs of a period of whole days in the admin's own time zone."""
    chosen = _choose_period(request)
    spending = read_spending(chosen.period)
    total, before = spending.total, read_spending(chosen.period.build_previous_month()).total
    context = {
        "chosen": chosen,
        "choices": PERIOD_CHOICES,
        "total": total,
        "before": before,
        "people": spending.people,
        "local_share": spending.sum_where(lambda row: row.is_local).calls / total.calls if total.calls else 0,
        "absorbed": spending.sum_where(lambda row: row.is_absorbed),
        "per_question": total.microdollars // total.calls if total.calls else 0,
        "estimate": estimate_month(spending, _get_today(request)) if chosen.choice == "this" else None,
        "chart": build_cost_chart(spending),
        "tables": _build_tables(spending),
        "audit": find_latest_audit(),
    }
    status = 422 if chosen.form.errors else 200
    return render_desk_page(request, "desk:costs", "costs", context, status=status)


@require_safe
@desk_page("desk:costs")
def costs_csv(request: HttpRequest, table: str) -> HttpResponseBase:
    """Download a table of the page. 404 for an unknown one."""
    chosen = _choose_period(request)
    for each in _build_tables(read_spending(chosen.period)):
        if each.key == table:
            name = f"costs-by-{table}-{chosen.period.first}-{chosen.period.last}"
            return build_csv_response(name, each.columns, each.iterate_cells())
    raise Http404


def _choose_period(request: HttpRequest) -> ChosenPeriod:
    zone = get_person(request).zone
    return choose_period(request.GET.dict(), zone=zone, today=_get_today(request))


def _get_today(request: HttpRequest) -> date:
    return timezone.now().astimezone(get_person(request).zone).date()


def _build_tables(spending: Spending) -> list[CostTable]:
    return build_tables(spending, list_plan_names())
