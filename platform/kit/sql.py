"""Statements of more than a few lines stand in files of their own, beside the module that runs them."""

from pathlib import Path


def read_sql(file: str, name: str) -> str:
    """The statement in `name`.sql beside `file`, which is the calling module's `__file__`.

    A module reads its statements once, when it is imported. Values go in as named parameters, so a `%` that is meant
    is written twice.
    """
    return Path(file).with_name(f"{name}.sql").read_text(encoding="utf-8")
