"""Admin pages for shared reports, report counts, model outages and routes. No admin page shows a conversation."""

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.formatting import format_conversation_cost, format_part_cost, format_route
from chat.memory.costs import CostPart, get_conversation_costs, split_answer_cost
from chat.models import EndReason, ModelOutage, Report, ReportCount, Turn, TurnRoute, TurnState
from chat.reports import format_action, get_taken_action, iterate_examples, list_shared_reports
from chat.selectors import count_live_turns
from kit.admin import ReadOnlyAdmin
from kit.memory_policy import MemoryPolicy
from routing.formatting import format_dollars
from routing.models import TutorModel


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
        return f"{format_action(get_taken_action(report.turn))} ({report.turn.level})"

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

    list_display = ("month", "action_taken", "layer", "category", "reason", "count")
    list_filter = ("action", "layer", "reason")
    ordering = ("-month", "action", "category")

    @admin.display(description=_("action taken"), ordering="action")
    def action_taken(self, counted: ReportCount) -> str:
        return format_action(counted.action)


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


# States that say something of what a person wrote. Their times are nothing for admins, who may know the person.
PRIVATE_STATES = (
    TurnState.CARDED,
    TurnState.PAUSED,
    TurnState.REFUSED,
    TurnState.REDIRECTED,
    TurnState.CUT,
)
# All that is read of a turn. Its question, answer, conversation and guard verdict are not even fetched.
ROUTE_COLUMNS = (
    "id",
    "asked_at",
    "state",
    "end_reason",
    "model",
    "is_local",
    "memory_policy",
    "prompt_parts",
    "prompt_tokens",
    "cached_tokens",
    "answer_tokens",
    "microdollars",
    "input_price",
    "cached_input_price",
    "output_price",
    "route",
)


# What the list has room for. A route's own page says it in full.
SHORT_POLICIES = {
    MemoryPolicy.NONE: pgettext_lazy("memory", "none"),
    MemoryPolicy.WINDOW: pgettext_lazy("memory", "window"),
    MemoryPolicy.NOTES: pgettext_lazy("memory", "notes + window"),
    MemoryPolicy.FULL: pgettext_lazy("memory", "full"),
}


class ModelFilter(admin.SimpleListFilter):
    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in TutorModel.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        known = {value for value, _name in self.lookup_choices}
        return queryset.filter(tutor_model=chosen) if chosen in known else queryset


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.label) for state in TurnState if state not in PRIVATE_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class DayFilter(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("day")


@admin.register(TurnRoute)
class TurnRouteAdmin(ReadOnlyAdmin):
    """Which model answered each turn and why, and what it cost. Turns that the guard ended are left out."""

    list_display = (
        "asked",
        "state_shown",
        "ending",
        "model_shown",
        "local",
        "tokens",
        "prompt_tokens_by_part",
        "cached",
        "answered_tokens",
        "cost",
        "memory_short",
        "why",
    )
    fields = (
        "asked",
        "state_shown",
        "ending",
        "model_shown",
        "local",
        "why",
        "memory",
        "tokens",
        "cached",
        "cost",
        "cost_parts",
        "conversation_cost",
    )
    list_filter = (ModelFilter, StateFilter, ("asked_at", DayFilter))
    ordering = ("-asked_at",)
    list_per_page = 50
    # Counting all turns would take longer than the page.
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TurnRoute]:
        turns: QuerySet[TurnRoute] = super().get_queryset(request)
        return turns.exclude(state__in=PRIVATE_STATES).only(*ROUTE_COLUMNS)

    @admin.display(description=_("asked"), ordering="asked_at")
    def asked(self, turn: TurnRoute) -> datetime:
        return turn.asked_at

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, turn: TurnRoute) -> str:
        return str(TurnState(turn.state).label)

    @admin.display(description=_("end reason"))
    def ending(self, turn: TurnRoute) -> str:
        return str(EndReason(turn.end_reason).label)

    @admin.display(description=_("model"), ordering="model")
    def model_shown(self, turn: TurnRoute) -> str:
        return turn.model

    @admin.display(description=_("local"), boolean=True)
    def local(self, turn: TurnRoute) -> bool | None:
        return turn.is_local if turn.model else None

    @admin.display(description=_("tokens"))
    def tokens(self, turn: TurnRoute) -> int:
        return turn.prompt_tokens + turn.answer_tokens

    @admin.display(description=_("instructions + remembered + question + lessons"))
    def prompt_tokens_by_part(self, turn: TurnRoute) -> str:
        costs = split_answer_cost(turn)
        return " + ".join(str(cost.tokens) for cost in costs if cost.part != CostPart.ANSWER)

    @admin.display(description=_("answer"), ordering="answer_tokens")
    def answered_tokens(self, turn: TurnRoute) -> int:
        return turn.answer_tokens

    @admin.display(description=_("cached"), ordering="cached_tokens")
    def cached(self, turn: TurnRoute) -> int:
        return turn.cached_tokens

    @admin.display(description=_("memory"), ordering="memory_policy")
    def memory(self, turn: TurnRoute) -> str:
        return str(MemoryPolicy(turn.memory_policy).label)

    @admin.display(description=_("memory"), ordering="memory_policy")
    def memory_short(self, turn: TurnRoute) -> str:
        return str(SHORT_POLICIES[MemoryPolicy(turn.memory_policy)])

    @admin.display(description=_("cost by part"))
    def cost_parts(self, turn: TurnRoute) -> str:
        costs = split_answer_cost(turn)
        lines = ((format_part_cost(cost),) for cost in costs if cost.tokens)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", lines)) if costs else "-"

    @admin.display(description=_("the conversation so far"))
    def conversation_cost(self, turn: TurnRoute) -> str:
        cost = get_conversation_costs(Turn.objects.filter(conversation__turns=turn.pk)).get(turn.pk)
        return format_conversation_cost(cost) if cost else "-"

    @admin.display(description=_("cost"), ordering="microdollars")
    def cost(self, turn: TurnRoute) -> str:
        return format_dollars(turn.microdollars)

    @admin.display(description=_("why this model"))
    def why(self, turn: TurnRoute) -> str:
        return format_route(turn)
