"""Who had signed up before places were confirmed and counted has one afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from events.models import Event, SignUp
from events.reminders import reminders_send

pytestmark = pytest.mark.django_db(transaction=True)
OLD = [("events", "0001_initial")]


@pytest.fixture
def old_shape() -> Iterator[Any]:
    """The app as it was; whatever happens, the tables are as they should be afterwards."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(OLD)
    try:
        yield executor.loader.project_state(OLD).apps
    finally:
        MigrationExecutor(connection).migrate(newest)


def test_a_sign_up_of_the_old_shape_has_a_place(old_shape: Any) -> None:
    asked = timezone.now() - timedelta(days=5)
    event = old_shape.get_model("events", "Event").objects.create(
        slug="evening", title="An evening", summary="One.", starts_at=timezone.now() + timedelta(hours=20),
        time_zone="UTC", minutes=60, is_published=True,
    )  # fmt: skip
    old_shape.get_model("events", "SignUp").objects.create(
        event=event, name="Kim", email="kim@example.org", token="t" * 32, created_at=asked, confirmations=1,
        confirmed_at=asked,
    )  # fmt: skip
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    kim = SignUp.objects.get()
    assert kim.is_placed
    assert (kim.tellings, kim.told_at, kim.confirmed_at, kim.placed_at) == (1, asked, asked, asked)
    assert (kim.event, kim.event.sequence) == (Event.objects.get(), 0)
    assert reminders_send() == 1
