"""The page on which a person creates, downloads or withdraws a certificate, and the public page that checks it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from accounts.names import NameFormField
from courses.certificates.issuing import (
    ModuleNotFinished,
    build_visitor_certificate,
    compute_edition,
    create_certificate,
    find_certificate,
    get_own_certificate,
    withdraw_certificate,
)
from courses.certificates.printing import render_certificate_pdf
from courses.library.pages import get_reader_module_or_404
from courses.library.renamed import leads_on
from courses.library.selectors import ReaderModule
from courses.models import Certificate, Module
from kit.rate_limits import (
    ClientRateLimit,
    RateLimit,
    RateLimited,
    format_rate_limited,
    get_client_network,
    mark_rate_limited,
)
from kit.typesetting import can_typeset

# Tokens can't be guessed; this limits the cost of trying. Only unknown addresses count.
unknown_addresses = RateLimit("certificates not found, network", "300/minute")
certificate_requests = RateLimit("certificates asked for", "30/day")
visitor_certificates = ClientRateLimit(
    "visitors’ certificates", person="30/day", network="300/day", everyone="600/hour"
)


class NameForm(forms.Form):
    """The name on a certificate. Not prefilled: the person decides whether to give one."""

    name = NameFormField(
        label=_("Name on the certificate (optional)"),
        help_text=_(
            "A first name is enough. Leave it empty for a certificate without a name. You can’t "
            "change it later."
        ),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> Any:
        name = self.cleaned_data["name"]
        if not can_typeset(name):
            words = _("We can’t print some of these letters yet. Use other letters, or leave it empty.")
            raise ValidationError(words, code="type")
        return name


def get_certificate_or_404(request: HttpRequest, module_slug: str) -> Certificate:
    """Return the person's own certificate of the module. 404 if they have none."""
    certificate = get_own_certificate(get_person(request), module_slug)
    if certificate is None:
        raise Http404
    return certificate


@never_cache
@leads_on
def certificate(request: HttpRequest, module: str) -> HttpResponse:
    """The person's certificate of a module, or the form to create it once the module is finished.

    A visitor's is a PDF at once, and is not stored.
    """
    reader_module = get_reader_module_or_404(request, module)
    if not request.user.is_authenticated:
        return _answer_visitor(request, reader_module)
    person = get_person(request)
    if request.method != "POST":
        return _render_certificate(request, reader_module, NameForm())
    form = NameForm(request.POST)
    try:
        certificate_requests.hit(person.pk)
    except RateLimited as error:
        return mark_rate_limited(
            _render_certificate(request, reader_module, form, error=format_rate_limited(error)), error
        )
    if not form.is_valid():
        return _render_certificate(request, reader_module, form, status=422)
    try:
        create_certificate(person=person, reader_module=reader_module, name=form.cleaned_data["name"])
    except ModuleNotFinished:
        return _render_certificate(request, reader_module, NameForm(), status=422)
    return redirect("courses:certificate", module)


def _answer_visitor(request: HttpRequest, reader_module: ReaderModule) -> HttpResponse:
    if request.method != "POST":
        return _render_certificate(request, reader_module, NameForm())
    form = NameForm(request.POST)
    try:
        visitor_certificates.hit(request)
    except RateLimited as error:
        return mark_rate_limited(
            _render_certificate(request, reader_module, form, error=format_rate_limited(error)), error
        )
    if not form.is_valid():
        return _render_certificate(request, reader_module, form, status=422)
    try:
        made = build_visitor_certificate(reader_module=reader_module, name=form.cleaned_data["name"])
    except ModuleNotFinished:
        return _render_certificate(request, reader_module, NameForm(), status=422)
    return _build_pdf_response(made)


def _render_certificate(
    request: HttpRequest, reader_module: ReaderModule, form: NameForm, *, error: str = "", status: int = 200
) -> HttpResponse:
    page = {
        "reader_module": reader_module,
        "module": reader_module.module,
        "certificate": get_own_certificate(request.user, reader_module.module.slug)
        if isinstance(request.user, Person)
        else None,
        "form": form,
        "error": error,
    }
    return render(request, "courses/certificate.html", page, status=status)


@sign_in_required
@require_safe
@never_cache
def pdf(request: HttpRequest, module: str) -> HttpResponse:
    """Download the PDF. Only for its owner; others see the page at its address."""
    return _build_pdf_response(get_certificate_or_404(request, module))


def _build_pdf_response(certificate: Certificate) -> HttpResponse:
    disposition = f'attachment; filename="kitchen-table-{certificate.module_slug}.pdf"'
    return HttpResponse(
        render_certificate_pdf(certificate),
        content_type="application/pdf",
        headers={"Content-Disposition": disposition},
    )


@sign_in_required
@require_POST
def withdraw(request: HttpRequest, module: str) -> HttpResponse:
    """Withdraw the reader's own certificate: its address then says that there is none."""
    withdraw_certificate(certificate=get_certificate_or_404(request, module))
    return redirect("courses:certificate", module)


@require_safe
@never_cache
def check(request: HttpRequest, token: str) -> HttpResponse:
    """The public page of a certificate. A withdrawn one and one that never existed get the same answer."""
    unknown_addresses.hit(get_client_network(request))
    certificate = find_certificate(token)
    if certificate:
        unknown_addresses.undo_hit(get_client_network(request))
    page = {"certificate": certificate, "is_current": certificate and _is_current(certificate)}
    response = render(request, "courses/certificate_check.html", page, status=200 if certificate else 404)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _is_current(certificate: Certificate) -> bool:
    """Return whether the module is unchanged since the certificate. The owner's later progress doesn't matter."""
    module = Module.objects.filter(slug=certificate.module_slug, language=certificate.language).first()
    return module is not None and compute_edition(module) == certificate.edition
