"""The row of an ended turn as JSON, for the last entry of its stream: with it no reader has to ask the database.

Only the code that has committed an end may write it, because readers take it for the truth.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Field

from chat.models import Conversation, Turn

# Columns for workers alone. Some may have changed since the worker read the turn, and no reader needs them.
WORKER_COLUMNS = frozenset({"claim", "claimed_at", "claim_count", "lease_until", "stop_requested_at"})
OWNER = "owner_id"


def dump_ended_turn(turn: Turn, ended_fields: Mapping[str, object]) -> str:
    """Return the row of a turn that has ended, as its worker had claimed it, with the fields that it has ended with.

    Returns "" if they do not tell the whole row, so that readers ask the database: a retry may have been replaced, the
    database may have chosen a value, and the words of a question that the guard has stopped stay in the database.
    """
    is_judged_late = "level" in ended_fields
    is_chosen_by_database = any(hasattr(value, "resolve_expression") for value in ended_fields.values())
    if turn.retry_of_id or is_judged_late or is_chosen_by_database:
        return ""
    row = {
        column.attname: ended_fields.get(column.attname, getattr(turn, column.attname))
        for column in _list_columns()
        if column.attname not in WORKER_COLUMNS
    }
    # Django's encoder would cut times to milliseconds.
    return json.dumps(row | {OWNER: turn.conversation.owner_id}, default=str, separators=(",", ":"))


def load_ended_turn(row: str) -> Turn:
    """Return the turn of a row, as if it had been read from the database without the columns for workers.

    Of its conversation it has the id and the owner's id. It has no report yet.
    """
    values = json.loads(row)
    columns = [column for column in _list_columns() if column.attname in values]
    turn = Turn.from_db(
        DEFAULT_DB_ALIAS,
        [column.attname for column in columns],
        [column.to_python(values[column.attname]) for column in columns],
    )
    turn.conversation = Conversation.from_db(
        DEFAULT_DB_ALIAS, ["id", OWNER], [turn.conversation_id, values[OWNER]]
    )
    Turn.report.related.set_cached_value(turn, None)
    return turn


def _list_columns() -> "Sequence[Field[Any, Any]]":
    return Turn._meta.concrete_fields  # noqa: SLF001 - Django's documented interface
