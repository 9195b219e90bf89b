from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.texts import normalize_line


class TextSearchAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose search finds what people typed, as it is stored normalised."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        found: Any = super().get_search_results(request, queryset, normalize_line(search_term))
        return found[0], found[1]
