"""Send many reminders through a real worker, broker and mail server, and kill the worker halfway."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone
from kombu import Connection
from pytest_django import Settings

from config.celery import app
from events.models import Event, SignUp, SignUpStatus
from mail.models import Email, EmailState
from mail.sending import sweep_emails
from tests import live
from tests.events.conftest import MakeEvent
from tests.mail.post_office import PostOffice

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
MANY = 30


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture
def start_worker(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, post: PostOffice
) -> Iterator[partial[live.Worker]]:
    """Start workers on the test's own broker."""
    with live.running(live.Valkey(tmp_path / "valkey.log")) as valkey, Connection(valkey.url) as connection:
        settings.VALKEY_URL = valkey.url
        monkeypatch.setattr(app, "send_task", partial(app.send_task, connection=connection))
        yield partial(live.Worker, tmp_path / "worker.log", EMAIL_URL=post.url)


@pytest.fixture
def tomorrow(make_event: MakeEvent) -> Event:
    """An event in twenty hours with many sign-ups."""
    event = make_event(starts_at=timezone.now() + timedelta(hours=20))
    long_ago = timezone.now() - timedelta(days=9)
    SignUp.objects.bulk_create(
        SignUp(
            event=event, name=f"Kim {number}", email=f"kim{number}@example.org", status=SignUpStatus.GOING,
            spot_given_at=long_ago, confirmed_at=long_ago,
        )
        for number in range(MANY)
    )  # fmt: skip
    return event


def test_each_gets_one_reminder_even_if_the_worker_dies_after_a_250(
    tomorrow: Event, start_worker: partial[live.Worker], post: PostOffice
) -> None:
    with live.running(start_worker()) as worker:
        app.send_task("events.tasks.send_reminders")
        live.wait_until(lambda: post.has(MANY // 3), what="the first reminders")
        post.after_250 = worker.kill
        live.wait_until(lambda: worker.child.poll() is not None, what="the worker's end")
    post.after_250 = None
    with live.running(start_worker()):
        # Its lease is over, and beat starts the task again.
        Email.objects.filter(state=EmailState.SENDING).update(lease_until=timezone.now())
        app.send_task("events.tasks.send_reminders")
        sweep_emails()
        live.wait_until(
            lambda: not Email.objects.exclude(state=EmailState.SENT).exists(), what="every reminder"
        )
    taken = Counter(str(mail["To"]) for mail in post.taken)
    assert len(taken) == MANY
    # Up to four were between the 250 and our commit. Duplicates have the same Message-ID.
    assert sum(taken.values()) - MANY <= 4
    assert len({(mail["To"], mail["Message-ID"]) for mail in post.taken}) == MANY
