"""Empties the tables after a test with real transactions.

Django truncates every table and recreates all content types and permissions, which takes most of the time of such a
test. Tests write to few tables, so this only truncates those that have rows.
"""

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase
from psycopg import sql
from psycopg.errors import LockNotAvailable

from routing.models import TutorModel
from tests import live

# Tables that `migrate` fills. Tests change only that of the models, which is put back below.
STANDING = {
    model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through, TutorModel)
}
DELETE = """
DO $$
DECLARE tables text[] := {tables}; name text; found boolean;
BEGIN
    -- Also rows that another process is about to write are seen below.
    EXECUTE 'LOCK TABLE ' || array_to_string(tables, ', ') || ' IN SHARE ROW EXCLUSIVE MODE NOWAIT';
    -- Neither keys nor the triggers that keep the ledger as it is.
    SET LOCAL session_replication_role = replica;
    FOREACH name IN ARRAY tables LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO found;
        IF found THEN
            EXECUTE 'DELETE FROM ' || name;
        END IF;
    END LOOP;
END $$
"""


def empty_tables() -> None:
    quote = connection.ops.quote_name
    present = set(connection.introspection.table_names())
    named = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    tables = [quote(name) for name in sorted(named & present - STANDING)]
    # A DO block takes no parameters.
    statement = sql.SQL(DELETE).format(tables=sql.Literal(tables))
    live.wait_until(lambda: _try_to_empty(statement), what="other processes to end their transactions")


def _try_to_empty(statement: sql.Composed) -> bool:
    """Empty the tables, or return False if a site or worker of the test is still writing to one.

    A process that waits for one table while it holds others may become the victim of a deadlock, so this never waits.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            TutorModel.objects.filter(is_from_settings=False).delete()
            TutorModel.objects.update(is_enabled=True, position=20, max_answers=None)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return False
        raise
    return True


def use_it() -> None:
    def teardown(_case: TransactionTestCase) -> None:
        empty_tables()

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
