"""Tests without services, run by `make unit`. A test that opens a connection fails."""

import gc
import socket
from collections.abc import Iterable, Iterator
from typing import NoReturn

import psycopg
import pytest
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

# On a busy machine a single example may be slow, which says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

PARTS = {"db", "transactional_db", "django_db_setup", "web", "worker"}


def pytest_configure() -> None:
    # Imports and the collection make little garbage, and there is ever more to look through.
    gc.disable()


def pytest_collection_finish() -> None:
    """Exempt what imports and the collection made from garbage collection: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 20, 20)


class ReachedForAPart(AssertionError):
    """A unit test opened a connection."""


def _refuse(*_args: object, **_kwargs: object) -> NoReturn:
    raise ReachedForAPart(
        "A test of tests/unit needs no socket and no database. Others stand beside that folder."
    )


def refuse_parts(fixtures: Iterable[str]) -> None:
    if not PARTS.isdisjoint(fixtures):
        _refuse()


@pytest.fixture(autouse=True)
def _apart(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Refuse all connections. pytest-django itself refuses only those to the database.

    In a run with other tests, a shared site may have allowed connections.
    """
    refuse_parts(request.fixturenames)
    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, _refuse)
    for module in (psycopg, psycopg.Connection, psycopg.AsyncConnection):
        monkeypatch.setattr(module, "connect", _refuse)
    with django_db_blocker.block():
        yield


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield
