"""What people say against an answer, a card or a refusal. It teaches us where the guard is wrong.

Without their consent only a number is kept. With it, staff may read that one turn, until it is taken back.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Person
from chat.models import RETRIED_STATES, Reason, Report, ReportCount, State, Turn
from chat.selectors import turns_of
from chat.turns.verdicts import action_of
from kit.texts import normalize_text
from kit.throttles import Throttle

report_throttle = Throttle("reports", "10/minute;60/hour")
REPORTS_KEPT_FOR = timedelta(days=180)
CUT = "cut"


class NothingToReport(Exception):
    """The turn is still being written, or came to nothing that anybody could object to."""


def may_be_reported(turn: Turn) -> bool:
    return not turn.is_live and (bool(turn.answer) or turn.state not in RETRIED_STATES)


@transaction.atomic
def report_make(*, turn: Turn, reason: str = "", words: str = "", shared: bool = False) -> Report:
    """Count a report of a turn, once. The reason and the words of it are kept only if they are `shared`.

    A turn that was reported before stays as it is. The caller has checked the words' length. Raises NothingToReport.
    """
    if not may_be_reported(turn):
        raise NothingToReport
    reason = _reason_for(turn, reason)
    said = {
        "reason": reason,
        "words": normalize_text(words).strip(),
        "shared_at": timezone.now(),
    }
    report, is_new = Report.objects.get_or_create(turn=turn, defaults=said if shared else {})
    if is_new:
        _count(turn, reason)
    return report


def _reason_for(turn: Turn, reason: str) -> str:
    """One of the reasons for an answer; a card or a refusal was just not what was meant."""
    if not turn.answer:
        return ""
    return reason if reason in Reason.values else Reason.OTHER


def _count(turn: Turn, reason: str) -> None:
    for category in turn.categories or [""]:
        row, _is_new = ReportCount.objects.get_or_create(
            month=timezone.now().date().replace(day=1),
            action=told_action(turn),
            layer=turn.layer,
            category=category,
            reason=reason,
        )
        ReportCount.objects.filter(pk=row.pk).update(count=F("count") + 1)


@transaction.atomic
def report_take_back(*, turn: Turn) -> None:
    """Keep nothing of a report any more but that there was one. Doing so twice does it once."""
    Report.objects.filter(turn=turn).update(
        shared_at=None, reason="", words="", right_level="", right_action=""
    )


def reports_forget(*, now: datetime | None = None) -> int:
    """Delete the reports that are past their days. Returns how many there were."""
    before = (now or timezone.now()) - REPORTS_KEPT_FOR
    return Report.objects.filter(made_at__lt=before).delete()[0]


def reports_of(person: Person) -> QuerySet[Report]:
    return Report.objects.filter(turn__in=turns_of(person)).select_related("turn")


def reports_shared() -> QuerySet[Report]:
    """What staff may read: the reports whose writers agreed to that."""
    return Report.objects.filter(shared_at__isnull=False).select_related("turn").order_by("made_at")


def told_action(turn: Turn) -> str:
    return CUT if turn.state == State.WITHHELD else str(action_of(turn))


def examples(reports: QuerySet[Report]) -> Iterator[dict[str, Any]]:
    """Shared reports as examples for measuring the guard, one object a report.

    `level` and `action` are what is right, by the judgement of staff, and None until they have judged;
    `verdict_was` is what the guard said. `text` is a question; `turns` is a question and the answer that it got.
    """
    for report in reports.iterator(chunk_size=200):
        turn = report.turn
        yield {
            "id": str(report.pk),
            **_said(turn),
            "level": report.right_level or None,
            "action": report.right_action or None,
            "verdict_was": {
                "level": turn.level,
                "action": told_action(turn),
                "categories": turn.categories,
                "layer": turn.layer,
            },
            "reason": report.reason or None,
            "words": report.words or None,
        }


def _said(turn: Turn) -> dict[str, Any]:
    if not turn.answer:
        return {"text": turn.question}
    return {
        "turns": [{"role": "user", "text": turn.question}, {"role": "assistant", "text": turn.answer}],
    }
