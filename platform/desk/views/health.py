"""Whether each part of the site answers, asked while the page is made."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from desk.access import desk_page, render_desk_page
from desk.health import ask_every_part, has_problem
from pages.health import CHECK_SECONDS


@require_safe
@desk_page("desk:health")
def health(request: HttpRequest) -> HttpResponseBase:
    """Ask every part at once, each for CHECK_SECONDS at most."""
    parts = ask_every_part()
    context = {"parts": parts, "has_problem": has_problem(parts), "seconds": round(CHECK_SECONDS)}
    return render_desk_page(request, "desk:health", "health", context)
