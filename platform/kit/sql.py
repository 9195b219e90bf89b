"""Reads SQL statements from `.sql` files beside the module that runs them, and models from what they return."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection, models


def read_sql(file: str, name: str) -> str:
    """Return the statement in `name`.sql beside `file`, which is the caller's `__file__`.

    Modules read their statements on import. Values are passed as named parameters, so a literal `%` is written `%%`.
    """
    return Path(file).with_name(f"{name}.sql").read_text(encoding="utf-8")


def list_columns(model: type[models.Model], row: str) -> str:
    """Return the SQL list of a model's columns in `row`, a value of its table's row type."""
    return ", ".join(f"({row}).{field.column}" for field in _list_fields(model))


def build_instance[M: models.Model](model: type[M], values: Iterator[Any]) -> M:
    """Build a stored instance from the next `values`, one for each of `list_columns`."""
    fields = _list_fields(model)
    converted = [
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(fields, itertools.islice(values, len(fields)), strict=True)
    ]
    return model.from_db(connection.alias, [field.attname for field in fields], converted)


def _list_fields(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)  # noqa: SLF001 - Django documents it
