"""The guide for a new organization: what is set up, what is missing, and where to do it."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from desk.access import desk_page, render_desk_page
from desk.setup import check_setup
from safeguarding.review import is_tutor_open


@require_safe
@desk_page("desk:first_run")
def first_run(request: HttpRequest) -> HttpResponseBase:
    """Make every check, and show the steps with the first open one marked."""
    results = check_setup()
    steps = [
        {
            "result": result,
            "url": result.check.find_url(),
            "is_next": result is next((one for one in results if not one.is_done), None),
        }
        for result in results
    ]
    context = {
        "steps": steps,
        "done": sum(result.is_done for result in results),
        "blocking": [result for result in results if result.keeps_closed],
        "is_tutor_open": is_tutor_open(),
        "is_demo": settings.DEMO,
    }
    return render_desk_page(request, "desk:first_run", "first_run", context)
