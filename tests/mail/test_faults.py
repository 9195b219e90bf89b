"""A real worker or mail server fails halfway. No email is lost or sent again and again."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from kombu import Connection
from pytest_django import Settings

from config.celery import app
from mail import nudge, services
from mail.models import Email, EmailState
from mail.sending import LEASE, sweep_emails
from tests import live
from tests.mail.conftest import Queue
from tests.mail.post_office import PostOffice

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def broker(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[live.Valkey]:
    """A broker of the test's own, so that no other worker takes its emails."""
    with live.running(live.Valkey(tmp_path / "valkey.log")) as valkey, Connection(valkey.url) as connection:
        settings.VALKEY_URL = valkey.url
        monkeypatch.setattr(app, "send_task", partial(app.send_task, connection=connection))
        yield valkey


@pytest.fixture
def start_worker(tmp_path: Path, broker: live.Valkey, post: PostOffice) -> partial[live.Worker]:
    return partial(live.Worker, tmp_path / "worker.log", EMAIL_URL=post.url)


def is_sent() -> bool:
    return Email.objects.get().state == EmailState.SENT


def message_ids(post: PostOffice) -> list[str]:
    return [str(taken["Message-ID"]) for taken in post.taken]


def test_a_worker_sends_an_email_once_and_a_rolled_back_one_never(
    start_worker: partial[live.Worker], queue: Queue, post: PostOffice
) -> None:
    with live.running(start_worker()):
        with transaction.atomic():
            queue(subject="Never")
            transaction.set_rollback(True)
        email = queue()
        live.wait_until(is_sent, what="the mail to be sent")
        for _ in range(3):
            nudge.send(email.pk)
        app.send_task("mail.tasks.sweep_emails")
        after = queue(subject="After")
        live.wait_until(
            lambda: Email.objects.get(pk=after.pk).state == EmailState.SENT, what="the one after it"
        )
    assert message_ids(post) == [email.message_id, after.message_id]


def test_a_worker_killed_after_the_servers_250_sends_only_one_duplicate(
    start_worker: partial[live.Worker], queue: Queue, post: PostOffice
) -> None:
    with live.running(start_worker()) as worker:
        # The worker now waits for the reply to its QUIT: it has read the 250 but recorded nothing.
        post.after_250 = worker.kill
        email = queue()
        live.wait_until(lambda: worker.child.returncode is not None, what="the worker's end")
    post.after_250 = None
    assert Email.objects.get().state == EmailState.SENDING
    assert sweep_emails() == 0
    with live.running(start_worker()):
        Email.objects.update(lease_until=timezone.now())
        assert sweep_emails() == 1
        live.wait_until(is_sent, what="the second worker")
        assert sweep_emails(now=timezone.now() + LEASE + timedelta(days=1)) == 0
        nudge.send(email.pk)
        after = queue()
        live.wait_until(
            lambda: Email.objects.get(pk=after.pk).state == EmailState.SENT, what="the one after it"
        )
    assert message_ids(post) == [email.message_id, email.message_id, after.message_id]


def test_an_email_waits_for_the_sweep_while_the_mail_server_is_down(
    start_worker: partial[live.Worker], queue: Queue, post: PostOffice
) -> None:
    port, post.port = post.port, live.free_port()
    worker = start_worker(EMAIL_URL=post.url)
    post.port = port
    with live.running(worker):
        email = queue()
        live.wait_until(lambda: Email.objects.get().error, what="the first try")
        assert Email.objects.get().state == EmailState.WAITING
    with live.running(start_worker()):
        Email.objects.update(send_after=timezone.now())
        app.send_task("mail.tasks.sweep_emails")
        live.wait_until(is_sent, what="the sweeper")
    assert message_ids(post) == [email.message_id]
    assert Email.objects.get().attempts == 2


def test_the_sweep_sends_what_was_queued_while_the_broker_was_down(
    start_worker: partial[live.Worker], queue: Queue, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr("mail.nudge.send", lambda _: None)
        queue()
    with live.running(start_worker()):
        app.send_task("mail.tasks.sweep_emails")
        live.wait_until(is_sent, what="the sweeper")
    assert len(post.taken) == 1


def test_a_demo_without_a_mail_server_logs_its_emails(
    start_worker: partial[live.Worker], queue: Queue
) -> None:
    with live.running(start_worker(EMAIL_URL="")) as worker:
        email = queue(text="It is in the log.")
        live.wait_until(is_sent, what="the mail to be written")
    assert email.message_id in worker.read_log()
    assert "It is in the log." in worker.read_log()


def test_the_task_deletes_expired_emails(
    start_worker: partial[live.Worker], queue: Queue, post: PostOffice
) -> None:
    with live.running(start_worker()):
        queue()
        live.wait_until(is_sent, what="the mail to be sent")
        Email.objects.update(sent_at=timezone.now() - services.RETENTION - timedelta(hours=1))
        app.send_task("mail.tasks.delete_expired_emails")
        live.wait_until(lambda: not Email.objects.exists(), what="the forgetting")
