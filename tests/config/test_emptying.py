"""The tables are emptied after each test, even while a site or worker of that test is still writing."""

import time
from threading import Thread

import psycopg
import pytest
from django.db import connection

from accounts.models import Person
from tests.emptying import empty_tables


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_takes_tables_in_another_order_is_awaited(teen: Person) -> None:
    errors: list[psycopg.Error] = []

    def write(other: psycopg.Connection) -> None:
        try:
            # Long enough that the tables are being emptied.
            time.sleep(0.3)
            other.execute("UPDATE accounts_person SET display_name = 'Late'")
            other.commit()
        except psycopg.Error as error:
            errors.append(error)

    at = connection.get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{key: at[key] for key in keys if at.get(key)}) as other:
        other.execute("LOCK TABLE families_consent IN ROW EXCLUSIVE MODE")
        writing = Thread(target=write, args=(other,))
        writing.start()
        empty_tables()
        writing.join()
    assert errors == []
    assert not Person.objects.exists()
