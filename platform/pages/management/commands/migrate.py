"""Django's `migrate`, which rejects a database that another version of this site created."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader

PLATFORM = Path(__file__).resolve().parents[3]
OURS = (PLATFORM, PLATFORM.parent)


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        require_known_migrations(connections[options["database"]])
        super().handle(*args, **options)


def require_known_migrations(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError if another version of this site created the database.

    Its migrations may be unknown here, may be applied in an order that ours exclude, or may have had the same names and
    other columns: before the first release, migrations are edited in place.
    """
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    labels = {label for label, _name in loader.disk_migrations if _is_ours(label)}
    applied = {key for key in loader.applied_migrations if key[0] in labels}
    if unknown := sorted(applied - set(loader.disk_migrations)):
        raise _build_error(f"unknown migration: {'.'.join(unknown[0])}")
    try:
        loader.check_consistent_history(connection)
    except InconsistentMigrationHistory as error:
        raise _build_error("a migration is missing") from error
    if table := _find_changed_table(connection, loader, applied):
        raise _build_error(f"table with other columns: {table}")


def _is_ours(label: str) -> bool:
    return Path(apps.get_app_config(label).path).parent in OURS


def _find_changed_table(
    connection: BaseDatabaseWrapper, loader: MigrationLoader, applied: Collection[tuple[str, str]]
) -> str | None:
    """Return a table whose columns are not those that its applied migrations create, or None."""
    if not applied:
        return None
    state = loader.project_state(sorted(applied))
    tables = [
        model._meta  # noqa: SLF001 - documented by Django
        for label in {label for label, _name in applied}
        for model in state.apps.get_app_config(label).get_models(include_auto_created=True)
    ]
    expected = {
        table.db_table: {field.column for field in table.local_concrete_fields}
        for table in tables
        if not table.proxy
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_schema = current_schema() GROUP BY table_name"
        )
        actual = {table: set(columns) for table, columns in cursor.fetchall()}
    return next((table for table, columns in sorted(expected.items()) if actual.get(table) != columns), None)


def _build_error(reason: str) -> CommandError:
    return CommandError(
        "This database was created by another version of Kitchen Table and cannot be updated "
        f"({reason}). Nothing was changed in it. "
        + (
            "To delete the demo data and start over, run: make reset"
            if settings.DEMO
            else "Start with an empty database."
        )
    )
