"""Base classes for the rooms' admin pages."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_noop, ngettext_lazy

from kit.texts import normalize_line

# Texts of Django's admin that its own Spanish catalog lacks. Named here, they are in ours.
DJANGO_TEXTS = (
    gettext_noop(
        "Are you sure you want to delete the %(object_name)s “%(escaped_object)s”? All of the following related "
        "items will be deleted:"
    ),
    gettext_noop(
        "Deleting the %(object_name)s “%(escaped_object)s” would require deleting the following protected related "
        "objects:"
    ),
    gettext_noop("Filter by %(field_name)s"),
    gettext_noop("Pagination %(name)s"),
    gettext_noop("Pagination %(name)s entries"),
    gettext_noop("Run"),
    gettext_noop("Search %(name)s"),
    ngettext_lazy("…and %(count)d more object.", "…and %(count)d more objects.", "count"),
)


class NoAddAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that admins can view and delete, but not add or change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(NoAddAdmin):
    """Rows that admins can only view; services write them."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SafeAutocompleteSelect(AutocompleteSelect):
    """Ignores values that cannot be a key, which a link or a resubmitted form may contain. Django's fails on them."""

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> Any:
        return super().optgroups(name, [key for key in value if self._is_key(key)], attrs)

    def _is_key(self, value: str) -> bool:
        try:
            self.field.target_field.to_python(value)
        except ValidationError:
            return False
        return True


class SafeAutocompleteAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """A form whose autocomplete fields accept any value when it is opened or shown again."""

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any]", request: HttpRequest, **options: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            options.setdefault("widget", SafeAutocompleteSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **options)


class NormalizedSearchAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose search normalizes the query in the way that stored text is normalized."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        result: Any = super().get_search_results(request, queryset, normalize_line(search_term))
        return result[0], result[1]
