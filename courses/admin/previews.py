"""Pages on which authors preview a content file, from disk or as they type. Nothing is written."""

from collections.abc import Callable

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.middleware import HtmxDetails

from courses.authoring.previews import NoSuchFile, build_preview, compute_version, list_content_files
from courses.authoring.source import CONTENT_ROOT
from kit.not_found import raise_404_on
from kit.rate_limits import RateLimit

type View = Callable[..., HttpResponseBase]

# More than a person can reach by typing, even with a pause every second.
preview_edits = RateLimit("content preview edits", "120/minute")


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def build_preview_urls(site: AdminSite) -> list[URLPattern]:
    return [
        path("previews/", _require_admin(site, previews), name="courses_module_previews"),
        path("previews/<path:file>", _require_admin(site, preview), name="courses_module_preview"),
    ]


def _require_admin(site: AdminSite, view: View) -> View:
    """Require the permission to view modules.

    If the session ends while the author types, answer htmx with 403, not a redirect.
    """
    page = site.admin_view(permission_required("courses.view_module", raise_exception=True)(view))

    def checked_view(request: HtmxRequest, **named: str) -> HttpResponseBase:
        if request.htmx and not site.has_permission(request):
            raise PermissionDenied
        return page(request, **named)

    return checked_view


@require_safe
def previews(request: HttpRequest) -> HttpResponse:
    return render(request, "courses/previews.html", {"folders": list_content_files(root=CONTENT_ROOT)})


@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HtmxRequest, file: str) -> HttpResponse:
    """Show a file's text beside its page. POST previews typed text. A poll with the current `mark` gets a 204."""
    typed, shown = None, "news"
    if request.method == "POST":
        preview_edits.hit(request.user.pk)
        typed, shown = request.POST.get("text", ""), "shown"
    with raise_404_on(NoSuchFile):
        mark = compute_version(file, root=CONTENT_ROOT)
        if request.htmx and request.GET.get("mark") == mark:
            return HttpResponse(status=204)
        page = {"preview": build_preview(file, typed=typed, root=CONTENT_ROOT), "mark": mark}
    if request.htmx:
        return render(request, f"courses/preview.html#{shown}", page | {"is_news": True})
    return render(request, "courses/preview.html", page)
