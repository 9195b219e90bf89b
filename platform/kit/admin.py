"""What several rooms' admin pages have in common."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from kit.texts import normalize_line


class NoAddAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that come about elsewhere: an admin may look at them and, unless a page says otherwise, delete one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(NoAddAdmin):
    """Rows that are looked at here, and written by services alone."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SafeAutocompleteSelect(AutocompleteSelect):
    """Looks up the name of what is chosen, and of nothing that cannot be a key: a link or a form may hold anything."""

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> Any:
        return super().optgroups(name, [one for one in value if self._is_key(one)], attrs)

    def _is_key(self, given: str) -> bool:
        try:
            self.field.target_field.to_python(given)
        except ValidationError:
            return False
        return True


class SafeAutocompleteAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """A form that can be opened, and shown again, with anything in the fields that complete what is typed."""

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any]", request: HttpRequest, **given: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            given.setdefault("widget", SafeAutocompleteSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **given)


class NormalizedSearchAdmin[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose search finds what people typed, as it is stored normalised."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        found: Any = super().get_search_results(request, queryset, normalize_line(search_term))
        return found[0], found[1]
