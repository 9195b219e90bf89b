from django.db import connection


def give_back() -> None:
    """Return this thread's database connection to the pool, for work that goes on without it for a while.

    A transaction that is still open keeps its connection.
    """
    if not connection.in_atomic_block:
        connection.close()
