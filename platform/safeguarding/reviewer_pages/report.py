"""The yearly report: its numbers on a page, and the whole of it as CSV and PDF."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import get_person
from kit.spreadsheets import build_csv_response
from safeguarding.on_call import can_review
from safeguarding.report_files import (
    COUNTED_BY_LEVEL,
    COUNTED_IN_TOTAL,
    describe_counting,
    describe_period,
    list_csv_columns,
    list_csv_rows,
    render_report_pdf,
)
from safeguarding.reviewer_pages.access import report_required
from safeguarding.yearly_report import CARD_LEVELS, YearlyReport, list_report_years, read_report


@report_required
@require_safe
@never_cache
def report(request: HttpRequest) -> HttpResponse:
    """List the years with their numbers."""
    years = [
        {
            "report": report,
            "period": describe_period(report),
            "by_level": [
                (kind.label, [report.count(kind, level) for level in CARD_LEVELS], report.count(kind))
                for kind in COUNTED_BY_LEVEL
            ],
            "in_total": [(kind.label, report.count(kind)) for kind in COUNTED_IN_TOTAL],
        }
        for report in map(read_report, list_report_years())
    ]
    page = {
        "years": years,
        "levels": CARD_LEVELS,
        "counting": describe_counting(),
        "may_review": can_review(get_person(request)),
    }
    return render(request, "safeguarding/review/report.html", page)


@report_required
@require_safe
@never_cache
def csv(_request: HttpRequest, year: int) -> HttpResponseBase:
    """Download the report, one fact a line."""
    found = _get_report_or_404(year)
    return build_csv_response(_name_file(found), list_csv_columns(), list_csv_rows(found))


@report_required
@require_safe
@never_cache
def pdf(_request: HttpRequest, year: int) -> HttpResponse:
    """Download the report as a PDF."""
    found = _get_report_or_404(year)
    disposition = f'attachment; filename="{_name_file(found)}.pdf"'
    return HttpResponse(
        render_report_pdf(found),
        content_type="application/pdf",
        headers={"Content-Disposition": disposition},
    )


def _get_report_or_404(year: int) -> YearlyReport:
    if year not in list_report_years():
        raise Http404
    return read_report(year)


def _name_file(report: YearlyReport) -> str:
    return f"crisis-referrals-{report.year}"
