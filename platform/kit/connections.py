from uuid import UUID

from django.db import connection


def give_back() -> None:
    """Return this thread's database connection to the pool, for work that goes on without it for a while.

    A transaction that is still open keeps its connection.
    """
    if not connection.in_atomic_block:
        connection.close()


def lock_key(key: UUID) -> None:
    """Hold a lock on a key until the transaction ends, also where no row has it yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key.bytes[:8], signed=True)])
