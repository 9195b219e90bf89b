"""Emails are claimed once, sent to a real mail server, and stored with its reply."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from uuid import uuid4

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django import Settings

from config.settings.environment import SMTP_SECONDS
from mail.models import Email, EmailState
from mail.send_errors import SendError
from mail.sending import (
    LEASE,
    MAX_CONCURRENT_SENDS,
    RETRY_DELAYS,
    claim_email,
    finish_attempt,
    send_email,
    sweep_emails,
)
from tests.mail.conftest import CALENDAR, Queue
from tests.mail.post_office import PostOffice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nudged")]

Options = dict[str, object]


def read_text(taken: EmailMessage) -> str:
    """Return the plain text of a received message."""
    part = taken.get_body(("plain",))
    assert part
    return str(part.get_content()).strip()


def now(email: Email) -> Email:
    return Email.objects.get(pk=email.pk)


class TestAnEmail:
    def test_arrives_once_with_its_headers(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        written = parse_datetime("2026-11-22T10:00:00Z")
        assert written
        email = queue()
        Email.objects.update(created_at=written)
        assert send_email(email_id=email.pk)
        [taken] = post.taken
        assert taken["To"] == "noor@example.org"
        assert taken["From"] == "Kitchen Table <hello@localhost>"
        assert taken["Message-ID"] == email.message_id
        assert parsedate_to_datetime(taken["Date"]) == written
        assert taken["Auto-Submitted"] == "auto-generated"
        assert read_text(taken) == email.text
        assert "List-Unsubscribe" not in taken
        assert (now(email).state, now(email).attempts) == (EmailState.SENT, 1)
        assert now(email).sent_at

    def test_arrives_intact_in_any_alphabet(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        words = "Ein Platz für Zoë, 김치 🍲"
        send_email(email_id=queue("zoe@bücher.example", words, words).pk)
        [taken] = post.taken
        assert taken["Subject"] == words
        assert taken["To"] == "zoe@xn--bcher-kva.example"
        assert read_text(taken) == words

    def test_has_the_same_content_as_text_and_html(
        self, queue: Queue, smtp: Options, post: PostOffice, settings: Settings
    ) -> None:
        settings.SITE_URL = "https://kitchen.example"
        send_email(email_id=queue(text="Come in: https://kitchen.example/x\n\n<b>Bread & butter</b>").pk)
        [taken] = post.taken
        assert taken.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in taken.iter_parts()] == ["text/plain", "text/html"]
        html = taken.get_body(("html",))
        assert html
        page = html.get_content()
        assert '<a href="https://kitchen.example/x"' in page
        assert "<p>&lt;b&gt;Bread &amp; butter&lt;/b&gt;</p>" in page

    def test_carries_the_invitation_as_an_alternative(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        send_email(email_id=queue(attachments=[replace(CALENDAR, is_alternative=True), CALENDAR]).pk)
        words, file = post.taken[0].iter_parts()
        assert words.get_content_type() == "multipart/alternative"
        kinds = [part.get_content_type() for part in words.iter_parts()]
        assert kinds == ["text/plain", "text/html", "text/calendar"]
        invitation = list(words.iter_parts())[-1]
        assert dict(invitation["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
        assert invitation.get_content_disposition() is None
        payload = invitation.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode() == CALENDAR.content
        assert file.get_content_disposition() == "attachment"

    def test_has_one_click_unsubscribe_headers(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        stop = f"https://{'kitchen.' * 8}example/events/sign-up/" + "t" * 32 + "/unsubscribe"
        send_email(email_id=queue(unsubscribe_url=stop).pk)
        [taken] = post.taken
        assert taken["List-Unsubscribe"] == f"<{stop}>"
        assert f"\r\nList-Unsubscribe: <{stop}>\r\n".encode() in post.raw[0], "in one piece, as it is read"
        assert taken["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_carries_its_calendar_attachment(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        send_email(email_id=queue(attachments=[CALENDAR]).pk)
        [entry] = post.taken[0].iter_attachments()
        assert entry.get_content_type() == "text/calendar"
        assert dict(entry["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
        assert entry.get_filename() == "café.ics"
        payload = entry.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode() == CALENDAR.content

    def test_is_sent_once_even_if_its_task_runs_again(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        email = queue()
        assert [send_email(email_id=email.pk) for _ in range(3)] == [True, False, False]
        assert len(post.taken) == 1

    def test_that_was_deleted_is_skipped(self) -> None:
        assert not send_email(email_id=uuid4())


class TestATemporaryError:
    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """A server that accepts the connection and never replies."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @pytest.fixture(params=["not there", "silent", "hangs up", "451", "421", "sender 550"])
    def fault(self, request: pytest.FixtureRequest, smtp: Options, post: PostOffice) -> None:
        match request.param:
            case "not there":
                smtp["port"] = 1
            case "silent":
                smtp |= {"port": request.getfixturevalue("silent_port"), "timeout": 0.2}
            case "hangs up":
                post.hangs_up = True
            case "sender 550":
                post.at_sender = "550 Who are you?"
            case code:
                post.at_recipient = f"{code} Later"

    def test_delays_the_email_and_records_why(self, queue: Queue, fault: None, post: PostOffice) -> None:
        email = queue()
        started = timezone.now()
        assert send_email(email_id=email.pk)
        email = now(email)
        assert (email.state, email.attempts) == (EmailState.WAITING, 1)
        assert email.error
        assert RETRY_DELAYS[0] <= email.send_after - started < RETRY_DELAYS[0] + timedelta(seconds=5)
        assert not send_email(email_id=email.pk)
        assert not post.taken

    def test_in_reply_to_the_message_is_temporary(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        post.at_text = "452 The disk is full"
        email = queue()
        send_email(email_id=email.pk)
        assert (now(email).state, now(email).error) == (EmailState.WAITING, "452 The disk is full")

    def test_is_retried_when_the_server_is_back(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        email = queue()
        smtp["port"] = 1
        send_email(email_id=email.pk)
        assert "refused" in now(email).error
        smtp["port"] = post.port
        Email.objects.update(send_after=timezone.now())
        assert send_email(email_id=email.pk)
        assert (now(email).state, now(email).attempts, now(email).error) == (EmailState.SENT, 2, "")
        assert [taken["Message-ID"] for taken in post.taken] == [email.message_id]

    def test_fails_the_email_after_the_last_attempt(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        post.at_recipient = "451 Later"
        email = queue()
        rests: list[timedelta] = []
        while now(email).state == EmailState.WAITING:
            Email.objects.update(send_after=timezone.now())
            send_email(email_id=email.pk)
            rests.append(now(email).send_after - timezone.now())
        assert [round(rest.total_seconds(), -1) for rest in rests[:-1]] == [
            rest.total_seconds() for rest in RETRY_DELAYS
        ]
        assert (now(email).state, now(email).attempts) == (EmailState.FAILED, len(RETRY_DELAYS) + 1)
        assert now(email).error == "451 Later"

    def test_of_our_own_code_is_logged_and_retried(
        self, queue: Queue, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.MAILERS = {"default": {"BACKEND": "no.such.Backend"}}
        email = queue()
        send_email(email_id=email.pk)
        assert (now(email).state, now(email).error) == (EmailState.WAITING, "InvalidMailer")
        assert "bug of our own" in caplog.text
        assert email.to not in caplog.text


class TestAPermanentRefusal:
    def test_of_the_address_fails_at_once_and_records_why(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        post.at_recipient = "550 5.1.1 No such mailbox " + "x" * 400
        email = queue()
        send_email(email_id=email.pk)
        email = now(email)
        assert (email.state, email.attempts) == (EmailState.FAILED, 1)
        assert email.failed_at
        assert email.error.startswith("550 5.1.1 No such mailbox")
        assert len(email.error) == 300

    def test_of_the_message_fails_at_once(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        post.at_text = "554 We do not want this"
        email = queue()
        send_email(email_id=email.pk)
        assert (now(email).state, now(email).error) == (EmailState.FAILED, "554 We do not want this")


class TestAClaim:
    def test_belongs_to_one_worker(self, queue: Queue) -> None:
        email = queue()
        claimed = claim_email(email_id=email.pk)
        assert claimed
        assert claimed.claim
        assert claim_email(email_id=email.pk) is None

    def test_lasts_longer_than_a_dozen_timeouts(self) -> None:
        assert LEASE.total_seconds() > 12 * SMTP_SECONDS

    def test_is_refused_while_enough_are_being_sent(self, queue: Queue) -> None:
        emails = [queue() for _ in range(MAX_CONCURRENT_SENDS + 1)]
        claims = [claim_email(email_id=email.pk) for email in emails]
        assert [bool(claim) for claim in claims] == [True] * MAX_CONCURRENT_SENDS + [False]
        # A dead worker blocks others only until its lease expires.
        Email.objects.filter(pk=emails[0].pk).update(lease_until=timezone.now())
        assert claim_email(email_id=emails[-1].pk)

    def test_that_ends_nudges_the_next_email(
        self, queue: Queue, smtp: Options, post: PostOffice, nudged: list[object]
    ) -> None:
        first, second = queue(), queue()
        send_email(email_id=first.pk)
        assert nudged == [second.pk]

    def test_that_was_lost_changes_nothing_if_another_has_started(self, queue: Queue) -> None:
        email = queue()
        slow = claim_email(email_id=email.pk)
        assert slow
        sweep_emails(now=timezone.now() + LEASE)
        Email.objects.update(send_after=timezone.now())
        other = claim_email(email_id=email.pk)
        assert other
        assert not finish_attempt(email=slow, error=None)
        assert not finish_attempt(email=slow, error=SendError(message="451"))
        assert now(email).claim == other.claim

    def test_that_was_lost_still_records_sent_if_no_other_has_started(self, queue: Queue) -> None:
        email = queue()
        slow = claim_email(email_id=email.pk)
        assert slow
        sweep_emails(now=timezone.now() + LEASE)
        assert finish_attempt(email=slow, error=None)
        assert now(email).state == EmailState.SENT


class TestTheSweep:
    def test_nudges_what_is_due_and_nothing_else(self, queue: Queue, nudged: list[object]) -> None:
        due, resting, sent = queue(), queue(), queue()
        Email.objects.filter(pk=resting.pk).update(send_after=timezone.now() + timedelta(minutes=1))
        Email.objects.filter(pk=sent.pk).update(state=EmailState.SENT, sent_at=timezone.now())
        assert sweep_emails() == 1
        assert nudged == [due.pk]

    def test_nudges_no_more_than_can_be_sent_at_once(self, queue: Queue, nudged: list[object]) -> None:
        emails = [queue() for _ in range(MAX_CONCURRENT_SENDS + 2)]
        sweep_emails()
        assert nudged == [email.pk for email in emails[:MAX_CONCURRENT_SENDS]]

    def test_requeues_an_email_whose_lease_expired(self, queue: Queue, nudged: list[object]) -> None:
        email = queue()
        assert claim_email(email_id=email.pk)
        sweep_emails()
        assert now(email).state == EmailState.SENDING
        sweep_emails(now=timezone.now() + LEASE)
        assert (now(email).state, now(email).attempts) == (EmailState.WAITING, 1)
        assert nudged == [email.pk]

    def test_fails_an_email_after_its_last_lease_expired(self, queue: Queue, nudged: list[object]) -> None:
        email = queue()
        Email.objects.update(attempts=len(RETRY_DELAYS))
        assert claim_email(email_id=email.pk)
        sweep_emails(now=timezone.now() + LEASE)
        assert now(email).state == EmailState.FAILED
        assert now(email).error
        assert not nudged
