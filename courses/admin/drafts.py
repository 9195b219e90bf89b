"""A page on which authors see what they write as readers would. It reads files and what is typed; it writes nothing."""

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

from courses.authoring.drafts import NoSuchFile, draft_files, draft_mark, draft_read
from courses.authoring.source import CONTENT
from kit.found import or_404
from kit.throttles import Throttle

type View = Callable[..., HttpResponseBase]

# Somebody who types without end and stops every second is still below it.
typed_by_one_person = Throttle("drafts typed by one person", "120/minute")


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def drafts_urls(site: AdminSite) -> list[URLPattern]:
    return [
        path("drafts/", _for_admins(site, drafts), name="courses_module_drafts"),
        path("drafts/<path:file>", _for_admins(site, draft), name="courses_module_draft"),
    ]


def _for_admins(site: AdminSite, view: View) -> View:
    """Whoever's session ends while they type is told so beside their words, and not led away from them."""
    page = site.admin_view(permission_required("courses.view_module", raise_exception=True)(view))

    def answering(request: HtmxRequest, **named: str) -> HttpResponseBase:
        if request.htmx and not site.has_permission(request):
            raise PermissionDenied
        return page(request, **named)

    return answering


@require_safe
def drafts(request: HttpRequest) -> HttpResponse:
    return render(request, "courses/drafts.html", {"folders": draft_files(root=CONTENT)})


@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HtmxRequest, file: str) -> HttpResponse:
    """A file beside its page. POST shows what was typed; a page that asks with the `mark` it has may get 204."""
    typed, shown = None, "news"
    if request.method == "POST":
        typed_by_one_person.hit(request.user.pk)
        typed, shown = request.POST.get("text", ""), "shown"
    with or_404(NoSuchFile):
        mark = draft_mark(file, root=CONTENT)
        if request.htmx and request.GET.get("mark") == mark:
            return HttpResponse(status=204)
        page = {"draft": draft_read(file, typed=typed, root=CONTENT), "mark": mark}
    if request.htmx:
        return render(request, f"courses/draft.html#{shown}", page | {"is_news": True})
    return render(request, "courses/draft.html", page)
