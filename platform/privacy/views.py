"""A person's own data: what is kept, the export, and the deletion of the account."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import wraps
from http import HTTPStatus
from typing import IO

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kit.person import Person
from kit.rate_limits import RateLimit, RateLimited, format_rate_limited, mark_rate_limited
from privacy import services
from privacy.archive import ExportCapacityExceeded, build_archive
from privacy.registry import list_kinds

download_limit = RateLimit("data download", "5/hour")
erase_limit = RateLimit("data erase", "5/15minutes")
RETRY_AFTER_SECONDS = 300

type OwnView = Callable[[HttpRequest, Person], HttpResponse | FileResponse]
type View = Callable[[HttpRequest], HttpResponse | FileResponse]


def for_signed_in_person(view: OwnView) -> View:
    """Pass the signed-in person to the view. Others sign in and go to the data page; a POST is not repeated."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse | FileResponse:
        if not isinstance(request.user, Person):
            return redirect_to_login(reverse("privacy:data"))
        return view(request, request.user)

    return never_cache(guarded)


class EraseForm(forms.Form):
    """Confirms identity with the password, or with the username if the account has no password."""

    proof = forms.CharField(strip=False)

    def __init__(self, person: Person, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.person = person
        self.by_password = person.has_usable_password()
        missing = (
            gettext_lazy("Type your password") if self.by_password else gettext_lazy("Type your username")
        )
        self.fields["proof"].error_messages["required"] = missing

    def clean_proof(self) -> str:
        """Return the proof. Raises ValidationError unless it is the person's password, or username without one."""
        proof = str(self.cleaned_data["proof"])
        if self.by_password and not self.person.check_password(proof):
            raise forms.ValidationError(_("That isn’t your password. Capital letters matter."))
        if not self.by_password and proof.strip() != self.person.username:
            raise forms.ValidationError(_("That isn’t your username. Capital letters matter."))
        return proof


class StreamedFileResponse(FileResponse):
    """A file response that also streams under ASGI, where Django would read the whole file first."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


@require_safe
@for_signed_in_person
def data(request: HttpRequest, person: Person) -> HttpResponse:
    return _render_page(request, EraseForm(person))


def _render_page(
    request: HttpRequest, form: EraseForm, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = {"kinds": list_kinds(), "form": form, "error": error}
    return render(request, "data/data.html", context, status=status)


@require_POST
@for_signed_in_person
def download(request: HttpRequest, person: Person) -> HttpResponse | FileResponse:
    """Download everything that is kept about the person as a zip."""
    return build_download_response(request, person, "kitchen-table", lambda: build_archive(person=person))


def build_download_response(
    request: HttpRequest, person: Person, name: str, make: Callable[[], IO[bytes]]
) -> HttpResponse | FileResponse:
    """Return the zip that `make` builds, or a 503 page if there is no capacity. Raises RateLimited."""
    download_limit.hit(person.pk)
    try:
        copy = make()
    except ExportCapacityExceeded:
        download_limit.undo_hit(person.pk)
        page = render(request, "data/export_unavailable.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        page["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return page
    day = timezone.localdate(timezone=person.zone)
    return StreamedFileResponse(
        copy, as_attachment=True, filename=f"{name}-{day:%Y-%m-%d}.zip", content_type="application/zip"
    )


@require_POST
@for_signed_in_person
def erase(request: HttpRequest, person: Person) -> HttpResponse:
    """Erase the person after checking their identity."""
    try:
        erase_limit.hit(person.pk)
    except RateLimited as error:
        return mark_rate_limited(
            _render_page(request, EraseForm(person), error=format_rate_limited(error)), error
        )
    form = EraseForm(person, request.POST)
    if not form.is_valid():
        return _render_page(request, form, status=422)
    try:
        services.erase_person(person=person)
    except services.LastAdmin:
        text = _("You’re the last admin. Make someone else an admin first, then come back.")
        return _render_page(request, form, error=text, status=409)
    get_adapter().logout(request)
    return redirect("privacy:erased")


@require_safe
@never_cache
def erased(request: HttpRequest) -> HttpResponse:
    """Explain what was erased. Needs no session and reveals nothing about anyone."""
    if request.user.is_authenticated:
        return redirect("privacy:data")
    response = render(request, "data/erased.html", {"kinds": list_kinds()})
    response.headers["X-Robots-Tag"] = "noindex"
    return response
