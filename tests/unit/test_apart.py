"""Unit tests cannot reach anything outside this process, even if services are running."""

import socket

import psycopg
import pytest

from accounts.models import Person
from tests.unit.conftest import ReachedForAPart, refuse_parts


def test_no_socket_is_opened() -> None:
    with socket.socket() as sock, pytest.raises(ReachedForAPart):
        sock.connect(("127.0.0.1", 1))
    with socket.socket() as sock, pytest.raises(ReachedForAPart):
        sock.bind(("127.0.0.1", 0))


def test_no_database_is_asked() -> None:
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Person.objects.exists()
    with pytest.raises(ReachedForAPart):
        psycopg.connect("postgres:///kitchen_table")


@pytest.mark.parametrize("fixture", ["db", "transactional_db", "web"])
def test_a_fixture_that_is_a_part_is_refused(fixture: str) -> None:
    with pytest.raises(ReachedForAPart):
        refuse_parts(["tmp_path", fixture])
    refuse_parts(["tmp_path"])
