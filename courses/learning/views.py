from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.access import person_of, sign_in_required
from courses.learning.together import company_in, together_agree, together_end
from courses.models import Module
from courses.selectors import modules_shown
from families.models import Link
from families.selectors import get_link
from kit.found import or_404
from kit.throttles import Throttle

# A no may be asked about again another day, and not all evening.
asks_of_one = Throttle("asks to take a module together", "5/day")


def own_link(request: HttpRequest, link_id: UUID) -> Link:
    """A link of the person's own that stands; 404 for any other, so that an id tells nothing."""
    with or_404(Link.DoesNotExist):
        return get_link(person_of(request), link_id)


@sign_in_required
@require_POST
def agree(request: HttpRequest, module: str, link_id: UUID) -> HttpResponse:
    """The person's yes, which asks the other one, or answers them."""
    link, person = own_link(request, link_id), person_of(request)
    found = get_object_or_404(modules_shown(), slug=module)
    if not any(one.together for one in company_in(found.slug, person) if one.link == link):
        asks_of_one.hit(person.pk, link.pk)
    with or_404(Link.DoesNotExist):
        together_agree(link=link, module=found, by=person)
    return _back(found)


@sign_in_required
@require_POST
def end(request: HttpRequest, module: str, link_id: UUID) -> HttpResponse:
    """The person takes an ask back, says no to one, or goes on alone."""
    found = get_object_or_404(modules_shown(), slug=module)
    together_end(link=own_link(request, link_id), module=found)
    return _back(found)


def _back(module: Module) -> HttpResponse:
    return redirect(f"{module.get_absolute_url()}#together")
