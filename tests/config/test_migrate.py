"""`migrate` refuses a database of an older version and changes nothing in it."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_a_database_of_this_version_is_migrated() -> None:
    call_command("migrate", verbosity=0)


@pytest.mark.parametrize(
    ("is_demo", "advice"), [(True, "make reset"), (False, "Start with an empty database")]
)
def test_a_database_of_another_version_is_rejected_with_advice(
    is_demo: bool, advice: str, settings: Settings
) -> None:
    settings.DEMO = is_demo
    recorder = MigrationRecorder(connection)
    recorder.record_applied("chat", "0017_consent_ending")
    before = recorder.applied_migrations()
    with pytest.raises(CommandError, match=rf"unknown migration: chat\.0017_consent_ending.*{advice}"):
        call_command("migrate", verbosity=0)
    assert recorder.applied_migrations() == before


def test_a_database_whose_tables_have_other_columns_is_rejected() -> None:
    """Before the first release, migrations are edited in place and keep their names."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chat_turn RENAME COLUMN model TO model_name")
    with pytest.raises(CommandError, match=r"table with other columns: chat_turn.*Nothing was changed"):
        call_command("migrate", verbosity=0)


def test_a_database_without_a_migration_that_others_need_is_rejected() -> None:
    MigrationRecorder(connection).record_unapplied("routing", "0001_initial")
    with pytest.raises(CommandError, match="a migration is missing"):
        call_command("migrate", verbosity=0)


def test_a_removed_migration_of_a_library_is_ignored() -> None:
    MigrationRecorder(connection).record_applied("sessions", "0009_removed")
    call_command("migrate", verbosity=0)
