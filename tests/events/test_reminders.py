"""Reminders a day and an hour before: each once, with the current start, and not right after another email."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from config.celery import app
from events import reminders
from events.changes import cancel_event, update_event
from events.messages import MessageAudience, send_message
from events.models import Event, SignUp
from events.reminders import send_reminders
from events.services import create_sign_up, leave_event
from events.tasks import send_reminders as remind_task
from mail.bounces import record_bounce
from mail.models import BounceKind, Email
from tests.budgets.rush import at_once
from tests.events.conftest import MakeEvent, sign_up_and_confirm

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def list_reminders() -> list[str]:
    mails = Email.objects.filter(subject__regex="^(Coming up|Starting soon):").order_by("created_at", "pk")
    return [f"{mail.to.partition('@')[0]}: {mail.subject.partition(':')[0]}" for mail in mails]


@pytest.fixture
def start(event: Event, sign_up: SignUp) -> datetime:
    """The start of an event where Kim has a spot."""
    return event.starts_at


def test_each_is_sent_at_its_time_and_once(start: datetime) -> None:
    assert send_reminders(now=start - DAY - MINUTE) == 0
    assert send_reminders(now=start - DAY) == 1
    assert send_reminders(now=start - DAY + MINUTE) == 0
    assert send_reminders(now=start - HOUR - MINUTE) == 0
    assert send_reminders(now=start - HOUR) == 1
    assert send_reminders(now=start - MINUTE) == 0
    assert list_reminders() == ["kim: Coming up", "kim: Starting soon"]


def test_a_late_reminder_is_sent_until_it_is_too_late(start: datetime) -> None:
    assert send_reminders(now=start - 3 * HOUR) == 0, "the hour's is near"
    assert send_reminders(now=start - 4 * HOUR) == 1
    assert send_reminders(now=start) == 0


def test_only_people_with_a_spot_are_reminded(make_event: MakeEvent) -> None:
    event = make_event(capacity=1)
    sign_up_and_confirm(event, "Lee")
    sign_up_and_confirm(event, "Kim")
    create_sign_up(event=event, name="Max", email="max@example.org")
    send_reminders(now=event.starts_at - DAY)
    assert list_reminders() == ["lee: Coming up"]


def test_a_person_who_just_got_a_spot_is_not_reminded(make_event: MakeEvent) -> None:
    event = make_event(starts_at=timezone.now() + 5 * HOUR)
    sign_up_and_confirm(event)
    assert send_reminders() == 0
    assert send_reminders(now=event.starts_at - HOUR) == 1


def test_a_moved_event_gets_new_reminders(event: Event, start: datetime) -> None:
    send_reminders(now=start - DAY)
    event.starts_at = start + 2 * DAY
    update_event(event=event, notify=True)
    assert send_reminders(now=start - DAY + MINUTE) == 0
    assert send_reminders(now=start + DAY) == 1


def test_moving_an_event_erases_unsent_reminders(event: Event, start: datetime) -> None:
    send_reminders(now=start - DAY)
    event.starts_at = start + 2 * DAY
    update_event(event=event, notify=True)
    assert not list_reminders()
    send_reminders(now=start + DAY)
    cancel_event(event=event)
    assert not list_reminders()


def test_cancelled_and_unpublished_events_get_no_reminders(event: Event, start: datetime) -> None:
    Event.objects.update(is_published=False)
    assert send_reminders(now=start - DAY) == 0
    Event.objects.update(is_published=True)
    event.refresh_from_db()
    cancel_event(event=event)
    assert send_reminders(now=start - DAY) == 0


def test_leaving_erases_an_unsent_reminder(start: datetime, sign_up: SignUp) -> None:
    send_reminders(now=start - DAY)
    leave_event(sign_up=sign_up)
    assert not list_reminders()


def test_a_person_who_marked_an_email_as_spam_gets_only_necessary_emails(
    event: Event, start: datetime
) -> None:
    sign_up_and_confirm(event, "Lee")
    unwanted = Email.objects.filter(to="kim@example.org").first()
    assert unwanted
    record_bounce(message_id=unwanted.message_id, recipient="KIM@example.org", kind=BounceKind.COMPLAINED)
    send_reminders(now=start - DAY)
    send_message(
        event=event,
        message_id=uuid4(),
        audience=MessageAudience.EVERYONE,
        subject="Bring paper",
        body="And a pen.",
    )
    assert list_reminders() == ["lee: Coming up"]
    assert [mail.to for mail in Email.objects.filter(subject="Bring paper")] == ["lee@example.org"]
    assert cancel_event(event=event) == 2


def test_times_are_in_the_events_and_the_readers_zone(event: Event) -> None:
    sign_up_and_confirm(event, time_zone="Asia/Tokyo")
    send_reminders(now=event.starts_at - DAY)
    text = Email.objects.get(subject__startswith="Coming up").text
    assert "Los Angeles time" in text
    assert "Tokyo time" in text


def test_many_are_queued_in_batches(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH_SIZE", 3)
    for number in range(7):
        sign_up_and_confirm(event, f"N{number}")
    assert send_reminders(now=event.starts_at - DAY) == 7
    assert len(set(list_reminders())) == 7


@pytest.mark.usefixtures("no_nudges")
@pytest.mark.django_db(transaction=True)
class TestOnce:
    def test_with_several_workers_at_once(self, event: Event) -> None:
        for number in range(20):
            sign_up_and_confirm(event, f"N{number}")
        now = event.starts_at - DAY
        assert sum(at_once([lambda: send_reminders(now=now)] * 6)) == 20
        assert len(list_reminders()) == len(set(list_reminders())) == 20

    def test_if_a_worker_dies_before_the_commit(self, event: Event) -> None:
        sign_up_and_confirm(event)
        with transaction.atomic():
            send_reminders(now=event.starts_at - DAY)
            transaction.set_rollback(True)
        assert not list_reminders()
        assert send_reminders(now=event.starts_at - DAY) == 1


def test_the_task_sends_them(db: None) -> None:
    assert app.conf.beat_schedule["send event reminders"]["task"] == remind_task.name
    assert remind_task() == 0
