"""An expired session is deleted, including a visitor's work in it."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from accounts.tasks import delete_expired_sessions


@pytest.fixture
def visitor(client: Client, library: None) -> Client:
    client.post("/learn/good-and-bad/what-it-is/done")
    return client


def test_an_expired_session_is_deleted(visitor: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    delete_expired_sessions()
    assert Session.objects.count() == 0
    assert "Continue:" not in visitor.get("/").content.decode()


def test_an_active_session_is_kept(visitor: Client) -> None:
    delete_expired_sessions()
    assert "Continue:" in visitor.get("/").content.decode()


def test_a_session_ends_two_weeks_after_the_last_request(visitor: Client) -> None:
    left = Session.objects.get().expire_date - timezone.now()
    assert timedelta(days=13, hours=23) < left <= timedelta(days=14)


def test_every_scheduled_task_exists() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        module, _, name = str(entry["task"]).rpartition(".")
        assert getattr(import_module(module), name).name == entry["task"]
