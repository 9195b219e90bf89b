from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from budgets import services
from budgets.models import Budget, Entry, Hold, Period


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The ledger is looked at here and written by its services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "daily_tokens")
    list_select_related = ("owner",)
    search_fields = ("owner__username",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super(ReadOnlyAdmin, self).has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Budget, form: object, change: bool) -> None:  # noqa: FBT001
        services.allowance_set(budget=obj, daily_tokens=obj.daily_tokens)


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "granted", "spent", "held", "spent_microdollars", "ends_at")
    list_select_related = ("budget__owner",)
    search_fields = ("budget__owner__username",)
    ordering = ("-starts_at",)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("key", "period", "tokens", "state", "created_at", "expires_at", "resolved_at")
    list_filter = ("state",)
    list_select_related = ("period__budget__owner",)
    search_fields = ("key", "period__budget__owner__username")
    ordering = ("-created_at",)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "period", "kind", "tokens", "microdollars", "hold", "memo")
    list_filter = ("kind",)
    list_select_related = ("period__budget__owner", "hold")
    search_fields = ("hold__key", "period__budget__owner__username")
    ordering = ("-pk",)
