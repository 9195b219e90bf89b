"""Who asks, and what of it is theirs: fetching and authorising in one place."""

from uuid import UUID

from django.http import Http404, HttpRequest

from accounts.access import get_person
from accounts.models import Person, Role
from families.models import Link
from families.selectors import get_link
from kit.not_found import raise_404_on


def get_own_link(request: HttpRequest, link_id: UUID) -> Link:
    """A link of the person's own that stands; 404 for anybody else's, so that an id tells nothing."""
    with raise_404_on(Link.DoesNotExist):
        return get_link(get_person(request), link_id)


def get_own_link_as_parent(request: HttpRequest, link_id: UUID) -> Link:
    link = get_own_link(request, link_id)
    if link.parent != get_person(request):
        raise Http404
    return link


def require_teen(request: HttpRequest) -> Person:
    """The person, who must be a teen: these pages are nobody else's."""
    person = get_person(request)
    if person.role != Role.TEEN:
        raise Http404
    return person
