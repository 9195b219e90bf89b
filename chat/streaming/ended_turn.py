"""The row of an ended turn as JSON, for the last entry of its stream, so that readers need not ask the database.

Only the code that ends the turn may write it, after its commit, because readers trust it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Field

from chat.models import Conversation, Turn

# Columns that only workers need. Some may have changed since the worker read the turn.
WORKER_COLUMNS = frozenset({"claim", "claimed_at", "claim_count", "lease_until", "stop_requested_at"})
OWNER_COLUMN = "owner_id"


def dump_ended_turn(turn: Turn, ended_fields: Mapping[str, object]) -> str:
    """Return the row as JSON. `turn` is as its worker claimed it, and `ended_fields` are what its end has changed.

    Returns "" if readers must ask the database instead: a retry may have been replaced, the database chooses a value
    of `ended_fields`, or the guard judged the question during the answer, and its text must not be copied to Valkey.
    """
    is_judged_late = "level" in ended_fields
    has_database_value = any(hasattr(value, "resolve_expression") for value in ended_fields.values())
    if turn.retry_of_id or is_judged_late or has_database_value:
        return ""
    row = {
        column.attname: ended_fields.get(column.attname, getattr(turn, column.attname))
        for column in _list_columns()
        if column.attname not in WORKER_COLUMNS
    }
    # Django's encoder would cut times to milliseconds.
    return json.dumps(row | {OWNER_COLUMN: turn.conversation.owner_id}, default=str, separators=(",", ":"))


def load_ended_turn(row: str) -> Turn:
    """Return the turn of a row, as if it had been read from the database without WORKER_COLUMNS.

    Its conversation has only its id and its owner's id. A turn that has just ended has no report.
    """
    values = json.loads(row)
    columns = [column for column in _list_columns() if column.attname in values]
    turn = Turn.from_db(
        DEFAULT_DB_ALIAS,
        [column.attname for column in columns],
        [column.to_python(values[column.attname]) for column in columns],
    )
    turn.conversation = Conversation.from_db(
        DEFAULT_DB_ALIAS, ["id", OWNER_COLUMN], [turn.conversation_id, values[OWNER_COLUMN]]
    )
    Turn.report.related.set_cached_value(turn, None)
    return turn


def _list_columns() -> "Sequence[Field[Any, Any]]":
    return Turn._meta.concrete_fields  # noqa: SLF001 - Django's documented interface
