"""A family's data: a parent's copy, and the end of the family's accounts."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person_of, sign_in_required
from accounts.models import Person, Role
from families import erasing
from families.copies import family_copy_take
from families.views.access import teen_of
from privacy.views import EraseForm, copy_answer, tries_to_erase


def parent_of(request: HttpRequest) -> Person:
    """The person, who must be a parent: these pages are nobody else's."""
    person = person_of(request)
    if person.role != Role.PARENT:
        raise Http404
    return person


@sign_in_required
@require_safe
@never_cache
def data(request: HttpRequest) -> HttpResponse:
    parent = parent_of(request)
    return _data(request, parent, EraseForm(parent))


def _data(request: HttpRequest, parent: Person, form: EraseForm, *, status: int = 200) -> HttpResponse:
    erasure = erasing.erasure_of(parent)
    page = {
        "form": form,
        "erasure": erasure,
        "due_at": erasing.due_at(erasure) if erasure else None,
        "days": erasing.ERASURE_WAITS.days,
        "plan": erasing.plan_of(parent),
        "person": parent,
    }
    return render(request, "families/data.html", page, status=status)


@sign_in_required
@require_POST
@never_cache
def download(request: HttpRequest) -> HttpResponse | FileResponse:
    parent = parent_of(request)
    return copy_answer(request, parent, "kitchen-table-family", lambda: family_copy_take(parent=parent))


@sign_in_required
@require_POST
@never_cache
def erase(request: HttpRequest) -> HttpResponse:
    """Ask for it, by showing again who it is."""
    parent = parent_of(request)
    if not erasing.plan_of(parent):
        return redirect("privacy:data")
    tries_to_erase.hit(parent.pk)
    form = EraseForm(parent, request.POST)
    if not form.is_valid():
        return _data(request, parent, form, status=422)
    erasing.family_erasure_ask(parent=parent)
    return redirect("families:data")


@sign_in_required
@require_POST
@never_cache
def keep(request: HttpRequest) -> HttpResponse:
    """Take back that the family is to be erased."""
    if erasing.family_erasure_take_back(parent=parent_of(request)):
        messages.success(request, _("Everything stays as it is."))
    return redirect("families:data")


@sign_in_required
@require_POST
@never_cache
def answer(request: HttpRequest, parent_id: int) -> HttpResponse:
    """A teen who decides alone says whether their account goes too."""
    teen = teen_of(request)
    parent = Person.objects.filter(pk=parent_id).first()
    agree = request.POST.get("answer") == "yes"
    if parent is None or not erasing.family_erasure_answer(teen=teen, parent=parent, agree=agree):
        raise Http404
    return redirect("families:family")
