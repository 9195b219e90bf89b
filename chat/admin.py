"""Admin pages for shared reports, report counts and model outages. No admin page shows a conversation."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chat.models import EndReason, ModelOutage, Report, ReportCount
from chat.reports import get_taken_action, iterate_examples, list_shared_reports
from chat.selectors import count_live_turns
from kit.admin import ReadOnlyAdmin


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Staff judge here what the guard should have said. The reporter's name is not shown."""

    list_display = ("created_at", "question", "action_taken", "reason", "correct_level", "correct_action")
    list_filter = ("reason", "correct_action", "turn__state")
    fields = (
        "created_at",
        "question",
        "answer",
        "action_taken",
        "categories",
        "reason",
        "comment",
        "correct_level",
        "correct_action",
    )
    readonly_fields = ("created_at", "question", "answer", "action_taken", "categories", "reason", "comment")
    ordering = ("-created_at",)
    actions = ("export",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return list_shared_reports()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Report, form: Any, change: Any) -> None:
        """Save only the judgment, and only if the report is still shared: it may have been withdrawn meanwhile."""
        judged = {"correct_level": obj.correct_level, "correct_action": obj.correct_action}
        list_shared_reports().filter(pk=obj.pk).update(**judged)

    @admin.display(description=_("question"))
    def question(self, report: Report) -> str:
        return report.turn.question

    @admin.display(description=_("answer"))
    def answer(self, report: Report) -> str:
        return report.turn.answer

    @admin.display(description=_("action taken"))
    def action_taken(self, report: Report) -> str:
        return f"{get_taken_action(report.turn)} ({report.turn.level})"

    @admin.display(description=_("guard categories"))
    def categories(self, report: Report) -> str:
        return ", ".join(report.turn.categories)

    @admin.action(description=_("Export as JSON lines"), permissions=["view"])
    def export(self, request: HttpRequest, chosen: QuerySet[Report]) -> HttpResponse:
        lines = (json.dumps(example, ensure_ascii=False) + "\n" for example in iterate_examples(chosen))
        return HttpResponse(
            lines,
            content_type="application/jsonl; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="reports.jsonl"'},
        )


@admin.register(ReportCount)
class ReportCountAdmin(ReadOnlyAdmin):
    """Counts that chat.reports writes."""

    list_display = ("month", "action", "layer", "category", "reason", "count")
    list_filter = ("action", "layer", "reason")
    ordering = ("-month", "action", "category")


@admin.register(ModelOutage)
class ModelOutageAdmin(ReadOnlyAdmin):
    """Model outages and the number of deferred turns. Written by chat.turns.outages."""

    list_display = (
        "began_at",
        "declared_at",
        "ended_at",
        "reason",
        "failed_answers",
        "failed_probes",
        "waiting",
    )
    ordering = ("-began_at",)

    @admin.display(description=_("reason"))
    def reason(self, outage: ModelOutage) -> str:
        return str(EndReason(outage.end_reason).label)

    @admin.display(description=_("questions waiting now"))
    def waiting(self, outage: ModelOutage) -> str:
        return "" if outage.ended_at else str(count_live_turns()["deferred"])
