"""Generates turns, and what they would have left behind: conversations, periods, holds, entries and usage."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, models

from accounts.models import Person
from budgets.allowances import get_site_budget
from budgets.models import (
    SITE_SHARDS,
    Budget,
    EntryKind,
    Hold,
    LedgerEntry,
    Period,
    UsageRecord,
)
from chat.models import Conversation, Turn
from kit.sql import read_sql
from routing.models import TutorModel
from routing.registry import list_models
from safeguarding.protocol import get_protocol_version

MICRODOLLARS = 1_000_000
# The models beside the site's own, with their share of the turns and micro-dollars per million tokens.
OUTSIDE_MODELS = (("Load small", "load-small", 0.3, (150_000, 75_000, 600_000)),
                  ("Load large", "load-large", 0.1, (3_000_000, 300_000, 15_000_000)))  # fmt: skip

_DRAW, _PLACE, _LINK, _FUND = (
    read_sql(__file__, name) for name in ("draw_turns", "place_turns", "link_periods", "fund_periods")
)


def _create_models() -> None:
    """Write `load_model`: the site's own model with most of the turns, and two outside models that can't be asked."""
    own = next((model for model in list_models() if model.is_local), None)
    execute(
        "CREATE TEMP TABLE load_model (id bigint, model_name text, is_local boolean, input_price bigint,"
        " cached_input_price bigint, output_price bigint, draw_from float, draw_to float) ON COMMIT DROP"
    )
    rows: list[list[object]] = []
    end = 1.0
    for name, model_name, share, (input_price, cached_price, output_price) in OUTSIDE_MODELS:
        # Disabled, and on a host that the environment doesn't allow.
        model = TutorModel.objects.create(
            name=name,
            model_name=model_name,
            base_url="https://load.invalid/v1",
            is_enabled=False,
            input_price=input_price,
            cached_input_price=cached_price,
            output_price=output_price,
        )
        rows.append([model.pk, model_name, False, input_price, cached_price, output_price, end - share, end])
        end -= share
    rows.append([own.pk if own else None, own.model_name if own else "local", True, 0, 0, 0, 0.0, end])
    for row in rows:
        execute(f"INSERT INTO load_model VALUES ({', '.join(['%s'] * len(row))})", row)  # noqa: S608 - placeholders only


def create_turns(*, turns: int, days: int, seed: int, prefix: str, now: datetime) -> None:
    """Draw the turns of people whose usernames start with `prefix`, then write what they would have left behind."""
    site = get_site_budget()
    values = {
        "turns": turns,
        "days": days,
        "now": now,
        "shards": SITE_SHARDS,
        "site": site.pk,
        "site_zone": str(site.zone),
    }
    # A number between -1 and 1, for PostgreSQL's random().
    execute("SELECT setseed(%s)", [1 / (1 + abs(seed))])
    _create_models()
    execute(
        "CREATE TEMP TABLE load_asker ON COMMIT DROP AS"
        " SELECT row_number() OVER (ORDER BY random())::integer AS number, person.id AS person_id,"
        " budget.id AS budget_id, family.id AS family_id, person.time_zone AS zone, person.language"
        " FROM accounts_person AS person JOIN budgets_budget AS budget ON budget.owner_id = person.id"
        " LEFT JOIN budgets_budget AS family ON family.id = budget.parent_id AND family.scope = 'family'"
        " WHERE starts_with(person.username, %s)",
        [prefix],
    )
    _execute_script(_DRAW, values)
    _execute_script(_PLACE, values)
    _limit_site(site)
    _create_periods()
    _execute_script(_LINK, values)
    _execute_script(_FUND, values)
    _create_ledger_rows()
    _create_usage()
    _create_conversations()
    _count_cards()
    analyze(Person, Budget, Period, Hold, LedgerEntry, UsageRecord, Conversation, Turn)


def _execute_script(script: str, values: dict[str, object]) -> None:
    """Execute statements one by one, as a prepared statement has only one."""
    for statement in script.split(";\n"):
        if statement.strip():
            used = {name: value for name, value in values.items() if f"%({name})s" in statement}
            execute(statement, used)


def _limit_site(site: Budget) -> None:
    """Give a site without a limit or a period one that its dearest month nearly reaches."""
    if site.microdollars is not None or Period.objects.filter(budget=site).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(spent), 0)::bigint FROM (SELECT sum(microdollars) AS spent FROM load_turn"
            " GROUP BY date_trunc('month', asked_at)) AS months"
        )
        dearest = int(cursor.fetchone()[0])
    tens = -(-dearest * 6 // 5 // (10 * MICRODOLLARS))
    site.microdollars = max(1, tens) * 10 * MICRODOLLARS
    site.save(update_fields=["microdollars"])


def _create_periods() -> None:
    insert_from(
        Period,
        "load_period AS new JOIN budgets_budget AS budget ON budget.id = new.budget_id WHERE NOT EXISTS ("
        "SELECT FROM budgets_period AS old WHERE old.budget_id = new.budget_id AND old.shard = new.shard"
        " AND old.starts_at = new.starts_at)",
        {
            "budget_id": "new.budget_id",
            "shard": "new.shard",
            "starts_at": "new.starts_at",
            "ends_at": "new.ends_at",
            "recheck_at": "new.ends_at",
            "limits_tokens": "budget.tokens IS NOT NULL",
            "limits_microdollars": "budget.microdollars IS NOT NULL",
        },
    )


def _create_ledger_rows() -> None:
    """Write the holds, and the entries of allowances, holds and what became of them."""
    held = "load_turn WHERE has_hold"
    insert_from(
        Hold,
        held,
        {
            "key": "id",
            "period_id": "period_id",
            "family_period_id": "family_period_id",
            "site_period_id": "site_period_id",
            "prompt_tokens": "held_prompt",
            "answer_tokens": "held_answer",
            "microdollars": "held_microdollars",
            "state": "CASE WHEN state = 'failed' THEN 'released' ELSE 'settled' END",
            "created_at": "asked_at",
            "expires_at": "asked_at + interval '15 minutes'",
            "resolved_at": "ended_at",
        },
    )
    _insert_entries(
        EntryKind.ALLOWANCE,
        "load_funding WHERE more_tokens > 0 OR more_microdollars > 0",
        {"period_id": "id", "tokens": "more_tokens", "microdollars": "more_microdollars", "at": "starts_at"},
    )
    at_end = {"hold_id": "id", "at": "ended_at"}
    cost = {"tokens": "prompt_tokens + answer_tokens", "microdollars": "microdollars"}
    _insert_entries(
        EntryKind.HOLD,
        held,
        {
            "hold_id": "id",
            "at": "asked_at",
            "tokens": "held_prompt + held_answer",
            "microdollars": "held_microdollars",
        },
    )
    _insert_entries(EntryKind.SETTLE, f"{held} AND state <> 'failed'", at_end | cost)
    _insert_entries(
        EntryKind.RELEASE,
        f"{held} AND state = 'failed'",
        at_end | {"tokens": "held_prompt + held_answer", "microdollars": "held_microdollars"},
    )
    _insert_entries(
        EntryKind.ABSORB,
        f"{held} AND state = 'failed' AND prompt_tokens > 0",
        at_end | cost | {"period_id": "site_period_id"},
    )


def _create_usage() -> None:
    """Write which model did the work of each hold, and what its parts cost, as `chat.turns.outcomes` would have."""
    memory = "(turns + notes)"
    cached_memory = f"least(greatest(cached_tokens - 350, 0), {memory})"
    price = "(({tokens}) * input_price + ({cached}) * cached_input_price) / 1000000"
    insert_from(
        UsageRecord,
        "load_turn AS turn JOIN budgets_budget AS budget ON budget.id = turn.budget_id WHERE turn.prompt_tokens > 0",
        {
            "hold_id": "turn.id",
            "at": "turn.ended_at",
            "budget_id": "turn.budget_id",
            "plan_id": "budget.plan_id",
            "model": "turn.model_name",
            "is_local": "turn.is_local",
            "memory_policy": "'notes'",
            "is_absorbed": "turn.state = 'failed'",
            "tokens": "turn.prompt_tokens + turn.answer_tokens",
            "prompt_tokens": "turn.prompt_tokens",
            "question_tokens": "turn.question",
            "memory_tokens": memory,
            "cached_tokens": "turn.cached_tokens",
            "microdollars": "turn.microdollars",
            "prompt_microdollars": price.format(
                tokens="prompt_tokens - cached_tokens", cached="cached_tokens"
            ),
            "memory_microdollars": price.format(tokens=f"{memory} - {cached_memory}", cached=cached_memory),
        },
    )


def _insert_entries(kind: EntryKind, source: str, columns: dict[str, str]) -> None:
    insert_from(LedgerEntry, source, {"kind": f"'{kind.value}'"} | columns)


def _create_conversations() -> None:
    insert_from(
        Conversation,
        "load_conversation",
        {
            "id": "id",
            "owner_id": "person_id",
            "title": "'A generated conversation'",
            "started_at": "started_at",
            "asked_at": "asked_at",
        },
    )
    prompt_parts = (
        "jsonb_build_object('instructions', 350, 'notes', notes, 'turns', turns, 'question', question,"
        " 'after_question', after_question)"
    )
    insert_from(
        Turn,
        "load_turn",
        {
            "id": "id",
            "conversation_id": "conversation_id",
            "asked_at": "asked_at",
            "asking_since": "asked_at",
            "ended_at": "ended_at",
            "question": "'Why does it say things that are not true?'",
            "answer": "CASE WHEN answer_tokens > 0 THEN repeat('It predicts likely words. ', 8) ELSE '' END",
            "language": "language",
            "state": "state",
            "end_reason": (
                "CASE state WHEN 'failed' THEN 'model_silent' WHEN 'stopped' THEN 'stopped_by_asker' ELSE '' END"
            ),
            "level": "level",
            "prompt_parts": f"CASE WHEN prompt_tokens > 0 THEN {prompt_parts} ELSE '{{}}'::jsonb END",
            "cached_tokens": "cached_tokens",
            "prompt_tokens": "prompt_tokens",
            "answer_tokens": "answer_tokens",
            "microdollars": "microdollars",
            "tutor_model_id": "CASE WHEN has_hold THEN model_id END",
            "model": "CASE WHEN has_hold THEN model_name ELSE '' END",
            "is_local": "is_local OR NOT has_hold",
            "input_price": "input_price",
            "cached_input_price": "cached_input_price",
            "output_price": "output_price",
        },
    )


def _count_cards() -> None:
    """Add the cards to the weekly counts, as `safeguarding.counts` would have."""
    execute(
        "INSERT INTO safeguarding_weeklycount (week_start, kind, level, protocol, count)"
        " SELECT greatest(date_trunc('week', ended_at AT TIME ZONE 'UTC'),"
        " date_trunc('year', ended_at AT TIME ZONE 'UTC'))::date,"
        " 'card', level, %s, count(*) FROM load_turn WHERE state = 'carded' GROUP BY 1, 3"
        " ON CONFLICT (week_start, kind, level, protocol)"
        " DO UPDATE SET count = safeguarding_weeklycount.count + excluded.count",
        [get_protocol_version()],
    )


def insert_from(model: type[models.Model], source: str, columns: Mapping[str, str]) -> int:
    """Insert a row for each row of `source`. Return how many.

    `columns` has SQL expressions by column. Other columns get their field's default, so a field that is added to the
    model later needs no change here.
    """
    defaults = {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django documents it
        if field.column not in columns and not field.generated and not isinstance(field, models.AutoField)
    }
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in (*columns, *defaults))
    values = ", ".join([*columns.values(), *("%s" for _ in defaults)])
    return execute(
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) SELECT {values} FROM {source}",  # noqa: S608, SLF001 - names of this program alone
        list(defaults.values()),
    )


def execute(statement: str, values: list[Any] | dict[str, Any] | None = None) -> int:
    """Execute one statement, or several without values. Return the number of rows of the last."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def analyze(*tables: type[models.Model]) -> None:
    """Let PostgreSQL learn what these tables hold, before it plans queries of them."""
    for model in tables:
        execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")  # noqa: SLF001 - Django documents it
