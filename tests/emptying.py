"""Empties the tables after a test with real transactions.

Django truncates every table and recreates all content types and permissions, which takes most of the time of such a
test. Tests write to few tables, so this only truncates those that have rows.
"""

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

from routing.models import TutorModel

# Tables that `migrate` fills. Tests change only that of the models, which is put back below.
STANDING = {
    model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through, TutorModel)
}
DELETE = """
DO $$
DECLARE tables text[] := {tables}; name text; found boolean;
BEGIN
    -- Also rows that another process is about to write are seen below.
    EXECUTE 'LOCK TABLE ' || array_to_string(tables, ', ') || ' IN SHARE ROW EXCLUSIVE MODE';
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
    with transaction.atomic(), connection.cursor() as cursor:
        # A DO block takes no parameters.
        cursor.execute(sql.SQL(DELETE).format(tables=sql.Literal(tables)))
        TutorModel.objects.filter(is_from_settings=False).delete()
        TutorModel.objects.update(is_enabled=True, position=20, max_answers=None)


def use_it() -> None:
    def teardown(_case: TransactionTestCase) -> None:
        empty_tables()

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
