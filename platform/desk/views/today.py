"""The first page of the admin: today at a glance, and one way to each job."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _


def today(request: HttpRequest, admin_context: Mapping[str, object]) -> TemplateResponse:
    """Show the page to any member of staff, each part of it only to those who may open what it sums up."""
    context = {**admin_context, "title": _("Today")}
    return TemplateResponse(request, "admin/desk/today.html", context)
