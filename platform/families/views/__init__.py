"""The family page and its notices."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Role
from families.cooling_off import find_cooling_off_end
from families.family_deletion import get_due_time, list_family_deletions
from families.models import Invitation
from families.next_steps import find_step_for_page
from families.notices import mark_notices_seen
from families.selectors import list_invitations_to, list_links, list_notices
from kit.paging import paginate
from kit.visits import is_visit

# On the family page, and on the page of all notices.
NOTICES_SHOWN = 20
NOTICES_PER_PAGE = 50


@sign_in_required
@require_safe
def family(request: HttpRequest) -> HttpResponse:
    """Show a person's family. Opening the page marks the notices as seen."""
    person = get_person(request)
    links = list(list_links(person))
    page: dict[str, Any] = {
        "person": person,
        "step": find_step_for_page(request),
        "links": [(link, link.teen if link.parent == person else link.parent) for link in links],
        "is_parent": person.role == Role.PARENT,
        "is_teen": person.role == Role.TEEN,
        "closed_until": find_cooling_off_end(person) if person.role == Role.TEEN else None,
        "family_deletions": [
            (deletion.parent, outcome, get_due_time(deletion))
            for deletion, outcome in list_family_deletions(person)
        ]
        if person.role == Role.TEEN
        else [],
        "invited_by": list(list_invitations_to(person)) if person.email else [],
        "invitations": Invitation.objects.filter(by=person).order_by("-created_at"),
        "listed": paginate(list_notices(person), by="at", size=NOTICES_SHOWN),
    }
    if is_visit(request) and any(notice.seen_at is None for notice in page["listed"].rows):
        mark_notices_seen(person=person)
    return render(request, "families/family.html", page)


@sign_in_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Show all notices, page by page."""
    person, cursor = get_person(request), request.GET.get("before", "")
    listed = paginate(list_notices(person), by="at", size=NOTICES_PER_PAGE, cursor=cursor)
    page = {"person": person, "listed": listed, "is_first": not cursor}
    return render(request, "families/notices.html", page)
