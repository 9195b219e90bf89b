"""How a page of the desk is opened and shown: the one place that authorizes, and the one that renders."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import Promise

from desk.navigation import get_page, list_breadcrumbs


def desk_page(
    route: str,
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Decorate a view: it opens to staff with the permissions that `desk.navigation` lists for this route.

    Other people are sent to the sign-in page, as by the admin; staff without a permission get a 403. A view that
    changes something needs no second check, unless it needs more than its page.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        def check(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not get_page(route).is_open_to(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Only now: the admin site imports the desk's views.
            return admin.site.admin_view(check)(request, *args, **kwargs)

        return checked

    return decorate


def render_desk_page(
    request: HttpRequest,
    route: str,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    title: str | Promise = "",
    status: int = 200,
) -> TemplateResponse:
    """Render `templates/admin/desk/<template>.html` in the admin, with its menu, title and breadcrumbs."""
    page = get_page(route)
    shown = {
        **admin.site.each_context(request),
        "title": title or page.title,
        "desk_route": route,
        "breadcrumbs": list_breadcrumbs(page),
        **(context or {}),
    }
    return TemplateResponse(request, f"admin/desk/{template}.html", shown, status=status)
