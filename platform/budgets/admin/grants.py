"""Grants: given one by one to a person, a family or the site, or to many people from a file."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Person
from budgets.admin.forms import GrantFileForm, GrantForm
from budgets.admin.pages import BudgetPagesAdmin, FamilyNamesAdmin, build_dollars_column
from budgets.allowances import get_budget
from budgets.costs import UNITS, Unit
from budgets.formatting import format_amounts, format_moment
from budgets.grant_files import (
    COLUMNS,
    MAX_ROWS,
    GrantFileAlreadyGiven,
    InvalidGrantFile,
    give_file,
    keep_file,
    preview_rows,
    read_grant_file,
)
from budgets.grants import create_grant
from budgets.models import Budget, BudgetChange, BudgetScope, Grant, GrantBatch
from budgets.owner_budgets import read_owner_budgets, search_people
from budgets.selectors import BudgetStatus, read_statuses
from budgets.until import format_until
from kit.admin import ReadOnlyAdmin
from kit.spreadsheets import build_csv_response
from kit.texts import parse_whole_number

ROWS_PER_PAGE = 100
# A file with hundreds of mistakes has one in its making.
LISTED_PROBLEMS = 100


@admin.register(Grant)
class GrantAdmin(BudgetPagesAdmin, FamilyNamesAdmin, ReadOnlyAdmin):
    list_display: Any = (
        "budget",
        "tokens",
        build_dollars_column("microdollars", gettext_lazy("dollars")),
        "reason",
        "given_by",
        "given_at",
        "until",
        "closed_at",
    )
    fields: ClassVar[Any] = (
        "budget",
        "tokens",
        list_display[2],
        "reason",
        "given_by",
        "given_at",
        "until",
        "closed_at",
        "batch",
    )
    readonly_fields: ClassVar[Any] = fields
    list_select_related = ("budget__owner", "given_by")
    list_filter = ("budget__scope",)
    search_fields = ("budget__owner__username", "reason")
    ordering = ("-given_at", "-pk")
    change_list_template = "admin/budgets/grant_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("file/", view(self.file_view), name="budgets_grant_file"),
            path("file/<int:pk>/", view(self.file_preview_view), name="budgets_grant_file_preview"),
            path("csv/", view(self.csv_view), name="budgets_grant_csv"),
        ]
        return own + super().get_urls()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Grant], search_term: str
    ) -> tuple[QuerySet[Grant], bool]:
        if not search_term.strip():
            return queryset, False
        budgets = Budget.objects.filter(search_people(search_term, prefix="owner__"))
        found = queryset.filter(budget__in=budgets.values("pk"))
        return found | queryset.filter(reason__icontains=search_term), False

    def list_named_budgets(self, row: Grant) -> Iterable[Budget]:
        return [row.budget]

    def list_changes(self, row: Grant) -> QuerySet[BudgetChange]:
        return BudgetChange.objects.filter(grant=row)

    @admin.display(description=gettext_lazy("until"), ordering="expires_at")
    def until(self, grant: Grant) -> str:
        return format_until(grant.expires_at)

    def require_add(self, request: HttpRequest) -> Person:
        if not self.has_add_permission(request) or not isinstance(request.user, Person):
            raise PermissionDenied
        return request.user

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Give a grant to the `owner` or the `budget` that the address names, after a page has stated what it does."""
        by = self.require_add(request)
        owner, budget = self._find_target(request)
        if owner is None and budget is None:
            messages.info(request, _("Choose who gets it."))
            return redirect("admin:budgets_budgetowner_changelist")
        form = GrantForm(request.POST or None)
        stated: dict[str, object] = {}
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            if request.POST.get("basis") == values["expires_at"].isoformat():
                return self._give(request, by, budget or get_budget(owner=owner or by), values)
            status = (
                read_statuses([budget])[0]
                if budget
                else read_owner_budgets([owner or by])[(owner or by).pk].status
            )
            stated = {
                "effect": _describe_grant(status, values),
                "basis": values["expires_at"].isoformat(),
            }
        context = {"form": form, "target": budget or owner, "owner": owner, "budget": budget, **stated}
        title = _("Give %(name)s a grant") % {"name": budget or owner}
        return self.render_page(request, "grant", title, context)

    def _find_target(self, request: HttpRequest) -> tuple[Person | None, Budget | None]:
        owner, budget = request.GET.get("owner", ""), request.GET.get("budget", "")
        if _is_key(owner):
            return get_object_or_404(Person, pk=owner, is_active=True), None
        if _is_key(budget):
            found = get_object_or_404(Budget.objects.select_related("owner"), pk=budget)
            if found.scope == BudgetScope.PERSON and found.owner is None:
                raise Http404
            return found.owner, None if found.owner else found
        return None, None

    def _give(self, request: HttpRequest, by: Person, budget: Budget, values: dict[str, Any]) -> HttpResponse:
        grant = create_grant(
            budget=budget,
            tokens=values["tokens"] or 0,
            microdollars=values["microdollars"] or 0,
            expires_at=values["expires_at"],
            reason=values["reason"],
            by=by,
        )
        self.log_addition(request, grant, [{"added": {}}])
        messages.success(
            request,
            _("%(name)s has %(amounts)s more, until %(until)s.")
            % {
                "name": budget,
                "amounts": format_amounts(_list_given(values)),
                "until": format_until(grant.expires_at),
            },
        )
        if budget.owner_id and request.user.has_perm("budgets.view_budgetowner"):
            return redirect("admin:budgets_budgetowner_change", budget.owner_id)
        return redirect("admin:budgets_grant_changelist")

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def file_view(self, request: HttpRequest) -> HttpResponse:
        """Take a CSV file, and go to its preview if all of its rows can be given."""
        by = self.require_add(request)
        form = GrantFileForm(request.POST or None, request.FILES or None)
        problems: list[str] = []
        given: GrantBatch | None = None
        if request.method == "POST" and form.is_valid():
            try:
                batch = keep_file(content=form.read(), file_name=form.cleaned_data["file"].name, by=by)
                return redirect("admin:budgets_grant_file_preview", batch.pk)
            except UnicodeDecodeError:
                problems = [_("Save the file as CSV in UTF-8, and upload it again.")]
            except InvalidGrantFile as error:
                problems = list(error.problems)
            except GrantFileAlreadyGiven as error:
                given = error.batch
        return self._render_file_page(request, form, problems, given)

    def _render_file_page(
        self, request: HttpRequest, form: GrantFileForm, problems: list[str], given: GrantBatch | None = None
    ) -> HttpResponse:
        context = {
            "form": form,
            "problems": problems[:LISTED_PROBLEMS],
            "more_problems": max(0, len(problems) - LISTED_PROBLEMS),
            "given": given,
            "columns": ", ".join(COLUMNS),
            "max_rows": MAX_ROWS,
        }
        return self.render_page(request, "grant_file", _("Grants from a file"), context)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def file_preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what each row of a file does. A POST gives all of them, or none."""
        by = self.require_add(request)
        batch = get_object_or_404(GrantBatch.objects.select_related("by"), pk=pk)
        try:
            if request.method == "POST":
                grants = give_file(batch=batch, by=by)
                self.log_addition(request, grants[0], f"Gave {len(grants)} grants from a file.")
                count = len(grants)
                messages.success(
                    request,
                    ngettext("%(count)d grant was given.", "%(count)d grants were given.", count)
                    % {"count": count},
                )
                return redirect("admin:budgets_grant_changelist")
            if batch.given_at:
                return self._render_file_page(request, GrantFileForm(), [], batch)
            file = read_grant_file(batch.content)
        except InvalidGrantFile as error:
            return self._render_file_page(request, GrantFileForm(), list(error.problems))
        except GrantFileAlreadyGiven as error:
            return self._render_file_page(request, GrantFileForm(), [], error.batch)
        page = Paginator(range(len(file.rows)), ROWS_PER_PAGE).get_page(request.GET.get("page"))
        context = {
            "batch": batch,
            "page": page,
            "effects": preview_rows(file.rows, start=page.start_index() - 1, count=ROWS_PER_PAGE),
            "total": file.total_text,
            "people": len({row.person.pk for row in file.rows if row.person}),
        }
        return self.render_page(request, "grant_file_preview", _("What this file gives"), context)

    @method_decorator(require_safe)
    def csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """Download all grants as CSV."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        columns = ["username", "tokens", "dollars", "until", "reason", "given", "given by", "ended"]
        grants = Grant.objects.select_related("budget__owner", "given_by").order_by("-given_at", "-pk")
        rows = ([str(cell) for cell in _list_cells(grant)] for grant in grants.iterator(chunk_size=1000))
        return build_csv_response("grants", columns, rows)


def _is_key(text: str) -> bool:
    return parse_whole_number(text, below=2**63) is not None


def _list_given(values: dict[str, Any]) -> dict[Unit, int | None]:
    return {unit: values[unit] or None for unit in UNITS}


def _describe_grant(status: BudgetStatus, values: dict[str, Any]) -> list[str]:
    """Say in sentences what a grant does, before it is given."""
    before: dict[Unit, int | None] = {
        "tokens": status.tokens_left,
        "microdollars": status.microdollars_left,
    }
    after: dict[Unit, int | None] = {
        unit: None if (left := before[unit]) is None else left + (values[unit] or 0) for unit in UNITS
    }
    sentences = [
        _("Left now: %(amounts)s.") % {"amounts": format_amounts(before)},
        _("Left right after the grant: %(amounts)s.") % {"amounts": format_amounts(after)},
        _("The allowance is used first. What is left of the grant on %(refills)s goes on, until %(until)s.")
        % {"refills": format_moment(status.refills_at), "until": format_until(values["expires_at"])},
    ]
    if all(before[unit] is None for unit, amount in _list_given(values).items() if amount):
        sentences.append(
            _("There is no limit for this now, so the grant changes nothing until there is one.")
        )
    return sentences


def _list_cells(grant: Grant) -> list[object]:
    owner = grant.budget.owner
    return [
        owner.username if owner else grant.budget.scope,
        grant.tokens,
        f"{grant.microdollars / 1_000_000:.6f}",
        grant.expires_at.isoformat(),
        grant.reason,
        grant.given_at.isoformat(),
        grant.given_by.username if grant.given_by else "",
        grant.closed_at.isoformat() if grant.closed_at else "",
    ]
