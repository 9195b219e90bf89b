"""Fetches links and people for the views, and authorizes them in one place."""

from uuid import UUID

from django.http import Http404, HttpRequest

from accounts.access import get_person
from accounts.models import Person, Role
from families.models import Link
from families.selectors import get_link
from kit.not_found import raise_404_on


def get_own_link(request: HttpRequest, link_id: UUID) -> Link:
    """Return an active link of the signed-in person; 404 otherwise, so that an id reveals nothing."""
    with raise_404_on(Link.DoesNotExist):
        return get_link(get_person(request), link_id)


def get_own_link_as_parent(request: HttpRequest, link_id: UUID) -> Link:
    """Like `get_own_link`, but 404 unless the person is its parent."""
    link = get_own_link(request, link_id)
    if link.parent != get_person(request):
        raise Http404
    return link


def require_teen(request: HttpRequest) -> Person:
    """Return the signed-in person; 404 unless they are a teen."""
    person = get_person(request)
    if person.role != Role.TEEN:
        raise Http404
    return person
