"""What a parent sees of a teen's conversations: the page, and the look that is written down before it is shown."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import person_of, sign_in_required
from chat.models import Turn
from chat.parents.looking import overview, turn_in_view
from chat.web.pages import turns_shown_on_page
from chat.web.views import HtmxRequest
from families.looks import look_take
from families.models import Link
from families.selectors import link_to_teen
from inference.place import runs_at_home
from kit.found import or_404
from kit.visits import is_fetched_ahead, is_visit


@sign_in_required
@require_safe
@never_cache
def look(request: HtmxRequest, link_id: UUID) -> HttpResponse:
    """A parent looks at what was agreed. The look is written down before anything is shown.

    To whatever is not a visit, such as HEAD or a browser that fetches ahead, nothing is shown and no look written down.
    """
    with or_404(Link.DoesNotExist):
        link = link_to_teen(person_of(request), link_id)
    if not is_visit(request):
        # A browser keeps no page that it fetched ahead of time with a status such as this.
        return HttpResponse(status=403 if is_fetched_ahead(request) else 200)
    before = None
    if "before" in request.GET:
        try:
            before = turn_in_view(link, request.GET["before"])
        except Turn.DoesNotExist:
            # It is gone, too old by now, or no longer in the agreed view.
            return redirect("chat:look", link.pk)
    with or_404(Link.DoesNotExist):
        sight = look_take(link=link)
    seen = overview(link, sight, before)
    page = {
        "link": link,
        "sight": sight,
        "words_since": sight.words_since,
        "overview": seen,
        "is_first": before is None,
    }
    turns = turns_shown_on_page(seen.turns)
    page |= {
        "is_first": before is None,
        "turns": turns,
        "runs_at_home": runs_at_home(),
        "person": person_of(request),
    }
    return render(request, "chat/look.html", page)
