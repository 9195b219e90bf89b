"""The outbox as pages, in the demo only: there, emails can be read without a mail server."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kit.not_found import raise_404_on
from kit.paging import paginate
from mail.messages import build_headers
from mail.models import Attachment, Email
from mail.selectors import get_attachment, get_email, list_emails

EMAILS_PER_PAGE = 50


def demo_only[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Make a view for GET and HEAD that is never cached and exists only in the demo: elsewhere it raises Http404."""

    @wraps(view)
    def view_in_demo(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return require_safe(never_cache(view_in_demo))


def _build_context(**more: object) -> dict[str, object]:
    """Return the context of every outbox page, with the time zone and whether there is a mail server."""
    has_server = "smtp" in settings.MAILERS["default"]["BACKEND"]
    return more | {"has_server": has_server, "zone": settings.DEFAULT_PERSON_TIME_ZONE}


@demo_only
def outbox(request: HttpRequest) -> HttpResponse:
    """List the emails, newest first."""
    cursor = request.GET.get("before", "")
    listed = paginate(list_emails(), by="created_at", size=EMAILS_PER_PAGE, cursor=cursor)
    return render(request, "mail/outbox.html", _build_context(listed=listed, is_first=not cursor))


@demo_only
def email(request: HttpRequest, email_id: UUID) -> HttpResponse:
    """Show one email."""
    with raise_404_on(Email.DoesNotExist):
        email = get_email(email_id)
    return render(request, "mail/email.html", _build_context(email=email, headers=build_headers(email)))


@demo_only
def attachment(_request: HttpRequest, email_id: UUID, attachment_id: int) -> HttpResponse:
    """Download an attachment."""
    with raise_404_on(Attachment.DoesNotExist):
        file = get_attachment(email_id, attachment_id)
    disposition = content_disposition_header(as_attachment=True, filename=file.filename)
    return HttpResponse(
        file.content,
        content_type=file.content_type,
        headers={"Content-Disposition": disposition},
    )
