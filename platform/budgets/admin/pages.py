"""What the admin pages of budgets share: columns in dollars, families' names, pages of their own, and the history."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from budgets.allowances import LimitEffect
from budgets.dollars import DollarsField, format_dollars
from budgets.formatting import describe_change
from budgets.models import Budget, BudgetChange
from budgets.owner_budgets import name_families

type Text = str | Promise
# The newest changes on a page of a person, a budget or a plan.
LISTED_CHANGES = 50


def build_dollars_column(field: str, description: Text) -> Callable[[Model], str]:
    """Build a column of a list that shows a field with micro-dollars in dollars."""

    @admin.display(description=description, ordering=field, empty_value="–")  # type: ignore[arg-type]
    def show(row: Model) -> str | None:
        amount = getattr(row, field)
        return None if amount is None else format_dollars(amount)

    show.__name__ = f"{field}_in_dollars"
    return show  # type: ignore[return-value]


class DollarsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Forms in which money is typed in dollars."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "microdollars":
            return DollarsField(
                label=capitalize(db_field.verbose_name),
                required=not db_field.blank and not db_field.has_default(),
                help_text=db_field.help_text,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)


def capitalize(name: object) -> str:
    text = str(name or "")
    return text[:1].upper() + text[1:]


class FamilyNamesList(ChangeList):
    """A list that reads the names of all families on its page in one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        name_families(
            budget
            for row in self.result_list
            for budget in self.model_admin.list_named_budgets(row)  # type: ignore[attr-defined]
        )


class FamilyNamesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that name budgets, which may be families'."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FamilyNamesList

    def list_named_budgets(self, row: Any) -> Iterable[Budget]:
        """Return the budgets that a row of the list names. They must be loaded with it."""
        raise NotImplementedError


class BudgetPagesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Admin pages that show a budget, state what a change will do, and list what was changed."""

    object_history_template = "admin/budgets/history.html"

    def render_page(
        self,
        request: HttpRequest,
        template: str,
        title: Text,
        context: Mapping[str, object],
        status: int = 200,
    ) -> HttpResponse:
        """Render `templates/admin/budgets/<template>.html` in the admin's frame."""
        shown = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "breadcrumbs": [
                {
                    "title": capitalize(self.opts.verbose_name_plural),
                    "url": f"/admin/{self.opts.app_label}/{self.opts.model_name}/",
                }
            ],
            **context,
        }
        return TemplateResponse(request, f"admin/budgets/{template}.html", shown, status=status)

    def list_changes(self, row: Any) -> "QuerySet[BudgetChange]":
        """Return the changes of what a page is about, newest first."""
        raise NotImplementedError

    def describe_changes(self, row: Any) -> list[tuple[BudgetChange, str]]:
        changes = self.list_changes(row).select_related("by").order_by("-at", "-pk")[:LISTED_CHANGES]
        return [(change, describe_change(change)) for change in changes]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        changes = self.describe_changes(row) if row is not None else []
        return super().history_view(request, object_id, {"changes": changes, **(extra_context or {})})

    def require_change(self, request: HttpRequest, row: Any = None) -> Person:
        """Return the admin, or raise PermissionDenied if they may only look."""
        if not self.has_change_permission(request, row) or not isinstance(request.user, Person):
            raise PermissionDenied
        return request.user


def compute_basis(effect: LimitEffect, budget: Budget, *chosen: object) -> str:
    """Return a digest of what a stated effect rests on: the budget's limits, and what was chosen.

    What people use meanwhile is not part of it: the statement says “now”.
    """
    basis = (
        budget.pk,
        budget.plan_id,
        budget.daily_cap,
        budget.tokens,
        budget.microdollars,
        str(budget.period_length),
        budget.time_zone,
        effect.allowance,
        str(effect.period_length),
        *chosen,
    )
    return hashlib.sha256(repr(basis).encode()).hexdigest()


CHANGED_MEANWHILE = _("Something changed since you looked. This is what the change would do now.")
