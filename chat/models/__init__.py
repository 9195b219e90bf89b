"""Conversations and their turns, reports about turns, and the outages that some of them wait for."""

from chat.models.outages import (
    ModelOutage,
)
from chat.models.reports import (
    ACTION_LABELS,
    LEVEL_CHOICES,
    Report,
    ReportCount,
    ReportReason,
)
from chat.models.turns import (
    CHECK_IN_LAYER,
    FALLBACK_REASONS,
    LIVE_STATES,
    MAX_COMMENT_LENGTH,
    MAX_DEFERRAL,
    MAX_NAME_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_TITLE_LENGTH,
    QUEUED_AT,
    RETRYABLE_STATES,
    Conversation,
    EndReason,
    MemoryChoice,
    Note,
    Turn,
    TurnRoute,
    TurnState,
    WaitsFor,
)

__all__ = [
    "ACTION_LABELS",
    "CHECK_IN_LAYER",
    "FALLBACK_REASONS",
    "LEVEL_CHOICES",
    "LIVE_STATES",
    "MAX_COMMENT_LENGTH",
    "MAX_DEFERRAL",
    "MAX_NAME_LENGTH",
    "MAX_QUESTION_LENGTH",
    "MAX_TITLE_LENGTH",
    "QUEUED_AT",
    "RETRYABLE_STATES",
    "Conversation",
    "EndReason",
    "MemoryChoice",
    "ModelOutage",
    "Note",
    "Report",
    "ReportCount",
    "ReportReason",
    "Turn",
    "TurnRoute",
    "TurnState",
    "WaitsFor",
]
