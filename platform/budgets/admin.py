from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.zone_fields import ZoneField, get_zone_field
from budgets import allowances, grants
from budgets.models import (
    Audit,
    Budget,
    BudgetScope,
    EntryKind,
    Grant,
    Hold,
    LedgerEntry,
    Overrun,
    Period,
    Plan,
)
from kit.admin import ReadOnlyAdmin, SafeAutocompleteAdmin


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    time_zone = ZoneField(required=False, empty_label=_("The site’s default time zone"))
    is_stopped = forms.BooleanField(
        label=_("stopped"), required=False, help_text=_("While this is on, the tutor takes no questions.")
    )

    class Meta:
        model = Budget
        fields = ("plan", "tokens", "microdollars", "period_length", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        get_zone_field(self).offer_first([self.instance.time_zone])
        self.initial["is_stopped"] = self.instance.stopped_at is not None


# A person's limits come from their plan. A family and the site have their own.
FIELDS = {
    BudgetScope.PERSON: ("plan",),
    BudgetScope.FAMILY: ("tokens", "microdollars", "period_length", "time_zone"),
    BudgetScope.SITE: ("tokens", "microdollars", "period_length", "time_zone", "is_stopped"),
}


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    form = BudgetForm
    list_display = (
        "__str__",
        "scope",
        "plan",
        "tokens",
        "microdollars",
        "period_length",
        "parent",
        "stopped_at",
    )
    list_filter = ("scope", "plan", "period_length")
    list_select_related = ("owner", "plan", "parent__owner")
    search_fields = ("owner__username", "children__owner__username")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_fields(self, request: HttpRequest, obj: Budget | None = None) -> tuple[str, ...]:
        return FIELDS[BudgetScope(obj.scope)] if obj else FIELDS[BudgetScope.PERSON]

    def save_model(self, request: HttpRequest, obj: Budget, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]  # noqa: FBT001
        if obj.scope == BudgetScope.PERSON:
            if obj.owner:
                allowances.assign_plan(owner=obj.owner, plan=obj.plan)
            return
        allowances.set_allowance(
            budget=obj,
            tokens=obj.tokens,
            microdollars=obj.microdollars,
            period_length=obj.period_length,
            time_zone=obj.time_zone,
        )
        if obj.scope == BudgetScope.SITE:
            allowances.set_site_stopped(is_stopped=form.cleaned_data["is_stopped"])


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "name",
        "tokens",
        "microdollars",
        "period_length",
        "answer_tokens",
        "memory_policy",
        "memory_tokens",
    )
    search_fields = ("name", "slug")
    filter_horizontal = ("tutor_models",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Plan, form: object, change: bool) -> None:  # noqa: FBT001
        allowances.save_plan(plan=obj)


@admin.register(Grant)
class GrantAdmin(SafeAutocompleteAdmin[Grant], ReadOnlyAdmin):
    fields = ("budget", "tokens", "microdollars", "expires_at", "reason")
    autocomplete_fields = ("budget",)
    list_display = (
        "budget",
        "tokens",
        "microdollars",
        "reason",
        "given_by",
        "given_at",
        "expires_at",
        "closed_at",
    )
    list_select_related = ("budget__owner", "given_by")
    search_fields = ("budget__owner__username", "reason")
    ordering = ("-given_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def save_model(self, request: HttpRequest, obj: Grant, form: object, change: bool) -> None:  # noqa: FBT001
        by = request.user
        grant = grants.create_grant(
            budget=obj.budget,
            tokens=obj.tokens,
            microdollars=obj.microdollars,
            expires_at=obj.expires_at,
            reason=obj.reason,
            by=by if isinstance(by, Person) else None,
        )
        # Django's admin writes its log entry and its link from `obj`, so `obj` needs the new key.
        obj.pk = grant.pk


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__", "shard", "granted", "spent", "held", "granted_microdollars", "spent_microdollars",
        "held_microdollars", "ends_at",
    )  # fmt: skip
    list_filter = ("budget__scope",)
    list_select_related = ("budget__owner",)
    search_fields = ("budget__owner__username",)
    ordering = ("-starts_at", "shard")


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = (
        "key",
        "period",
        "tokens",
        "microdollars",
        "state",
        "created_at",
        "expires_at",
        "resolved_at",
    )
    list_filter = ("state",)
    list_select_related = ("period__budget__owner",)
    search_fields = ("key", "period__budget__owner__username")
    ordering = ("-created_at",)


@admin.register(LedgerEntry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "period", "kind", "tokens", "microdollars", "hold", "memo")
    list_filter = ("kind",)
    list_select_related = ("period__budget__owner", "hold")
    search_fields = ("hold__key", "period__budget__owner__username", "hold__period__budget__owner__username")
    ordering = ("-pk",)


@admin.register(Overrun)
class OverrunAdmin(ReadOnlyAdmin):
    list_display = ("at", "hold", "tokens", "microdollars")
    list_select_related = ("hold",)
    search_fields = ("hold__key", "hold__period__budget__owner__username")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Overrun]:
        return super().get_queryset(request).filter(kind=EntryKind.OVERRUN)


@admin.register(Audit)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "entries", "differences")
    fields = ("at", "entries", "differences", "first")
    ordering = ("-at",)
