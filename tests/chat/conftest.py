from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from chat.answering.worker import TurnWorker
from chat.asking.services import start_turn
from chat.models import Conversation, EndReason, ModelOutage, Turn
from guard import AnswerJudge, Verdict
from routing.registry import create_settings_model
from tests.chat.verdicts import build_judge
from tests.live import wait_until

Ask = Callable[..., Turn]
Judged = Callable[[Verdict], None]


@pytest.fixture
def ask() -> Ask:
    def asking(person: Person, question: str = "Why is the sky blue?", **how: object) -> Turn:
        return start_turn(person=person, turn_id=uuid4(), question=question, **how).turn  # type: ignore[arg-type]

    return asking


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judged:
    """Make the guard return the same verdict for every question."""

    def judge(verdict: Verdict) -> None:
        for room in ("asking.assessment", "asking.services", "turns.verdicts"):
            monkeypatch.setattr(f"chat.{room}.judge_question", build_judge(verdict))

    return judge


@pytest.fixture
def unnudged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep questions from a worker that other tests of this process may have started."""
    monkeypatch.setattr("chat.turns.queue.nudge_worker", lambda _turn_id: None)
    monkeypatch.setattr("chat.turns.queue.nudge_deferred", lambda: None)


@pytest.fixture
def short_answers(settings: Settings) -> None:
    """Let the demo model write half as much, for tests that do not check the length."""
    settings.TUTOR_ANSWER_TOKENS = 60


@pytest.fixture
def small(settings: Settings) -> None:
    """Answer every question with the small profile, as the demo does."""
    settings.TUTOR_PROMPT_PROFILE = "small"


@pytest.fixture
def outage(db: None) -> ModelOutage:
    """A model outage of three minutes, declared."""
    began = timezone.now() - timedelta(minutes=3)
    return ModelOutage.objects.create(
        model=create_settings_model(),
        began_at=began,
        declared_at=began,
        end_reason=EndReason.MODEL_UNREACHABLE,
        failed_answers=2,
        failed_probes=9,
    )


def written(turn: Turn, judge_sentence: AnswerJudge | None = None) -> Turn:
    """Return the turn after a worker of this process has written it. For tests with real transactions."""
    worker = TurnWorker(max_answers=1, judge_sentence=judge_sentence)
    worker.claim_next()
    wait_until(lambda: not worker.answers, what="the answer")
    worker.is_closing = True
    turn.refresh_from_db()
    return turn


@pytest.fixture
def turn(teen: Person, ask: Ask) -> Turn:
    """The teen's first question, waiting for a worker."""
    return ask(teen)


@pytest.fixture
def conversation(turn: Turn) -> Conversation:
    return turn.conversation
