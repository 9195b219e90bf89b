"""People and their allowances: everyone can be found and given a plan or a grant, also before their first question."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from budgets.admin.forms import PlanChoiceForm
from budgets.admin.pages import CHANGED_MEANWHILE, BudgetPagesAdmin, compute_basis
from budgets.allowances import assign_plan, get_budget, get_free_plan, preview_plan
from budgets.burn_down import build_burn_downs
from budgets.calendar import PeriodLength
from budgets.dollars import format_dollars
from budgets.formatting import format_allowance, format_count, format_effect, format_moment
from budgets.models import Budget, BudgetChange, BudgetOwner, Grant, Plan
from budgets.owner_budgets import OwnerBudget, name_families, read_owner_budgets, search_people
from budgets.selectors import read_statuses
from kit.admin import ReadOnlyAdmin

LISTED_GRANTS = 20


class BudgetOwnerList(ChangeList):
    """The list, with the plan, the family and what is left of everyone on its page, in a fixed number of queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        owner_budgets = read_owner_budgets(list(self.result_list))
        for person in self.result_list:
            person.owner_budget = owner_budgets[person.pk]


@admin.register(BudgetOwner)
class BudgetOwnerAdmin(BudgetPagesAdmin, ReadOnlyAdmin):
    # What is looked for comes first: a phone shows the first columns.
    list_display = ("name", "tokens_left", "dollars_left", "plan", "family", "username", "role", "refills_at")
    list_display_links = ("name",)
    list_filter = ("role", ("budget__plan", admin.RelatedOnlyFieldListFilter))
    list_per_page = 50
    ordering = ("username",)
    search_fields = ("username",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BudgetOwnerList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"title": _("People and allowances"), **(extra_context or {})}
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BudgetOwner]:
        return super().get_queryset(request).filter(is_active=True)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BudgetOwner], search_term: str
    ) -> tuple[QuerySet[BudgetOwner], bool]:
        """Find each word of the search: in a name, a username or an address, or in those of the family."""
        words = Q()
        for word in search_term.split():
            words &= search_people(word)
        return queryset.filter(words), False

    @admin.display(description=gettext_lazy("name"), ordering="display_name")
    def name(self, person: BudgetOwner) -> str:
        return str(person)

    @admin.display(description=gettext_lazy("family"))
    def family(self, person: BudgetOwner) -> str | SafeString:
        family = self._get_owner_budget(person).family
        if family is None:
            return "–"
        return format_html('<a href="/admin/budgets/budget/{}/change/">{}</a>', family.pk, family)

    @admin.display(description=gettext_lazy("plan"))
    def plan(self, person: BudgetOwner) -> str:
        return self._get_owner_budget(person).plan.name

    @admin.display(description=gettext_lazy("tokens left"))
    def tokens_left(self, person: BudgetOwner) -> str:
        left = self._get_owner_budget(person).status.tokens_left
        return _("no limit") if left is None else format_count(left)

    @admin.display(description=gettext_lazy("dollars left"))
    def dollars_left(self, person: BudgetOwner) -> str:
        left = self._get_owner_budget(person).status.microdollars_left
        return _("no limit") if left is None else format_dollars(left)

    @admin.display(description=gettext_lazy("refills"))
    def refills_at(self, person: BudgetOwner) -> str:
        return format_moment(self._get_owner_budget(person).status.refills_at)

    def _get_owner_budget(self, person: BudgetOwner) -> OwnerBudget:
        owner_budget: OwnerBudget = person.owner_budget  # type: ignore[attr-defined]
        return owner_budget

    def list_changes(self, row: BudgetOwner) -> QuerySet[BudgetChange]:
        return BudgetChange.objects.filter(budget__owner=row)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a person's allowance. A POST puts them on a plan, after a page has stated what that does."""
        if object_id is None:
            raise PermissionDenied
        person = self.get_object(request, object_id)
        if person is None:
            raise Http404
        if not self.has_view_or_change_permission(request, person):
            raise PermissionDenied
        if request.method == "POST":
            return self._change_plan(request, person)
        return self._render(request, person, PlanChoiceForm(initial={"plan": self._find_plan(person).pk}))

    def _find_plan(self, person: BudgetOwner) -> Plan:
        budget = Budget.objects.select_related("plan").filter(owner=person).first()
        return (budget.plan if budget else None) or get_free_plan()

    def _change_plan(self, request: HttpRequest, person: BudgetOwner) -> HttpResponse:
        by = self.require_change(request, person)
        form = PlanChoiceForm(request.POST)
        if not form.is_valid():
            return self._render(request, person, form)
        chosen: Plan = form.cleaned_data["plan"]
        # Free is what a budget without a plan has, so a change of Free reaches both.
        plan = None if chosen.slug == Plan.FREE else chosen
        effect = preview_plan(owner=person, plan=plan)
        basis = compute_basis(effect, get_budget(owner=person), chosen.pk)
        if request.POST.get("basis") == basis:
            assign_plan(owner=person, plan=plan, by=by)
            # Not as a person: the budget's title goes when they are erased.
            self.log_change(request, get_budget(owner=person), [{"changed": {"fields": [_("plan")]}}])
            messages.success(
                request, _("%(name)s is on the plan %(plan)s now.") % {"name": person, "plan": chosen.name}
            )
            return redirect(request.path)
        if "basis" in request.POST:
            messages.warning(request, CHANGED_MEANWHILE)
        stated = {"chosen": chosen, "effect": format_effect(effect), "basis": basis}
        return self._render(request, person, form, **stated)

    def _render(
        self, request: HttpRequest, person: BudgetOwner, form: PlanChoiceForm, **stated: object
    ) -> HttpResponse:
        own = Budget.objects.select_related("plan", "parent__parent").filter(owner=person).first()
        owner_budget = read_owner_budgets([person])[person.pk]
        chain = [] if own is None else own.chain
        if own is not None:
            own.owner = person
            name_families(chain)
        statuses = (
            list(zip(chain, read_statuses(chain), strict=True)) if chain else [(None, owner_budget.status)]
        )
        context = {
            "original": person,
            "form": form,
            "owner_budget": owner_budget,
            "allowance": format_allowance(
                {"tokens": owner_budget.plan.tokens, "microdollars": owner_budget.plan.microdollars},
                PeriodLength(owner_budget.plan.period_length),
            ),
            "daily_cap": own.daily_cap if own else None,
            "statuses": statuses,
            "grants": Grant.objects.filter(budget=own).order_by("-given_at")[:LISTED_GRANTS] if own else [],
            "burn_downs": build_burn_downs(own) if own else [],
            "changes": self.describe_changes(person)[:10],
            "may_change": self.has_change_permission(request, person),
            "may_see_budgets": request.user.has_perm("budgets.view_budget"),
            "may_give": request.user.has_perm("budgets.add_grant"),
            "is_popup": IS_POPUP_VAR in request.GET,
            **stated,
        }
        return self.render_page(request, "owner", str(person), context)
