"""Module statistics: for all modules, for one module, and as a CSV file. See courses.learning.statistics."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.admin.previews import build_preview_urls
from courses.learning.statistics import (
    ALL_TIME,
    MIN_ANSWERS_FOR_SHARE,
    ROUNDING_STEP,
    ModuleStatistics,
    list_module_statistics,
)
from courses.models import Module
from kit.admin import ReadOnlyAdmin
from kit.spreadsheets import build_csv_response

PERIODS = {
    "30": gettext_lazy("the last 30 days"),
    "90": gettext_lazy("the last 90 days"),
    "365": gettext_lazy("the last year"),
    "ever": gettext_lazy("all time"),
}
DEFAULT_PERIOD = "90"
COLUMNS = ("module", "what", "step", "option", "is_right", "people")


@admin.register(Module)
class ModuleAdmin(ReadOnlyAdmin):
    """Read-only: modules are written in files. The change list shows statistics."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., Any]] = {
            "statistics.csv": self.statistics_csv,
            "statistics/<slug:slug>/": self.statistics,
        }
        own = [
            path(route, self.admin_site.admin_view(view), name=f"courses_module_{view.__name__}")
            for route, view in pages.items()
        ]
        return own + build_preview_urls(self.admin_site) + super().get_urls()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """All modules: how many people started and finished each, and its most misleading question."""
        modules = self._load_statistics(request)
        most = max((module.started for module in modules), default=0)
        return self._render(request, "statistics", _("Module statistics"), {"modules": modules, "most": most})

    def statistics(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show one module: how far people get, and their first answers. Raises Http404 for an unknown slug."""
        statistics = next((each for each in self._load_statistics(request) if each.module.slug == slug), None)
        if statistics is None:
            raise Http404
        return self._render(request, "module", statistics.module.title, {"statistics": statistics})

    def statistics_csv(self, request: HttpRequest) -> StreamingHttpResponse:
        return build_csv_response(
            f"module-statistics-{_parse_period(request)}",
            COLUMNS,
            _build_rows(self._load_statistics(request)),
        )

    def _load_statistics(self, request: HttpRequest) -> list[ModuleStatistics]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        period = _parse_period(request)
        since = ALL_TIME if period == "ever" else timezone.now() - timedelta(days=int(period))
        return list_module_statistics(since=since)

    def _render(self, request: HttpRequest, name: str, title: str, more: dict[str, object]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "periods": PERIODS,
            "period": _parse_period(request),
            "fewest": ROUNDING_STEP,
            "enough": MIN_ANSWERS_FOR_SHARE,
            **more,
        }
        return TemplateResponse(request, f"admin/courses/module/{name}.html", context)


def _parse_period(request: HttpRequest) -> str:
    """Return the period in the query string, or the default if it is missing or unknown."""
    period = request.GET.get("period", "")
    return period if period in PERIODS else DEFAULT_PERIOD


def _build_rows(modules: list[ModuleStatistics]) -> Iterator[tuple[str, ...]]:
    for statistics in modules:
        slug = statistics.module.slug
        yield slug, "started", "", "", "", _format_count(statistics.started)
        yield slug, "finished", "", "", "", _format_count(statistics.finished)
        for step in statistics.steps:
            yield slug, "reached", step.slug, "", "", _format_count(step.reached)
            yield slug, "finished this step", step.slug, "", "", _format_count(step.done)
        for question in statistics.questions:
            for option in question.options:
                right = "yes" if option.is_right else "no"
                yield slug, "chose it first", question.slug, option.text, right, _format_count(option.chosen)


def _format_count(people: int) -> str:
    return str(people) if people else f"fewer than {ROUNDING_STEP}"
