"""A question costs the database few statements, whatever else is on, and none of them reads what others wrote."""

import re
from itertools import count

import pytest
from django.db import connection

from accounts.models import Person
from desk.load.generating import LoadSize, generate_load
from tests.statements import Way, count_statements

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library", "unnudged")]

# Session and person are among the statements to ask. The worker's include its next claim.
MOST = {"asking": 6, "following": 0, "worker": 4}
# Session with person, and turn. The end of the turn comes on its stream.
MAX_FOR_EVENTS = 2
# All of them when the turn has ended: what the composer shows, and what the conversation has cost.
MAX_FOR_PAGE = 8


def test_a_question_costs_few_statements(teen: Person) -> None:
    statements = count_statements(teen, "Why is the sky blue?")
    assert all(count <= MOST[name] for name, count in statements.counts.items()), statements


@pytest.mark.parametrize(("way", "most"), [(Way.TWO_REQUESTS, MAX_FOR_EVENTS), (Way.PAGE, MAX_FOR_PAGE)])
def test_following_by_another_request_costs_few(way: Way, most: int, teen: Person) -> None:
    statements = count_statements(teen, "Why is the sky blue?", way)
    assert len(statements.following) <= most, statements.following


def test_a_page_opens_its_stream_and_gets_the_answer_without_a_statement(teen: Person) -> None:
    statements = count_statements(teen, "Why is the sky blue?", Way.PAGE)
    assert not [sql for sql in statements.following if "accounts_session" in sql]
    # The composer looks for a card that pauses the tutor, not for the turn.
    reads_turn = [sql for sql in statements.following if 'FROM "chat_turn"' in sql and '"answer"' in sql]
    assert not [sql for sql in reads_turn if '"resumed_at" IS NULL' not in sql]


def explain(statement: str) -> str:
    """Return the plan that PostgreSQL makes for a prepared statement whatever its parameters are."""
    numbers = count(1)
    prepared = re.sub("%s", lambda _match: f"${next(numbers)}", statement)
    with connection.cursor() as cursor:
        # Without server-side binding of its own: the parameters stay open.
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {prepared}")
        return "\n".join(line for (line,) in cursor.fetchall())


def list_large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= 1000")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("people", [12, 1_200])
def test_no_statement_reads_a_whole_table_of_a_large_site(people: int, teen: Person) -> None:
    generate_load(size=LoadSize(turns=4_000, people=people, events=0))
    large = list_large_tables()
    assert {"budgets_ledgerentry", "chat_turn"} <= large
    statements = count_statements(teen, "Why is the sky blue?")
    for sql in (*statements.asking, *statements.following, *statements.worker):
        if sql.startswith("SELECT"):
            whole = set(re.findall(r"Seq Scan on (\w+)", explain(sql)))
            assert not whole & large, sql
