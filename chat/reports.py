"""Reports of answers, cards and refusals. They show where the guard is wrong.

Without the reporter's consent only a count is kept. With it, staff may read that turn until the report is withdrawn.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from chat.models import ACTION_LABELS, Report, ReportCount, ReportReason, Turn, TurnState
from chat.selectors import list_turns
from chat.turns.verdicts import get_action
from guard import Action
from kit.rate_limits import RateLimit
from kit.texts import normalize_text
from safeguarding.counts import record_misread_card

report_rate_limit = RateLimit("reports", "10/minute;60/hour")
REPORT_RETENTION = timedelta(days=180)
CUT = "cut"


class NothingToReport(Exception):
    """The turn is still being written, or has nothing that could be reported."""


@transaction.atomic
def create_report(*, turn: Turn, reason: str = "", comment: str = "", shared: bool = False) -> Report:
    """Count a report of a turn, once. Its reason and comment are kept only if `shared`.

    An earlier report of the turn stays as it is. The caller has checked the comment's length. Raises NothingToReport.
    """
    if not turn.is_reportable:
        raise NothingToReport
    reason = _choose_reason(turn, reason)
    shared_fields = {
        "reason": reason,
        "comment": normalize_text(comment).strip(),
        "shared_at": timezone.now(),
    }
    report, is_new = Report.objects.get_or_create(turn=turn, defaults=shared_fields if shared else {})
    if is_new:
        _count_report(turn, reason)
        if turn.state == TurnState.CARDED:
            record_misread_card(level=turn.level)
    return report


def _choose_reason(turn: Turn, reason: str) -> str:
    """Return a valid reason for an answer; "" for a card or a refusal."""
    if not turn.answer:
        return ""
    return reason if reason in ReportReason.values else ReportReason.OTHER


def _count_report(turn: Turn, reason: str) -> None:
    for category in turn.categories or [""]:
        row, _is_new = ReportCount.objects.get_or_create(
            month=timezone.now().date().replace(day=1),
            action=get_taken_action(turn),
            layer=turn.layer,
            category=category,
            reason=reason,
        )
        ReportCount.objects.filter(pk=row.pk).update(count=F("count") + 1)


@transaction.atomic
def withdraw_report(*, turn: Turn) -> None:
    """Clear a report, so that only its existence is kept. Idempotent."""
    Report.objects.filter(turn=turn).update(
        shared_at=None, reason="", comment="", correct_level="", correct_action=""
    )


def delete_expired_reports(*, now: datetime | None = None) -> int:
    """Delete the reports that are past their retention. Returns how many."""
    before = (now or timezone.now()) - REPORT_RETENTION
    return Report.objects.filter(created_at__lt=before).delete()[0]


def list_reports(person: Person) -> QuerySet[Report]:
    return Report.objects.filter(turn__in=list_turns(person)).select_related("turn")


def list_shared_reports() -> QuerySet[Report]:
    """Return the reports that staff may read, because their reporters agreed."""
    return Report.objects.filter(shared_at__isnull=False).select_related("turn").order_by("created_at")


def get_taken_action(turn: Turn) -> str:
    return CUT if turn.state == TurnState.CUT else str(get_action(turn))


def format_action(action: str) -> str:
    """Return the name of what the guard did, as get_taken_action returns it, for the admin pages."""
    return str(_("cut answer") if action == CUT else ACTION_LABELS[Action(action)])


def iterate_examples(reports: QuerySet[Report]) -> Iterator[dict[str, Any]]:
    """Yield shared reports as examples for measuring the guard, one dict per report.

    `level` and `action` are correct as judged by staff, and None until then; `verdict_was` is the guard's verdict. An
    example has either `text` (a question) or `turns` (a question and its answer).
    """
    for report in reports.iterator(chunk_size=200):
        turn = report.turn
        yield {
            "id": str(report.pk),
            **_build_text(turn),
            "level": report.correct_level or None,
            "action": report.correct_action or None,
            "verdict_was": {
                "level": turn.level,
                "action": get_taken_action(turn),
                "categories": turn.categories,
                "layer": turn.layer,
            },
            "reason": report.reason or None,
            "comment": report.comment or None,
        }


def _build_text(turn: Turn) -> dict[str, Any]:
    if not turn.answer:
        return {"text": turn.question}
    return {
        "turns": [{"role": "user", "text": turn.question}, {"role": "assistant", "text": turn.answer}],
    }
