"""An email is queued together with the change that it reports, or not at all. One key makes one email."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from mail.models import Attachment, Email, EmailState
from mail.sending import MAX_CONCURRENT_SENDS
from mail.services import (
    RETENTION,
    NewAttachment,
    NewEmail,
    delete_expired_emails,
    queue_email,
    queue_emails,
    resend_email,
)
from tests.budgets.rush import at_once
from tests.mail.conftest import CALENDAR, Queue


def test_a_queued_email_has_our_own_message_id(queue: Queue, settings: Settings) -> None:
    settings.SITE_URL = "https://kitchen.example:8443"
    email = queue()
    assert (email.state, email.attempts) == (EmailState.WAITING, 0)
    assert email.message_id == f"<{email.pk}@kitchen.example>"


def test_a_queued_email_keeps_its_attachments(queue: Queue) -> None:
    kept = queue(attachments=[CALENDAR]).attachments.get()
    assert (kept.filename, kept.content_type, kept.content) == (
        CALENDAR.filename,
        CALENDAR.content_type,
        CALENDAR.content,
    )


@pytest.mark.django_db(transaction=True)
def test_queueing_needs_a_transaction() -> None:
    with pytest.raises(RuntimeError):
        queue_email(key="test", to="noor@example.org", subject="A seat", text="")
    assert not Email.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_discards_the_email(nudged: list[object]) -> None:
    with transaction.atomic():
        queue_email(key="test", to="noor@example.org", subject="A seat", text="", attachments=[CALENDAR])
        transaction.set_rollback(True)
    assert not Email.objects.exists()
    assert not Attachment.objects.exists()
    assert not nudged


def test_a_worker_is_nudged_after_the_commit(
    queue: Queue, nudged: list[object], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        email = queue()
        assert not nudged
    assert nudged == [email.pk]


def test_nothing_is_lost_while_the_broker_is_down(
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr("kit.jobs.current_app.send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        email = queue()
    assert Email.objects.get() == email


class TestOneKey:
    def test_makes_one_email_with_the_first_content(
        self,
        queue: Queue,
        nudged: list[object],
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            first = queue(key="seat:1", attachments=[CALENDAR])
            again = queue(key="seat:1", subject="Another", attachments=[CALENDAR])
        assert again == first
        assert Email.objects.get().subject == first.subject
        assert Attachment.objects.count() == 1
        assert nudged == [first.pk]

    @pytest.mark.django_db(transaction=True)
    def test_makes_one_email_when_two_queue_it_at_once(self, queue: Queue, nudged: list[object]) -> None:
        emails: list[Email] = []
        start = Barrier(2)

        def tell() -> None:
            with transaction.atomic():
                start.wait()
                emails.append(queue(key="seat:1", attachments=[CALENDAR]))
            connection.close()

        both = [Thread(target=tell) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert len(emails) == 2
        assert {email.pk for email in emails} == {Email.objects.get().pk}
        assert Attachment.objects.count() == 1
        assert nudged == [emails[0].pk]

    @pytest.mark.django_db(transaction=True)
    def test_is_used_by_the_second_if_the_first_rolls_back(self, queue: Queue, nudged: list[object]) -> None:
        with transaction.atomic():
            queue(key="seat:1", subject="First")
            transaction.set_rollback(True)
        assert queue(key="seat:1", subject="Second").subject == "Second"


class TestSeveralEmails:
    def drafts(self, count: int) -> list[NewEmail]:
        return [
            NewEmail(key=f"seat:{n}", to=f"kim{n}@example.org", subject="S", text="T", attachments=[CALENDAR])
            for n in range(count)
        ]

    def test_take_as_many_statements_as_one(
        self, db: None, nudged: list[object], django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(3):
            kept = queue_emails(new_emails=self.drafts(40))
        assert [email.key for email in kept] == [f"seat:{n}" for n in range(40)]
        assert Email.objects.count() == Attachment.objects.count() == 40

    def test_nudge_as_many_as_can_be_sent_at_once(
        self,
        db: None,
        nudged: list[object],
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            kept = queue_emails(new_emails=self.drafts(40))
        assert nudged == [email.pk for email in kept[:MAX_CONCURRENT_SENDS]]

    def test_skip_keys_that_exist(self, db: None, nudged: list[object]) -> None:
        first = queue_emails(new_emails=self.drafts(2))
        again = queue_emails(new_emails=self.drafts(3))
        assert again[:2] == first
        assert Email.objects.count() == Attachment.objects.count() == 3

    @pytest.mark.django_db(transaction=True)
    def test_queued_twice_at_once_are_written_once(self, nudged: list[object]) -> None:
        def tell(drafts: list[NewEmail]) -> list[Email]:
            with transaction.atomic():
                return queue_emails(new_emails=drafts)

        drafts = self.drafts(20)
        at_once([partial(tell, drafts), partial(tell, drafts[::-1])] * 3)
        assert Email.objects.count() == Attachment.objects.count() == 20


class TestAnInvalidEmail:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0b"])
    def test_a_line_break_in_a_header(self, queue: Queue, end: str) -> None:
        with pytest.raises(ValueError, match="line break"):
            queue(subject=f"A seat{end}Bcc: everyone@example.org")
        with pytest.raises(ValueError, match="line break"):
            queue(to=f"noor@example.org{end}")
        with pytest.raises(ValueError, match="line break"):
            queue(unsubscribe_url=f"https://kitchen.example/{end}X: y")
        with pytest.raises(ValueError, match="line break"):
            queue(attachments=[NewAttachment(filename=f"a{end}b", content_type="text/plain", content="")])
        with pytest.raises(ValueError, match="line break"):
            queue(attachments=[NewAttachment(filename="a", content_type=f"text/plain{end}X: y", content="")])

    @pytest.mark.parametrize("to", ["", "noor", "noor@", "a@example.org, b@example.org", "N <n@example.org>"])
    def test_no_address_or_more_than_one(self, queue: Queue, to: str) -> None:
        with pytest.raises(ValueError, match="not an address"):
            queue(to=to)

    def test_no_subject_or_key_or_too_long_a_one(self, queue: Queue) -> None:
        for subject in ("", "x" * 201):
            with pytest.raises(ValueError, match="subject"):
                queue(subject=subject)
        with pytest.raises(ValueError, match="key"):
            queue(key="x" * 201)

    def test_an_attachment_that_is_not_text(self, queue: Queue) -> None:
        with pytest.raises(ValueError, match="text"):
            queue(attachments=[NewAttachment(filename="a.png", content_type="image/png", content="")])


class TestRetention:
    def test_deletes_emails_sent_or_failed_a_month_ago(self, queue: Queue) -> None:
        now = timezone.now()
        old = now - RETENTION - timedelta(seconds=1)
        sent, failed = queue(attachments=[CALENDAR]), queue(attachments=[CALENDAR])
        Email.objects.filter(pk=sent.pk).update(state=EmailState.SENT, sent_at=old)
        Email.objects.filter(pk=failed.pk).update(state=EmailState.FAILED, failed_at=old)
        assert delete_expired_emails(now=now) == 2
        assert not Email.objects.exists()
        assert not Attachment.objects.exists()

    def test_keeps_newer_and_waiting_emails(self, queue: Queue) -> None:
        now = timezone.now()
        waiting, sent = queue(), queue()
        Email.objects.filter(pk=waiting.pk).update(created_at=now - 2 * RETENTION)
        Email.objects.filter(pk=sent.pk).update(
            state=EmailState.SENT, sent_at=now - RETENTION + timedelta(hours=1)
        )
        assert delete_expired_emails(now=now) == 0
        assert Email.objects.count() == 2


class TestResending:
    def test_gives_a_failed_email_all_its_attempts_and_its_message_id(
        self,
        queue: Queue,
        nudged: list[object],
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        email = queue()
        Email.objects.update(state=EmailState.FAILED, failed_at=timezone.now(), attempts=8, error="550 No")
        with django_capture_on_commit_callbacks(execute=True):
            assert resend_email(email=email)
        again = Email.objects.get()
        assert (again.state, again.attempts, again.error) == (EmailState.WAITING, 0, "")
        assert again.message_id == email.message_id
        assert nudged == [email.pk]

    def test_ignores_an_email_that_has_not_failed(self, queue: Queue, nudged: list[object]) -> None:
        email = queue()
        Email.objects.update(state=EmailState.SENT, sent_at=timezone.now())
        assert not resend_email(email=email)
        assert Email.objects.get().state == EmailState.SENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "lost"},
        {"state": EmailState.SENDING},
        {"state": EmailState.SENT},
        {"state": EmailState.FAILED},
        {"sent_at": timezone.now()},
        {"lease_until": timezone.now()},
    ],
)
def test_the_database_refuses_inconsistent_states(queue: Queue, wrong: dict[str, object]) -> None:
    queue()
    change: Callable[..., int] = Email.objects.update
    with pytest.raises(IntegrityError), transaction.atomic():
        change(**wrong)
