"""Plans. A change of a plan's limits is stated for everyone on it before it is made."""

from copy import copy
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Person
from budgets.admin.pages import BudgetPagesAdmin, DollarsAdmin, build_dollars_column
from budgets.allowances import LimitEffect, preview_saved_plan, record_plan_models, save_plan
from budgets.calendar import PeriodLength
from budgets.costs import UNITS
from budgets.formatting import format_allowance
from budgets.models import BudgetChange, Plan

LIMITS = {"tokens", "microdollars", "period_length"}


@admin.register(Plan)
class PlanAdmin(BudgetPagesAdmin, DollarsAdmin):
    list_display = (
        "name",
        "tokens",
        build_dollars_column("microdollars", gettext_lazy("dollars")),
        "period_length",
        "answer_tokens",
        "answers_per_hour",
        "memory_policy",
        "memory_tokens",
    )
    search_fields: ClassVar = ["name", "slug"]
    filter_horizontal = ("tutor_models",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def list_changes(self, row: Plan) -> QuerySet[BudgetChange]:
        return BudgetChange.objects.filter(plan=row)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST" and object_id and "confirmed" not in request.POST:
            plan = self.get_object(request, object_id)
            if plan is not None and self.has_change_permission(request, plan):
                stated = self._state_effect(request, plan)
                if stated is not None:
                    return stated
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _state_effect(self, request: HttpRequest, plan: Plan) -> HttpResponse | None:
        """Return the page that states what changed limits do, or None if there is nothing to state."""
        form = self.get_form(request, plan)(request.POST, request.FILES, instance=copy(plan))
        if not form.is_valid() or not LIMITS & set(form.changed_data):
            return None
        changed: Plan = form.save(commit=False)
        effects = preview_saved_plan(plan=changed)
        if not effects:
            return None
        context = {
            "original": plan,
            "posted": [
                (name, value)
                for name, values in request.POST.lists()
                if name != "csrfmiddlewaretoken"
                for value in values
            ],
            "allowance": format_allowance(
                {"tokens": changed.tokens, "microdollars": changed.microdollars},
                PeriodLength(changed.period_length),
            ),
            "people": len(effects),
            "more": sum(_compare(effect) > 0 for effect in effects),
            "less": sum(_compare(effect) < 0 for effect in effects),
            "nothing": sum(_has_nothing(effect) for effect in effects),
        }
        return self.render_page(
            request, "plan_effect", _("Change the plan %(name)s") % {"name": plan}, context
        )

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:  # noqa: FBT001
        save_plan(plan=obj, by=_get_person(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        plan = form.instance
        before = list(plan.tutor_models.order_by("name").values_list("name", flat=True))
        super().save_related(request, form, formsets, change)
        record_plan_models(plan=plan, before=before, by=_get_person(request))


def _get_person(request: HttpRequest) -> Person | None:
    return request.user if isinstance(request.user, Person) else None


def _compare(effect: LimitEffect) -> int:
    """Return whether someone has more (1), less (-1) or the same left right after the change."""
    for unit in UNITS:
        before, after = effect.left_before[unit], effect.left_after[unit]
        if before != after:
            return 1 if after is None or (before is not None and after > before) else -1
    return 0


def _has_nothing(effect: LimitEffect) -> bool:
    return any(effect.left_after[unit] == 0 for unit in UNITS)
