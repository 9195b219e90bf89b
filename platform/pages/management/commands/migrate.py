"""Django's `migrate`, which refuses a database that an older version of this site made."""

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
        refuse_older_database(connections[options["database"]])
        super().handle(*args, **options)


def refuse_older_database(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError where a migration of ours was applied that this version does not have."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    known = {label for label, _name in loader.disk_migrations}
    unknown = sorted(
        f"{label}.{name}"
        for label, name in set(loader.applied_migrations) - set(loader.disk_migrations)
        if label in known and Path(apps.get_app_config(label).path).parent in OURS
    )
    if unknown:
        raise CommandError(
            "This database was made by another version of Kitchen Table and cannot be brought up to date "
            f"({unknown[0]} is not known here). Nothing was changed in it. "
            + (
                "To delete the demo's data and begin anew: make reset"
                if settings.DEMO
                else "Begin with an empty one."
            )
        )
