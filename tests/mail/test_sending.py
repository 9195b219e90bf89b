"""Claimed once, handed to a real mail server, and kept with what that server said."""

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
from mail.models import Mail, State
from mail.sending import LEASE, MOST_AT_ONCE, RESTS, mail_claim, mail_finish, mail_send, mails_sweep
from mail.troubles import Trouble
from tests.mail.conftest import CALENDAR, Queue
from tests.mail.post_office import PostOffice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nudged")]

Options = dict[str, object]


def words_of(taken: EmailMessage) -> str:
    """The plain text of what arrived."""
    part = taken.get_body(("plain",))
    assert part
    return str(part.get_content()).strip()


def now(mail: Mail) -> Mail:
    return Mail.objects.get(pk=mail.pk)


class TestAMail:
    def test_arrives_once_with_its_headers(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        written = parse_datetime("2026-11-22T10:00:00Z")
        assert written
        mail = queue()
        Mail.objects.update(created_at=written)
        assert mail_send(mail_id=mail.pk)
        [taken] = post.taken
        assert taken["To"] == "noor@example.org"
        assert taken["From"] == "Kitchen Table <hello@localhost>"
        assert taken["Message-ID"] == mail.message_id
        assert parsedate_to_datetime(taken["Date"]) == written
        assert taken["Auto-Submitted"] == "auto-generated"
        assert words_of(taken) == mail.text
        assert "List-Unsubscribe" not in taken
        assert (now(mail).state, now(mail).tries) == (State.SENT, 1)
        assert now(mail).sent_at

    def test_arrives_in_every_alphabet(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        words = "Ein Platz für Zoë, 김치 🍲"
        mail_send(mail_id=queue("zoe@bücher.example", words, words).pk)
        [taken] = post.taken
        assert taken["Subject"] == words
        assert taken["To"] == "zoe@xn--bcher-kva.example"
        assert words_of(taken) == words

    def test_says_the_same_as_plain_text_and_as_html(
        self, queue: Queue, smtp: Options, post: PostOffice, settings: Settings
    ) -> None:
        settings.SITE_URL = "https://kitchen.example"
        mail_send(mail_id=queue(text="Come in: https://kitchen.example/x\n\n<b>Bread & butter</b>").pk)
        [taken] = post.taken
        assert taken.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in taken.iter_parts()] == ["text/plain", "text/html"]
        html = taken.get_body(("html",))
        assert html
        page = html.get_content()
        assert '<a href="https://kitchen.example/x"' in page
        assert "<p>&lt;b&gt;Bread &amp; butter&lt;/b&gt;</p>" in page

    def test_is_an_invitation_where_a_mail_program_takes_one(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        mail_send(mail_id=queue(attachments=[replace(CALENDAR, is_alternative=True), CALENDAR]).pk)
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

    def test_can_be_stopped_from_within_a_mail_program(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        stop = f"https://{'kitchen.' * 8}example/events/place/" + "t" * 32 + "/stop"
        mail_send(mail_id=queue(unsubscribe_url=stop).pk)
        [taken] = post.taken
        assert taken["List-Unsubscribe"] == f"<{stop}>"
        assert f"\r\nList-Unsubscribe: <{stop}>\r\n".encode() in post.raw[0], "in one piece, as it is read"
        assert taken["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_brings_its_calendar_entry(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        mail_send(mail_id=queue(attachments=[CALENDAR]).pk)
        [entry] = post.taken[0].iter_attachments()
        assert entry.get_content_type() == "text/calendar"
        assert dict(entry["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
        assert entry.get_filename() == "café.ics"
        payload = entry.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode() == CALENDAR.content

    def test_is_sent_once_however_often_its_task_comes(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        mail = queue()
        assert [mail_send(mail_id=mail.pk) for _ in range(3)] == [True, False, False]
        assert len(post.taken) == 1

    def test_that_is_gone_is_no_fault(self) -> None:
        assert not mail_send(mail_id=uuid4())


class TestATemporaryFault:
    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """A server that takes the call and never says a word."""
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

    def test_lets_the_mail_rest_and_says_why(self, queue: Queue, fault: None, post: PostOffice) -> None:
        mail = queue()
        started = timezone.now()
        assert mail_send(mail_id=mail.pk)
        mail = now(mail)
        assert (mail.state, mail.tries) == (State.WAITING, 1)
        assert mail.trouble
        assert RESTS[0] <= mail.send_after - started < RESTS[0] + timedelta(seconds=5)
        assert not mail_send(mail_id=mail.pk)
        assert not post.taken

    def test_at_the_text_is_one_too(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        post.at_text = "452 The disk is full"
        mail = queue()
        mail_send(mail_id=mail.pk)
        assert (now(mail).state, now(mail).trouble) == (State.WAITING, "452 The disk is full")

    def test_is_over_when_the_server_is_back(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        mail = queue()
        smtp["port"] = 1
        mail_send(mail_id=mail.pk)
        assert "refused" in now(mail).trouble
        smtp["port"] = post.port
        Mail.objects.update(send_after=timezone.now())
        assert mail_send(mail_id=mail.pk)
        assert (now(mail).state, now(mail).tries, now(mail).trouble) == (State.SENT, 2, "")
        assert [taken["Message-ID"] for taken in post.taken] == [mail.message_id]

    def test_is_final_after_the_last_rest(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        post.at_recipient = "451 Later"
        mail = queue()
        rests: list[timedelta] = []
        while now(mail).state == State.WAITING:
            Mail.objects.update(send_after=timezone.now())
            mail_send(mail_id=mail.pk)
            rests.append(now(mail).send_after - timezone.now())
        assert [round(rest.total_seconds(), -1) for rest in rests[:-1]] == [
            rest.total_seconds() for rest in RESTS
        ]
        assert (now(mail).state, now(mail).tries) == (State.FAILED, len(RESTS) + 1)
        assert now(mail).trouble == "451 Later"

    def test_of_our_own_is_logged_and_tried_again(
        self, queue: Queue, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.MAILERS = {"default": {"BACKEND": "no.such.Backend"}}
        mail = queue()
        mail_send(mail_id=mail.pk)
        assert (now(mail).state, now(mail).trouble) == (State.WAITING, "InvalidMailer")
        assert "fault of our own" in caplog.text
        assert mail.to not in caplog.text


class TestAPermanentRefusal:
    def test_of_the_address_fails_at_once_and_says_why(
        self, queue: Queue, smtp: Options, post: PostOffice
    ) -> None:
        post.at_recipient = "550 5.1.1 No such mailbox " + "x" * 400
        mail = queue()
        mail_send(mail_id=mail.pk)
        mail = now(mail)
        assert (mail.state, mail.tries) == (State.FAILED, 1)
        assert mail.failed_at
        assert mail.trouble.startswith("550 5.1.1 No such mailbox")
        assert len(mail.trouble) == 300

    def test_of_the_text_is_one_too(self, queue: Queue, smtp: Options, post: PostOffice) -> None:
        post.at_text = "554 We do not want this"
        mail = queue()
        mail_send(mail_id=mail.pk)
        assert (now(mail).state, now(mail).trouble) == (State.FAILED, "554 We do not want this")


class TestAClaim:
    def test_is_one_worker_s(self, queue: Queue) -> None:
        mail = queue()
        claimed = mail_claim(mail_id=mail.pk)
        assert claimed
        assert claimed.claim
        assert mail_claim(mail_id=mail.pk) is None

    def test_outlives_a_dozen_steps_that_each_take_as_long_as_they_may(self) -> None:
        assert LEASE.total_seconds() > 12 * SMTP_SECONDS

    def test_is_refused_while_enough_are_being_sent(self, queue: Queue) -> None:
        mails = [queue() for _ in range(MOST_AT_ONCE + 1)]
        claims = [mail_claim(mail_id=mail.pk) for mail in mails]
        assert [bool(claim) for claim in claims] == [True] * MOST_AT_ONCE + [False]
        # A worker that died holds nobody up for longer than its lease.
        Mail.objects.filter(pk=mails[0].pk).update(lease_until=timezone.now())
        assert mail_claim(mail_id=mails[-1].pk)

    def test_that_ends_lets_the_next_begin(
        self, queue: Queue, smtp: Options, post: PostOffice, nudged: list[object]
    ) -> None:
        first, second = queue(), queue()
        mail_send(mail_id=first.pk)
        assert nudged == [second.pk]

    def test_that_was_lost_changes_nothing_once_another_has_begun(self, queue: Queue) -> None:
        mail = queue()
        slow = mail_claim(mail_id=mail.pk)
        assert slow
        mails_sweep(now=timezone.now() + LEASE)
        Mail.objects.update(send_after=timezone.now())
        other = mail_claim(mail_id=mail.pk)
        assert other
        assert not mail_finish(mail=slow, trouble=None)
        assert not mail_finish(mail=slow, trouble=Trouble(words="451"))
        assert now(mail).claim == other.claim

    def test_that_was_lost_still_says_that_it_sent_when_nobody_else_has_begun(self, queue: Queue) -> None:
        mail = queue()
        slow = mail_claim(mail_id=mail.pk)
        assert slow
        mails_sweep(now=timezone.now() + LEASE)
        assert mail_finish(mail=slow, trouble=None)
        assert now(mail).state == State.SENT


class TestTheSweeper:
    def test_nudges_what_is_due_and_nothing_else(self, queue: Queue, nudged: list[object]) -> None:
        due, resting, sent = queue(), queue(), queue()
        Mail.objects.filter(pk=resting.pk).update(send_after=timezone.now() + timedelta(minutes=1))
        Mail.objects.filter(pk=sent.pk).update(state=State.SENT, sent_at=timezone.now())
        assert mails_sweep() == 1
        assert nudged == [due.pk]

    def test_nudges_no_more_than_can_be_sent_at_once(self, queue: Queue, nudged: list[object]) -> None:
        mails = [queue() for _ in range(MOST_AT_ONCE + 2)]
        mails_sweep()
        assert nudged == [mail.pk for mail in mails[:MOST_AT_ONCE]]

    def test_takes_a_mail_back_from_a_worker_that_went_away(self, queue: Queue, nudged: list[object]) -> None:
        mail = queue()
        assert mail_claim(mail_id=mail.pk)
        mails_sweep()
        assert now(mail).state == State.SENDING
        mails_sweep(now=timezone.now() + LEASE)
        assert (now(mail).state, now(mail).tries) == (State.WAITING, 1)
        assert nudged == [mail.pk]

    def test_gives_up_on_a_mail_that_every_worker_died_of(self, queue: Queue, nudged: list[object]) -> None:
        mail = queue()
        Mail.objects.update(tries=len(RESTS))
        assert mail_claim(mail_id=mail.pk)
        mails_sweep(now=timezone.now() + LEASE)
        assert now(mail).state == State.FAILED
        assert now(mail).trouble
        assert not nudged
