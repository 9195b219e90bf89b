"""This thread's database connection, and PostgreSQL advisory locks."""

from uuid import UUID

from django.db import connection


def release_connection() -> None:
    """Return this thread's database connection to the pool, before work that does not need it.

    Does nothing inside a transaction.
    """
    if not connection.in_atomic_block:
        connection.close()


def acquire_numbered_lock(number: int) -> None:
    """Hold an advisory lock until the transaction ends. Each caller uses its own `number`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def acquire_key_lock(key: UUID) -> None:
    """Hold an advisory lock on a key until the transaction ends, even if no row has that key yet."""
    acquire_numbered_lock(int.from_bytes(key.bytes[:8], signed=True))
