from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.access import get_person, sign_in_required
from courses.learning.joint_modules import agree_to_joint_module, end_joint_module, list_possible_partners
from courses.models import Module
from courses.selectors import list_modules
from families.models import Link
from families.selectors import get_link
from kit.not_found import raise_404_on
from kit.rate_limits import RateLimit

# After a no, asking again another day is fine, but not all evening.
joint_module_requests = RateLimit("asks to take a module together", "5/day")


def get_own_link_or_404(request: HttpRequest, link_id: UUID) -> Link:
    """Return the person's own active link. 404 for any other, so that an id reveals nothing."""
    with raise_404_on(Link.DoesNotExist):
        return get_link(get_person(request), link_id)


@sign_in_required
@require_POST
def agree(request: HttpRequest, module: str, link_id: UUID) -> HttpResponse:
    """Ask the other person, or accept their request."""
    link, person = get_own_link_or_404(request, link_id), get_person(request)
    module_text = get_object_or_404(list_modules(), slug=module)
    if not any(
        partner.joint_module
        for partner in list_possible_partners(module_text.slug, person)
        if partner.link == link
    ):
        joint_module_requests.hit(person.pk, link.pk)
    with raise_404_on(Link.DoesNotExist):
        agree_to_joint_module(link=link, module=module_text, by=person)
    return _redirect_to_module(module_text)


@sign_in_required
@require_POST
def end(request: HttpRequest, module: str, link_id: UUID) -> HttpResponse:
    """Withdraw a request, decline one, or continue alone."""
    module_text = get_object_or_404(list_modules(), slug=module)
    end_joint_module(link=get_own_link_or_404(request, link_id), module=module_text)
    return _redirect_to_module(module_text)


def _redirect_to_module(module: Module) -> HttpResponse:
    return redirect(f"{module.get_absolute_url()}#together")
