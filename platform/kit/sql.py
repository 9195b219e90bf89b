"""Reads SQL statements from `.sql` files beside the module that runs them."""

from pathlib import Path


def read_sql(file: str, name: str) -> str:
    """Return the statement in `name`.sql beside `file`, which is the caller's `__file__`.

    Modules read their statements on import. Values are passed as named parameters, so a literal `%` is written `%%`.
    """
    return Path(file).with_name(f"{name}.sql").read_text(encoding="utf-8")
