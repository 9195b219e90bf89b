"""Your data: what is kept, a copy of it, and its end. Each of these pages is about the person who asks."""

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
NO_ROOM_WAIT_SECONDS = 300

type OwnView = Callable[[HttpRequest, Person], HttpResponse | FileResponse]
type View = Callable[[HttpRequest], HttpResponse | FileResponse]


def for_signed_in_person(view: OwnView) -> View:
    """For the person who is signed in. Others sign in and come to the data page: a form is not sent again."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse | FileResponse:
        if not isinstance(request.user, Person):
            return redirect_to_login(reverse("privacy:data"))
        return view(request, request.user)

    return never_cache(guarded)


class EraseForm(forms.Form):
    """Asks again who it is: by the password, or by the username where the account has none."""

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
        proof = str(self.cleaned_data["proof"])
        if self.by_password and not self.person.check_password(proof):
            raise forms.ValidationError(_("That is not your password. Capitals count."))
        if not self.by_password and proof.strip() != self.person.username:
            raise forms.ValidationError(_("That is not your username. Capitals count."))
        return proof


class StreamedFileResponse(FileResponse):
    """A file, read a piece at a time on a server with a loop too: Django would read all of it first."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


@require_safe
@for_signed_in_person
def data(request: HttpRequest, person: Person) -> HttpResponse:
    return _render_page(request, EraseForm(person))


def _render_page(
    request: HttpRequest, form: EraseForm, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {"kinds": list_kinds(), "form": form, "trouble": trouble}
    return render(request, "data/data.html", context, status=status)


@require_POST
@for_signed_in_person
def download(request: HttpRequest, person: Person) -> HttpResponse | FileResponse:
    """Everything that is kept about the person, as a zip."""
    return build_download_response(request, person, "kitchen-table", lambda: build_archive(person=person))


def build_download_response(
    request: HttpRequest, person: Person, name: str, make: Callable[[], IO[bytes]]
) -> HttpResponse | FileResponse:
    """The zip that `make` makes, or a page that says that there is no room for it now. Raises TooOften."""
    download_limit.hit(person.pk)
    try:
        copy = make()
    except ExportCapacityExceeded:
        download_limit.undo_hit(person.pk)
        page = render(request, "data/no_room.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        page["Retry-After"] = str(NO_ROOM_WAIT_SECONDS)
        return page
    day = timezone.localdate(timezone=person.zone)
    return StreamedFileResponse(
        copy, as_attachment=True, filename=f"{name}-{day:%Y-%m-%d}.zip", content_type="application/zip"
    )


@require_POST
@for_signed_in_person
def erase(request: HttpRequest, person: Person) -> HttpResponse:
    """Erase the person, once they have shown that it is them."""
    try:
        erase_limit.hit(person.pk)
    except RateLimited as refusal:
        return mark_rate_limited(
            _render_page(request, EraseForm(person), trouble=format_rate_limited(refusal)), refusal
        )
    form = EraseForm(person, request.POST)
    if not form.is_valid():
        return _render_page(request, form, status=422)
    try:
        services.erase_person(person=person)
    except services.LastAdmin:
        trouble = _("You are the last admin. Make somebody else an admin first, then come back.")
        return _render_page(request, form, trouble=trouble, status=409)
    get_adapter().logout(request)
    return redirect("privacy:erased")


@require_safe
@never_cache
def erased(request: HttpRequest) -> HttpResponse:
    """What erasing means, for whoever is signed in as nobody. It may stand open: it tells of no one."""
    if request.user.is_authenticated:
        return redirect("privacy:data")
    response = render(request, "data/erased.html", {"kinds": list_kinds()})
    response.headers["X-Robots-Tag"] = "noindex"
    return response
