from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from courses.briefings.selectors import briefings_shown, years_shown
from courses.library.pages import with_sources


@require_safe
def archive(request: HttpRequest, year: int | None = None) -> HttpResponse:
    """The briefings of one year, newest first; of the newest year when none is named."""
    years = years_shown()
    if year is not None and year not in years:
        raise Http404
    shown = year or next(iter(years), None)
    page = {
        "year": shown,
        "years": years,
        "briefings": briefings_shown().filter(date__year=shown) if shown else [],
    }
    return render(request, "briefings/archive.html", page)


@require_safe
def briefing(request: HttpRequest, briefing: str) -> HttpResponse:
    found = get_object_or_404(briefings_shown(), slug=briefing)
    page = {"briefing": found, "sections": with_sources(found.sections, found.sources)}
    return render(request, "briefings/briefing.html", page)
