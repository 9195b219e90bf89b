"""Django's `migrate`, which rejects a database that another version of this site created."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

PLATFORM = Path(__file__).resolve().parents[3]
OURS = (PLATFORM, PLATFORM.parent)


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        require_known_migrations(connections[options["database"]])
        super().handle(*args, **options)


def require_known_migrations(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError if an unknown migration of one of our apps was applied."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    known = {label for label, _name in loader.disk_migrations}
    unknown = sorted(
        f"{label}.{name}"
        for label, name in set(loader.applied_migrations) - set(loader.disk_migrations)
        if label in known and Path(apps.get_app_config(label).path).parent in OURS
    )
    if unknown:
        raise CommandError(
            "This database was created by another version of Kitchen Table and cannot be updated "
            f"(unknown migration: {unknown[0]}). Nothing was changed in it. "
            + (
                "To delete the demo data and start over, run: make reset"
                if settings.DEMO
                else "Start with an empty database."
            )
        )
