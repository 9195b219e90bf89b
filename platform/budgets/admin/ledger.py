"""The ledger's own tables, which admins can only look at."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from budgets.admin.pages import FamilyNamesAdmin, build_dollars_column
from budgets.alerts import describe_alert
from budgets.formatting import describe_change
from budgets.models import (
    Audit,
    Budget,
    BudgetAlert,
    BudgetChange,
    EntryKind,
    Hold,
    LedgerEntry,
    Overrun,
    Period,
)
from budgets.owner_budgets import search_people
from kit.admin import ReadOnlyAdmin

# What a period's shards are added up for.
SUMS = ("granted", "spent", "held", "granted_microdollars", "spent_microdollars", "held_microdollars")


@admin.register(Period)
class PeriodAdmin(FamilyNamesAdmin, ReadOnlyAdmin):
    """One row a period: the site's shards are added up."""

    list_display: Any = (
        "__str__",
        "all_granted",
        "all_spent",
        "all_held",
        build_dollars_column("sum_granted_microdollars", _("dollars granted")),
        build_dollars_column("sum_spent_microdollars", _("dollars spent")),
        build_dollars_column("sum_held_microdollars", _("dollars held")),
        "ends_at",
    )
    fields: ClassVar[Any] = ("budget", "starts_at", *list_display[1:])
    readonly_fields: ClassVar[Any] = fields
    list_filter = ("budget__scope",)
    list_select_related = ("budget__owner",)
    search_fields = ("budget__owner__username", "budget__owner__display_name")
    ordering = ("-starts_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Period]:
        rows: QuerySet[Period] = super().get_queryset(request).filter(shard=0)
        same = Period.objects.filter(budget=OuterRef("budget"), starts_at=OuterRef("starts_at"))
        sums = {
            f"sum_{name}": Subquery(
                same.order_by().values("budget").annotate(total=Sum(name)).values("total"),
                output_field=BigIntegerField(),
            )
            for name in SUMS
        }
        return rows.annotate(**sums)

    def list_named_budgets(self, row: Period) -> Iterable[Budget]:
        return [row.budget]

    @admin.display(description=_("granted"), ordering="sum_granted")
    def all_granted(self, period: Period) -> int:
        return int(period.sum_granted)  # type: ignore[attr-defined]

    @admin.display(description=_("spent"), ordering="sum_spent")
    def all_spent(self, period: Period) -> int:
        return int(period.sum_spent)  # type: ignore[attr-defined]

    @admin.display(description=_("held"), ordering="sum_held")
    def all_held(self, period: Period) -> int:
        return int(period.sum_held)  # type: ignore[attr-defined]


HOLD_DOLLARS = build_dollars_column("microdollars", _("dollars"))


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = (
        "key",
        "period",
        "tokens",
        HOLD_DOLLARS,
        "state",
        "created_at",
        "expires_at",
        "resolved_at",
    )
    fields: ClassVar[Any] = (
        "key", "period", "family_period", "prompt_tokens", "answer_tokens", "tokens", HOLD_DOLLARS, "state",
        "created_at", "expires_at", "resolved_at",
    )  # fmt: skip
    readonly_fields: ClassVar[Any] = fields
    list_filter = ("state",)
    list_select_related = ("period__budget__owner",)
    search_fields = ("key", "period__budget__owner__username")
    ordering = ("-created_at",)


@admin.register(LedgerEntry)
class EntryAdmin(FamilyNamesAdmin, ReadOnlyAdmin):
    list_display: Any = (
        "at",
        "period",
        "kind",
        "tokens",
        build_dollars_column("microdollars", _("dollars")),
        "hold",
        "memo",
    )
    fields: ClassVar[Any] = ("at", "period", "kind", "tokens", list_display[4], "hold", "grant", "memo")
    readonly_fields: ClassVar[Any] = fields
    list_filter: ClassVar[Any] = ("kind",)
    list_select_related = ("period__budget__owner", "hold")
    search_fields = (
        "hold__key",
        "period__budget__owner__username",
        "hold__period__budget__owner__username",
    )
    ordering = ("-at", "-pk")

    def list_named_budgets(self, row: LedgerEntry) -> Iterable[Budget]:
        return [row.period.budget] if row.period else []


@admin.register(Overrun)
class OverrunAdmin(EntryAdmin):
    list_filter = ()
    list_display = ("at", "hold", "tokens", build_dollars_column("microdollars", _("dollars")))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Overrun]:
        return super().get_queryset(request).filter(kind=EntryKind.OVERRUN)


@admin.register(Audit)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "entries", "differences")
    fields: ClassVar[Any] = ("at", "entries", "differences", "first")
    ordering = ("-at",)


@admin.register(BudgetChange)
class BudgetChangeAdmin(FamilyNamesAdmin, ReadOnlyAdmin):
    """Who changed what: plans, allowances, grants and stops, with the values before and after."""

    list_display = ("at", "by", "kind", "subject", "in_words", "note")
    list_display_links = ("at",)
    fields: ClassVar[Any] = ("at", "by", "kind", "subject", "in_words", "note")
    readonly_fields: ClassVar[Any] = fields
    list_filter = ("kind", ("by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("by", "budget__owner", "plan")
    ordering = ("-at", "-pk")
    search_fields: ClassVar = ["note"]
    date_hierarchy = "at"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BudgetChange], search_term: str
    ) -> tuple[QuerySet[BudgetChange], bool]:
        """Find changes by the person or family that they are about, or by their note."""
        if not search_term.strip():
            return queryset, False
        budgets = Budget.objects.filter(search_people(search_term, prefix="owner__"))
        found = queryset.filter(budget__in=budgets.values("pk"))
        return found | queryset.filter(note__icontains=search_term), False

    def list_named_budgets(self, row: BudgetChange) -> Iterable[Budget]:
        return [row.budget] if row.budget else []

    @admin.display(description=_("of"))
    def subject(self, change: BudgetChange) -> str:
        return str(change.budget or change.plan or "")

    @admin.display(description=_("change"))
    def in_words(self, change: BudgetChange) -> str:
        return describe_change(change)


@admin.register(BudgetAlert)
class BudgetAlertAdmin(FamilyNamesAdmin, ReadOnlyAdmin):
    list_display = ("at", "in_words")
    list_display_links = ("at",)
    fields: ClassVar[Any] = ("at", "budget", "kind", "in_words")
    readonly_fields: ClassVar[Any] = fields
    list_filter = ("kind", "budget__scope")
    list_select_related = ("budget__owner",)
    ordering = ("-at",)

    def list_named_budgets(self, row: BudgetAlert) -> Iterable[Budget]:
        return [row.budget]

    @admin.display(description=_("alert"))
    def in_words(self, alert: BudgetAlert) -> str:
        return describe_alert(alert)
