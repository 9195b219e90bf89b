"""A family's data: a parent's export, and the deletion of the family's accounts."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person, Role
from families import family_deletion
from families.family_export import export_family
from families.views.access import require_teen
from privacy.views import EraseForm, build_download_response, erase_limit


def require_parent(request: HttpRequest) -> Person:
    """Return the signed-in person; 404 unless they are a parent."""
    person = get_person(request)
    if person.role != Role.PARENT:
        raise Http404
    return person


@sign_in_required
@require_safe
@never_cache
def data(request: HttpRequest) -> HttpResponse:
    parent = require_parent(request)
    return _render_data(request, parent, EraseForm(parent))


def _render_data(request: HttpRequest, parent: Person, form: EraseForm, *, status: int = 200) -> HttpResponse:
    deletion = family_deletion.find_family_deletion(parent)
    page = {
        "form": form,
        "deletion": deletion,
        "due_at": family_deletion.get_due_time(deletion) if deletion else None,
        "days": family_deletion.DELETION_DELAY.days,
        "plan": family_deletion.list_planned_outcomes(parent),
        "person": parent,
    }
    return render(request, "families/data.html", page, status=status)


@sign_in_required
@require_POST
@never_cache
def download(request: HttpRequest) -> HttpResponse | FileResponse:
    parent = require_parent(request)
    return build_download_response(
        request, parent, "kitchen-table-family", lambda: export_family(parent=parent)
    )


@sign_in_required
@require_POST
@never_cache
def erase(request: HttpRequest) -> HttpResponse:
    """Request the deletion after checking the parent's password."""
    parent = require_parent(request)
    if not family_deletion.list_planned_outcomes(parent):
        return redirect("privacy:data")
    erase_limit.hit(parent.pk)
    form = EraseForm(parent, request.POST)
    if not form.is_valid():
        return _render_data(request, parent, form, status=422)
    family_deletion.request_family_deletion(parent=parent)
    return redirect("families:data")


@sign_in_required
@require_POST
@never_cache
def keep(request: HttpRequest) -> HttpResponse:
    """Cancel the deletion."""
    if family_deletion.cancel_family_deletion(parent=require_parent(request)):
        messages.success(request, _("Nothing will be deleted."))
    return redirect("families:data")


@sign_in_required
@require_POST
@never_cache
def answer(request: HttpRequest, parent_id: int) -> HttpResponse:
    """Record whether a teen who decides alone wants their account deleted too. Raises Http404 if no one asked."""
    teen = require_teen(request)
    parent = Person.objects.filter(pk=parent_id).first()
    agree = request.POST.get("answer") == "yes"
    if parent is None or not family_deletion.answer_family_deletion(teen=teen, parent=parent, agree=agree):
        raise Http404
    return redirect("families:family")
