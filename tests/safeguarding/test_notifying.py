"""People on call are told by email and webhook, without words or names; a lost message is found by the sweep."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from families.models import Link
from guard import Level
from mail.models import Email
from safeguarding import notifying, tasks
from safeguarding.alerting import answer_as_teen, ask_teen
from safeguarding.human_review import switch_review_off
from safeguarding.incidents import TOLD_AGAIN_AFTER
from safeguarding.models import AlertAnswer, EntryKind, HumanReview, Incident, OnCallShift, Resolution
from safeguarding.notifying import (
    MAX_ESCALATIONS,
    escalate_unclaimed,
    notify_on_call,
    release_lapsed_claims,
    send_webhook,
    sweep_incidents,
)
from safeguarding.readers import Readers, find_readers
from safeguarding.reviewing import add_note, claim_incident, close_incident, hand_up_incident
from tests.safeguarding.conftest import STATED, MakeIncident
from tests.safeguarding.test_incidents import kinds

pytestmark = pytest.mark.django_db
SECRET = "a-secret-of-twenty-characters"


@pytest.fixture
def on_call(reviewer: Person) -> Person:
    for weekday in range(7):
        OnCallShift.objects.create(
            reviewer=reviewer, weekday=weekday, starts=time(0), ends=time(0), time_zone="UTC"
        )
    return reviewer


def told() -> list[str]:
    return sorted(Email.objects.values_list("to", flat=True))


def make_older(incident: Incident, minutes: int) -> None:
    Incident.objects.filter(pk=incident.pk).update(opened_at=timezone.now() - timedelta(minutes=minutes))


class TestAnEmail:
    def test_goes_to_the_people_on_call_once(self, on_call: Person, incident: Incident) -> None:
        assert notify_on_call(incident_id=incident.pk)
        assert not notify_on_call(incident_id=incident.pk)
        assert told() == ["rosa@example.org"]
        entry = incident.entries.get(kind=EntryKind.NOTIFIED)
        assert (entry.note, entry.level) == ("Rosa", "3")

    def test_names_neither_the_teen_nor_what_was_written(
        self, on_call: Person, incident: Incident, teen: Person
    ) -> None:
        notify_on_call(incident_id=incident.pk)
        email = Email.objects.get()
        text = f"{email.subject} {email.text}".lower()
        assert f"/review/{incident.pk}" in text
        assert "level 3" in text
        for word in (teen.username, str(teen).lower(), "kill", STATED.lower()):
            assert word not in text

    def test_goes_to_every_reviewer_if_no_one_is_on_call(self, reviewer: Person, incident: Incident) -> None:
        notify_on_call(incident_id=incident.pk)
        assert told() == ["lena@example.org", "rosa@example.org"]
        assert EntryKind.UNATTENDED in kinds(incident)

    def test_goes_to_the_responsible_person_alone_at_s(
        self, on_call: Person, teen: Person, make_incident: MakeIncident
    ) -> None:
        incident = make_incident(teen, Level.UNSAFE_HOME)
        notify_on_call(incident_id=incident.pk)
        assert told() == ["lena@example.org"]
        # Rosa is on call, but may not open it.
        assert kinds(incident)[-1] == EntryKind.UNATTENDED

    def test_goes_again_when_the_level_rises(
        self, on_call: Person, incident: Incident, teen: Person, make_incident: MakeIncident
    ) -> None:
        notify_on_call(incident_id=incident.pk)
        Email.objects.update(key="earlier")
        make_incident(teen, Level.STATED)
        assert not notify_on_call(incident_id=incident.pk)
        make_incident(teen, Level.ACUTE)
        assert notify_on_call(incident_id=incident.pk)
        assert Email.objects.filter(subject__contains="level 4").count() == 1

    def test_is_not_sent_for_a_closed_incident(
        self, on_call: Person, incident: Incident, reviewer: Person
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)
        assert not notify_on_call(incident_id=incident.pk)

    def test_goes_to_the_responsible_person_when_an_incident_is_handed_up(
        self, reviewer: Person, incident: Incident
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        hand_up_incident(incident_id=incident.pk, by=reviewer)
        assert told() == ["lena@example.org"]

    def test_is_in_each_readers_language(self, on_call: Person, incident: Incident) -> None:
        Person.objects.filter(pk=on_call.pk).update(language="es")
        notify_on_call(incident_id=incident.pk)
        email = Email.objects.get()
        assert email.language == "es"
        assert email.subject.startswith("Una crisis de nivel 3 espera")
        assert "Ábrela" in email.text

    def test_reaches_the_others_if_one_address_is_unusable(
        self, reviewer: Person, lead: Person, incident: Incident
    ) -> None:
        Person.objects.filter(pk=lead.pk).update(email="lena@@example..org")
        assert notify_on_call(incident_id=incident.pk)
        assert told() == ["rosa@example.org"]

    def test_goes_again_with_a_further_message_but_not_at_once(
        self, on_call: Person, incident: Incident, teen: Person, make_incident: MakeIncident
    ) -> None:
        notify_on_call(incident_id=incident.pk)
        make_incident(teen)
        assert not notify_on_call(incident_id=incident.pk)
        Incident.objects.update(notified_at=timezone.now() - TOLD_AGAIN_AFTER, escalations=MAX_ESCALATIONS)
        make_incident(teen)
        Email.objects.update(key="earlier")
        assert notify_on_call(incident_id=incident.pk)
        incident.refresh_from_db()
        assert (len(told()), incident.escalations) == (2, 0)

    def test_about_a_further_message_reaches_its_claimant_too(
        self, on_call: Person, lead: Person, incident: Incident, teen: Person, make_incident: MakeIncident
    ) -> None:
        claim_incident(incident_id=incident.pk, by=lead)
        Incident.objects.update(notified_at=timezone.now() - TOLD_AGAIN_AFTER)
        make_incident(teen)
        notify_on_call(incident_id=incident.pk)
        assert told() == ["lena@example.org", "rosa@example.org"]

    def test_tells_the_claimant_that_the_teen_has_answered(
        self, incident: Incident, reviewer: Person, teen: Person
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        ask_teen(incident_id=incident.pk, by=reviewer)
        answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.PARENT)
        email = Email.objects.get(to="rosa@example.org")
        assert "There’s an answer" in email.subject
        assert "parent" not in f"{email.subject} {email.text}"

    def test_of_a_drill_says_so(self, on_call: Person) -> None:
        drill = Incident.objects.create(level="4", is_drill=True, protocol="x")
        notify_on_call(incident_id=drill.pk)
        assert Email.objects.get().subject.startswith("Drill: ")


class TestTheSweep:
    def test_finds_an_incident_whose_message_was_lost(self, on_call: Person, incident: Incident) -> None:
        assert sweep_incidents() == 1
        assert told() == ["rosa@example.org"]
        assert sweep_incidents() == 0

    def test_escalates_what_no_one_has_claimed_in_time(
        self, on_call: Person, incident: Incident, review: HumanReview
    ) -> None:
        notify_on_call(incident_id=incident.pk)
        make_older(incident, review.escalate_after_minutes - 1)
        assert escalate_unclaimed() == 0
        make_older(incident, review.escalate_after_minutes + 1)
        assert escalate_unclaimed() == 1
        assert told() == ["lena@example.org", "rosa@example.org", "rosa@example.org"]
        assert kinds(incident)[-1] == EntryKind.ESCALATED

    def test_escalates_a_few_times_at_intervals_and_then_stops(
        self, incident: Incident, review: HumanReview
    ) -> None:
        make_older(incident, review.escalate_after_minutes + 1)
        assert [escalate_unclaimed(), escalate_unclaimed()] == [1, 0]
        for _ in range(MAX_ESCALATIONS + 2):
            Incident.objects.update(escalated_at=timezone.now() - timedelta(hours=1))
            escalate_unclaimed()
        assert kinds(incident).count(EntryKind.ESCALATED) == MAX_ESCALATIONS

    def test_goes_on_for_open_incidents_after_review_was_switched_off(
        self, incident: Incident, review: HumanReview, lead: Person, reviewer: Person
    ) -> None:
        switch_review_off(by=lead)
        make_older(incident, review.escalate_after_minutes + 1)
        assert escalate_unclaimed() == 1
        claim_incident(incident_id=incident.pk, by=reviewer)
        Email.objects.all().delete()
        hand_up_incident(incident_id=incident.pk, by=reviewer)
        assert told() == ["lena@example.org"]

    def test_tells_of_the_others_if_one_fails(
        self,
        on_call: Person,
        incident: Incident,
        stranger: Person,
        make_incident: MakeIncident,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        other = make_incident(stranger)

        def fail_for_one(found: Incident) -> Readers:
            if found.pk == incident.pk:
                raise RuntimeError
            return find_readers(found)

        monkeypatch.setattr(notifying, "find_readers", fail_for_one)
        assert sweep_incidents() == 1
        other.refresh_from_db()
        assert other.notified_at

    def test_does_not_escalate_a_claimed_incident(self, incident: Incident, reviewer: Person) -> None:
        make_older(incident, 500)
        claim_incident(incident_id=incident.pk, by=reviewer)
        assert escalate_unclaimed() == 0


class TestALapsedClaim:
    """The claimant is gone, may no longer open it, or has done nothing for a day."""

    @pytest.fixture
    def claimed(self, incident: Incident, reviewer: Person) -> Incident:
        notify_on_call(incident_id=incident.pk)
        Email.objects.all().delete()
        return claim_incident(incident_id=incident.pk, by=reviewer)

    @pytest.mark.parametrize("how", ["deleted", "inactive", "not allowed", "parent", "idle"])
    def test_is_given_back_and_others_are_told(
        self,
        how: str,
        claimed: Incident,
        reviewer: Person,
        teen: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        match how:
            case "deleted":
                reviewer.delete()
            case "inactive":
                Person.objects.filter(pk=reviewer.pk).update(is_active=False)
            case "not allowed":
                reviewer.user_permissions.clear()
            case "parent":
                Link.objects.create(parent=reviewer, teen=teen)
            case "idle":
                monkeypatch.setattr(notifying, "CLAIM_LAPSES_AFTER", timedelta(0))
        assert sweep_incidents() == 1
        claimed.refresh_from_db()
        assert (claimed.claimed_by, claimed.claimed_at, claimed.escalations) == (None, None, 0)
        assert kinds(claimed)[-2:] == [EntryKind.LAPSED, EntryKind.UNATTENDED]
        assert "lena@example.org" in told()

    def test_is_not_one_in_which_something_was_done(self, claimed: Incident, reviewer: Person) -> None:
        add_note(incident_id=claimed.pk, by=reviewer, note="Called the school.")
        assert release_lapsed_claims() == 0


@dataclass
class Receiver:
    """A webhook's server."""

    url: str = ""
    status: int = 204
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    got = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            got.headers.append(dict(self.headers))
            self.send_response(got.status)
            if got.status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()

        def log_message(self, *_about: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    got.url = f"http://127.0.0.1:{server.server_port}/hook"
    settings.REVIEW_WEBHOOK_URL, settings.REVIEW_WEBHOOK_SECRET = got.url, SECRET
    yield got
    server.shutdown()
    server.server_close()


class TestTheWebhook:
    def test_is_signed_and_has_no_personal_data(
        self, incident: Incident, teen: Person, receiver: Receiver
    ) -> None:
        assert send_webhook(incident_id=incident.pk)
        [body], [headers] = receiver.bodies, receiver.headers
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Signature"] == f"sha256={expected}"
        sent = json.loads(body)
        assert set(sent) == {"incident", "level", "opened_at", "is_drill", "url"}
        assert (sent["incident"], sent["level"]) == (str(incident.pk), "3")
        assert str(teen.pk) not in [str(value) for value in sent.values()]

    def test_is_sent_once(self, incident: Incident, receiver: Receiver) -> None:
        send_webhook(incident_id=incident.pk)
        assert not send_webhook(incident_id=incident.pk)
        assert len(receiver.bodies) == 1

    @pytest.mark.parametrize("status", [302, 400, 500])
    def test_that_fails_is_sent_again_by_the_sweep(
        self, status: int, incident: Incident, receiver: Receiver
    ) -> None:
        receiver.status = status
        assert not send_webhook(incident_id=incident.pk)
        receiver.status = 204
        sweep_incidents()
        assert len(receiver.bodies) == 2
        incident.refresh_from_db()
        assert incident.webhook_sent_at

    def test_that_cannot_be_reached_fails_nothing_else(
        self, incident: Incident, settings: Settings, on_call: Person
    ) -> None:
        settings.REVIEW_WEBHOOK_URL, settings.REVIEW_WEBHOOK_SECRET = "http://127.0.0.1:1/", SECRET
        tasks.notify_on_call(str(incident.pk))
        assert told() == ["rosa@example.org"]
        assert sweep_incidents() == 0

    def test_follows_no_redirect_to_another_host(self, incident: Incident, receiver: Receiver) -> None:
        receiver.status = 302
        assert not send_webhook(incident_id=incident.pk)
        assert len(receiver.bodies) == 1

    def test_is_not_sent_without_an_address(self, incident: Incident, settings: Settings) -> None:
        settings.REVIEW_WEBHOOK_URL = ""
        assert not send_webhook(incident_id=incident.pk)

    def test_is_given_up_after_some_hours(self, incident: Incident, receiver: Receiver) -> None:
        Incident.objects.update(last_message_at=timezone.now() - timedelta(hours=7))
        sweep_incidents()
        assert receiver.bodies == []


def test_a_new_incident_nudges_a_worker(
    reviewed_teen: Person,
    ask: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    nudged: list[tuple[str, ...]] = []
    monkeypatch.setattr("safeguarding.incidents.nudge", lambda *args: nudged.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        ask(reviewed_teen, STATED)
        ask(reviewed_teen, STATED)
    assert nudged == [("safeguarding.tasks.notify_on_call", str(Incident.objects.get().pk))]
