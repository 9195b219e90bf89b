"""Django's admin site with the desk's menu on every page, and today at a glance as its first page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from desk.navigation import list_menu
from desk.views.today import today


class DeskSite(admin.AdminSite):
    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every admin page shows, with the part of the desk's menu that is open to this person."""
        menu = list_menu(request.user) if self.has_permission(request) else []
        return {**super().each_context(request), "desk_menu": menu}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show today at a glance instead of a list of tables, which is below it."""
        return today(request, {**self.each_context(request), **(extra_context or {})})
