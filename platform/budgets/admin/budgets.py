"""Families' budgets and the site's: their limits, who is near the edge, and the emergency stop."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from budgets.admin.forms import LimitsForm, StopForm
from budgets.admin.pages import (
    CHANGED_MEANWHILE,
    BudgetPagesAdmin,
    FamilyNamesAdmin,
    build_dollars_column,
    compute_basis,
)
from budgets.allowances import get_site_budget, preview_limits, set_allowance, set_site_stopped
from budgets.burn_down import build_burn_downs
from budgets.formatting import format_effect
from budgets.models import Budget, BudgetAlert, BudgetChange, BudgetScope, ChangeKind, Grant, StopReason
from budgets.owner_budgets import name_families, rank_near_edge, read_owner_budgets, search_people
from budgets.selectors import find_site_stop, read_statuses
from kit.admin import ReadOnlyAdmin

ROWS_PER_PAGE = 50
MAX_SEARCH_LENGTH = 100


@admin.register(Budget)
class BudgetAdmin(BudgetPagesAdmin, FamilyNamesAdmin, ReadOnlyAdmin):
    list_display = (
        "__str__",
        "scope",
        "plan",
        "tokens",
        build_dollars_column("microdollars", gettext_lazy("dollars")),
        "period_length",
        "parent",
        "stopped_at",
    )
    list_filter = ("scope", "plan", "period_length")
    list_select_related = ("owner", "plan", "parent__owner")
    list_per_page = ROWS_PER_PAGE
    # In the order in which a family, the site and people would be looked for.
    ordering = ("scope", "pk")
    search_fields = ("owner__username",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., Any]] = {
            "site": self.site_view,
            "stop": self.stop_view,
            "near-edge": self.near_edge_view,
        }
        own = [
            path(
                f"{route}/",
                self.admin_site.admin_view(view),
                name=f"budgets_budget_{route.replace('-', '_')}",
            )
            for route, view in pages.items()
        ]
        return own + super().get_urls()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Budget], search_term: str
    ) -> tuple[QuerySet[Budget], bool]:
        """Find people's budgets by name, username or address, and those of their families."""
        if not search_term.strip():
            return queryset, False
        found = Budget.objects.filter(search_people(search_term, prefix="owner__"))
        return queryset.filter(pk__in=found.values("pk")) | queryset.filter(
            scope=BudgetScope.FAMILY, pk__in=found.values("parent")
        ), False

    def list_named_budgets(self, row: Budget) -> Iterable[Budget]:
        return [row]

    def list_changes(self, row: Budget) -> QuerySet[BudgetChange]:
        return BudgetChange.objects.filter(budget=row)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a family's budget or the site's. A POST changes its limits, after a page has stated what that does."""
        if object_id is None:
            raise PermissionDenied
        budget = self.get_object(request, object_id)
        if budget is None:
            raise Http404
        if not self.has_view_or_change_permission(request, budget):
            raise PermissionDenied
        if budget.scope == BudgetScope.PERSON:
            if budget.owner_id and request.user.has_perm("budgets.view_budgetowner"):
                return redirect("admin:budgets_budgetowner_change", budget.owner_id)
            return self._render(request, budget, None)
        if request.method == "POST":
            return self._change_limits(request, budget)
        return self._render(request, budget, LimitsForm(budget=budget))

    def _change_limits(self, request: HttpRequest, budget: Budget) -> HttpResponse:
        by = self.require_change(request, budget)
        form = LimitsForm(request.POST, budget=budget)
        if not form.is_valid():
            return self._render(request, budget, form)
        limits = form.cleaned_data
        effect = preview_limits([budget], [limits])[0]
        basis = compute_basis(effect, budget, *limits.values())
        if request.POST.get("basis") == basis:
            set_allowance(budget=budget, by=by, **limits)
            self.log_change(request, budget, [{"changed": {"fields": form.changed_data}}])
            messages.success(request, _("The limits were changed."))
            return redirect(request.path)
        if "basis" in request.POST:
            messages.warning(request, CHANGED_MEANWHILE)
        return self._render(request, budget, form, effect=format_effect(effect), basis=basis)

    def _render(
        self, request: HttpRequest, budget: Budget, form: LimitsForm | None, **stated: object
    ) -> HttpResponse:
        children = Budget.objects.filter(parent=budget, scope=BudgetScope.PERSON, owner__isnull=False)
        is_family = budget.scope == BudgetScope.FAMILY
        people = (
            [child.owner for child in children.select_related("owner").order_by("pk")] if is_family else []
        )
        owner_budgets = read_owner_budgets([person for person in people if person])
        context = {
            "original": budget,
            "form": form,
            "is_site": budget.scope == BudgetScope.SITE,
            "stop": find_site_stop() if budget.scope == BudgetScope.SITE else None,
            "statuses": [(budget, read_statuses([budget])[0])],
            "members": [(person, owner_budgets[person.pk]) for person in people if person],
            "grants": Grant.objects.filter(budget=budget).order_by("-given_at")[:20],
            "alerts": BudgetAlert.objects.filter(budget=budget).order_by("-at")[:5],
            "burn_downs": build_burn_downs(budget),
            "changes": self.describe_changes(budget)[:10],
            "may_change": form is not None and self.has_change_permission(request, budget),
            "may_see_budgets": request.user.has_perm("budgets.view_budget"),
            "may_give": request.user.has_perm("budgets.add_grant"),
            **stated,
        }
        title = _("The site’s budget") if budget.scope == BudgetScope.SITE else str(budget)
        return self.render_page(request, "budget", title, context)

    @method_decorator(require_safe)
    def site_view(self, request: HttpRequest) -> HttpResponse:
        """Go to the site's budget, which is created when it is needed."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return redirect("admin:budgets_budget_change", get_site_budget().pk)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def stop_view(self, request: HttpRequest) -> HttpResponse:
        """Stop the tutor on the whole site, or let it answer again."""
        by = self.require_change(request)
        site, stop = get_site_budget(), find_site_stop()
        form = StopForm(request.POST or None)
        if request.method == "POST" and request.POST.get("to") == "start":
            if set_site_stopped(is_stopped=False, by=by):
                self.log_change(request, site, "Let the tutor answer again.")
            messages.success(request, _("The tutor answers again."))
            return redirect("admin:budgets_budget_stop")
        if request.method == "POST" and stop is None and form.is_valid():
            reason = StopReason(form.cleaned_data["reason"])
            if set_site_stopped(is_stopped=True, reason=reason, note=form.cleaned_data["note"], by=by):
                self.log_change(request, site, "Stopped the tutor.")
            messages.warning(request, _("The tutor is stopped. Help in a crisis still works."))
            return redirect("admin:budgets_budget_stop")
        context = {
            "stop": stop,
            "form": form,
            "note": self._find_note(site) if stop else "",
            "changes": [
                change
                for change in self.describe_changes(site)
                if change[0].kind in {ChangeKind.STOP, ChangeKind.START}
            ],
        }
        title = _("The tutor is stopped") if stop else _("Stop the tutor")
        return self.render_page(request, "stop", title, context)

    def _find_note(self, site: Budget) -> str:
        latest = self.list_changes(site).filter(kind=ChangeKind.STOP).order_by("-at").first()
        return latest.note if latest else ""

    @method_decorator(require_safe)
    def near_edge_view(self, request: HttpRequest) -> HttpResponse:
        """List people and families by what is left of their budgets, the least first."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        text = request.GET.get("q", "").replace("\x00", "")[:MAX_SEARCH_LENGTH].strip()
        scope = request.GET.get("scope", "")
        unit = request.GET.get("unit", "")
        scope = scope if scope in {BudgetScope.PERSON, BudgetScope.FAMILY} else ""
        unit = unit if unit in {"tokens", "microdollars"} else ""
        page = Paginator(rank_near_edge(text=text, scope=scope, unit=unit), ROWS_PER_PAGE).get_page(
            request.GET.get("page")
        )
        name_families(row.budget for row in page.object_list)
        context = {"page": page, "q": text, "scope": scope, "unit": unit}
        return self.render_page(request, "near_edge", _("Who is near the edge"), context)
