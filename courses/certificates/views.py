"""The reader's certificate of a module, and what its address says to whoever holds it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person_of, sign_in_required
from accounts.names import NameFormField
from courses.certificates.issuing import (
    NotDone,
    certificate_at,
    certificate_make,
    certificate_withdraw,
    edition_of,
    own_certificate,
)
from courses.certificates.printing import can_be_set, certificate_pdf
from courses.library.pages import found_course
from courses.library.selectors import Course
from courses.models import Certificate, Module
from kit.throttles import Throttle, TooOften, network_of, slowed, too_often_said

# An address cannot be guessed; this keeps a machine that tries from costing much. Only what is not there counts.
wrong_addresses = Throttle("certificates not found, network", "300/minute")
certificates_asked = Throttle("certificates asked for", "30/day")


class NameForm(forms.Form):
    """How somebody wishes to be named on a certificate: nothing is filled in for them."""

    name = NameFormField(
        label=_("Name on it, if you want one"),
        help_text=_(
            "A first name is enough. Leave it empty, and none stands there. It cannot be changed later."
        ),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> Any:
        name = self.cleaned_data["name"]
        if not can_be_set(name):
            words = _("We have no type for some of these letters yet. Write it in others, or leave it empty")
            raise ValidationError(words, code="type")
        return name


def found_certificate(request: HttpRequest, module_slug: str) -> Certificate:
    """The person's own; 404 when they have none of this module."""
    found = own_certificate(person_of(request), module_slug)
    if found is None:
        raise Http404
    return found


@sign_in_required
@never_cache
def certificate(request: HttpRequest, module: str) -> HttpResponse:
    """The reader's certificate of a module, or the form to ask for one once all of it is done."""
    course, person = found_course(request, module), person_of(request)
    if request.method != "POST":
        return _certificate(request, course, NameForm())
    form = NameForm(request.POST)
    try:
        certificates_asked.hit(person.pk)
    except TooOften as refusal:
        return slowed(_certificate(request, course, form, trouble=too_often_said(refusal)), refusal)
    if not form.is_valid():
        return _certificate(request, course, form, status=422)
    try:
        certificate_make(person=person, course=course, name=form.cleaned_data["name"])
    except NotDone:
        return _certificate(request, course, NameForm(), status=422)
    return redirect("courses:certificate", module)


def _certificate(
    request: HttpRequest, course: Course, form: NameForm, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    page = {
        "course": course,
        "module": course.module,
        "certificate": own_certificate(person_of(request), course.module.slug),
        "form": form,
        "trouble": trouble,
    }
    return render(request, "courses/certificate.html", page, status=status)


@sign_in_required
@require_safe
@never_cache
def pdf(request: HttpRequest, module: str) -> HttpResponse:
    """The owner's copy. Others see only what the address on it says."""
    found = found_certificate(request, module)
    named = f'attachment; filename="kitchen-table-{found.module_slug}.pdf"'
    return HttpResponse(
        certificate_pdf(found), content_type="application/pdf", headers={"Content-Disposition": named}
    )


@sign_in_required
@require_POST
def withdraw(request: HttpRequest, module: str) -> HttpResponse:
    certificate_withdraw(certificate=found_certificate(request, module))
    return redirect("courses:certificate", module)


@require_safe
@never_cache
def check(request: HttpRequest, token: str) -> HttpResponse:
    """What a certificate says, for whoever holds its address. One answer for withdrawn and never made."""
    wrong_addresses.hit(network_of(request))
    found = certificate_at(token)
    if found:
        wrong_addresses.take_back(network_of(request))
    page = {"certificate": found, "is_current": found and _is_current(found)}
    response = render(request, "courses/certificate_check.html", page, status=200 if found else 404)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _is_current(certificate: Certificate) -> bool:
    """Whether the module still has the words that were done. What its owner has done since is not looked at."""
    module = Module.objects.filter(slug=certificate.module_slug, language=certificate.language).first()
    return module is not None and edition_of(module) == certificate.edition
