"""The database connection of this thread, and locks in PostgreSQL that belong to no row."""

from uuid import UUID

from django.db import connection


def release_connection() -> None:
    """Return this thread's database connection to the pool, for work that goes on without it for a while.

    A transaction that is still open keeps its connection.
    """
    if not connection.in_atomic_block:
        connection.close()


def acquire_numbered_lock(number: int) -> None:
    """Hold the lock of this number until the transaction ends. Each use has a number that no other uses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def acquire_key_lock(key: UUID) -> None:
    """Hold a lock on a key until the transaction ends, also where no row has it yet."""
    acquire_numbered_lock(int.from_bytes(key.bytes[:8], signed=True))
