"""Expired data is deleted on the exact day, by one scheduled task."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.admin.models import LogEntry

from accounts.models import Person, Role, Session
from budgets.models import GrantBatch
from chat.models import Conversation, Report, Turn, TurnState
from courses.models import JointModule
from desk.models import StaffInvitation
from events.models import Event, SignUp
from families.cooling_off import COOLING_OFF_PERIOD
from families.models import CoolingOff, FamilyDeletion, Invitation, Link, Notice, PasswordHelp
from mail.models import Email, EmailState
from privacy import registry
from privacy.models import ErasedPerson
from privacy.registry import DataKind
from safeguarding.models import Incident
from tests.events.conftest import sign_up_and_confirm
from tests.privacy.conftest import log, mail_to, visitor_session

NOW = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)
MOMENT = timedelta(seconds=1)

TIMED = [kind for kind in registry.list_kinds() if kind.retention.days is not None]


def email_sent(at: datetime) -> None:
    mail_to("kim@example.org", "Hello")
    Email.objects.update(state=EmailState.SENT, sent_at=at)


def email_failed(at: datetime) -> None:
    mail_to("kim@example.org", "Hello")
    Email.objects.update(state=EmailState.FAILED, failed_at=at)


def event_ended(at: datetime) -> None:
    event = Event.objects.create(
        slug="over", title="Over", summary="x", starts_at=at - timedelta(hours=1), minutes=60
    )
    sign_up_and_confirm(event, now=at - timedelta(days=1))


def session_begun(at: datetime) -> None:
    ends_at = at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    Session.objects.filter(pk=visitor_session().pk).update(expire_date=ends_at)


def admin_changed(at: datetime) -> None:
    ana = Person.objects.create_user("ana", role=Role.ADMIN)
    log(ana, ana)
    LogEntry.objects.update(action_time=at)


def account_erased(at: datetime) -> None:
    ErasedPerson.objects.create(person_key=7, joined_at=at - timedelta(days=9), erased_at=at)


def invitation_created(at: datetime) -> None:
    Invitation.objects.create(by=Person.objects.create(username="kim", role=Role.PARENT), created_at=at)


def notice_created(at: datetime) -> None:
    Notice.objects.create(person=Person.objects.create(username="kim", role=Role.PARENT), text="x", at=at)


def password_help_requested(at: datetime) -> None:
    teen = Person.objects.create(username="noor", role=Role.TEEN)
    PasswordHelp.objects.create(teen=teen, code="482913", asked_at=at)


def incident_closed(at: datetime) -> None:
    teen = Person.objects.create(username="noor", role=Role.TEEN)
    Incident.objects.create(teen=teen, level="3", protocol="x", closed_at=at, resolution="helped")


def deletion_requested(at: datetime) -> None:
    FamilyDeletion.objects.create(parent=Person.objects.create(username="kim", role=Role.PARENT), asked_at=at)


def cooling_off_started(at: datetime) -> None:
    teen = Person.objects.create(username="noor", role=Role.TEEN)
    CoolingOff.objects.create(teen=teen, until=at + COOLING_OFF_PERIOD)


def conversation_created(at: datetime) -> None:
    teen = Person.objects.create(username="noor", role=Role.TEEN)
    Conversation.objects.create(owner=teen, title="Bias", asked_at=at)


def report_created(at: datetime) -> None:
    teen = Person.objects.create(username="noor", role=Role.TEEN)
    conversation = Conversation.objects.create(owner=teen, title="Bias", asked_at=at)
    turn = Turn.objects.create(
        pk=uuid4(), conversation=conversation, question="Why?", state=TurnState.REFUSED, ended_at=at
    )
    Report.objects.create(turn=turn, created_at=at)


def joint_module_asked(at: datetime) -> None:
    parent = Person.objects.create(username="kim", role=Role.PARENT)
    link = Link.objects.create(parent=parent, teen=Person.objects.create(username="noor", role=Role.TEEN))
    JointModule.objects.create(link=link, module_slug="brain", requested_by=parent, requested_at=at)


def person_signed_up(at: datetime) -> None:
    person = Person.objects.create(
        username="person-kim", email="kim@example.org", role=Role.PARENT, unconfirmed_since=at
    )
    EmailAddress.objects.create(user=person, email=person.email, primary=True)


def team_invitation_sent(at: datetime) -> None:
    StaffInvitation.objects.create(email="kim@example.org", roles=[], created_at=at)


def grant_file_uploaded(at: datetime) -> None:
    GrantBatch.objects.create(digest="x", file_name="a.csv", content="username", row_count=1, uploaded_at=at)


def titles() -> int:
    return LogEntry.objects.exclude(object_repr="", change_message="").count()


BEGINNINGS: list[tuple[str, Callable[[datetime], None], Callable[[], int]]] = [
    ("emails", email_sent, Email.objects.count),
    ("emails", email_failed, Email.objects.count),
    ("sign-ups", event_ended, SignUp.objects.count),
    ("admin-log", admin_changed, titles),
    ("sessions", session_begun, Session.objects.count),
    ("erased", account_erased, ErasedPerson.objects.count),
    ("invitations", invitation_created, Invitation.objects.count),
    ("notices", notice_created, Notice.objects.count),
    ("password-helps", password_help_requested, PasswordHelp.objects.count),
    ("conversations", conversation_created, Conversation.objects.count),
    ("reports", report_created, Report.objects.count),
    ("joint-modules", joint_module_asked, JointModule.objects.count),
    ("cooling-offs", cooling_off_started, CoolingOff.objects.count),
    (
        "unconfirmed-accounts",
        person_signed_up,
        Person.objects.filter(unconfirmed_since__isnull=False).count,
    ),
    ("family-deletion", deletion_requested, FamilyDeletion.objects.count),
    ("grant-files", grant_file_uploaded, GrantBatch.objects.count),
    ("team", team_invitation_sent, StaffInvitation.objects.count),
    ("incidents", incident_closed, Incident.objects.filter(teen__isnull=False).count),
]


def get_kind(name: str) -> DataKind:
    return next(kind for kind in TIMED if kind.name == name)


def test_every_kind_with_days_is_tested_here() -> None:
    assert {kind.name for kind in TIMED} == {name for name, *_ in BEGINNINGS}


@pytest.mark.parametrize(("name", "begin", "left"), BEGINNINGS)
class TestAtTheExactDay:
    def test_a_row_is_kept_until_then(
        self, name: str, begin: Callable[[datetime], None], left: Callable[[], int], db: None
    ) -> None:
        retention = get_kind(name).retention
        assert retention.delete_expired
        begin(NOW)
        assert retention.delete_expired(now=NOW + timedelta(days=retention.days or 0) - MOMENT) == 0
        assert left() == 1

    def test_a_row_is_deleted_after_that(
        self, name: str, begin: Callable[[datetime], None], left: Callable[[], int], db: None
    ) -> None:
        retention = get_kind(name).retention
        assert retention.delete_expired
        begin(NOW)
        assert retention.delete_expired(now=NOW + timedelta(days=retention.days or 0) + MOMENT) == 1
        assert left() == 0
        assert retention.delete_expired(now=NOW + timedelta(days=400)) == 0


@pytest.mark.parametrize("kind", TIMED, ids=lambda kind: kind.name)
class TestTheClock:
    def test_beat_runs_it_once_a_night(self, kind: DataKind) -> None:
        entries = [
            entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == kind.retention.task
        ]
        (entry,) = entries
        schedule: Any = entry["schedule"]
        assert type(schedule).__name__ == "crontab"
        assert (len(schedule.hour), len(schedule.minute)) == (1, 1)

    def test_the_task_calls_the_service_that_is_registered(
        self, kind: DataKind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forget: Any = kind.retention.delete_expired
        called: list[str] = []
        module = import_module(forget.__module__)
        monkeypatch.setattr(module, forget.__name__, lambda: called.append(kind.name))
        tasks, _, name = kind.retention.task.rpartition(".")
        getattr(import_module(tasks), name)()
        assert called == [kind.name]

    def test_the_text_names_the_days_that_the_service_uses(self, kind: DataKind) -> None:
        days = "1 day" if kind.retention.days == 1 else f"{kind.retention.days} days"
        assert days in str(kind.retention)
        assert str(kind.retention.counted_from)


def test_every_task_that_deletes_personal_data_belongs_to_a_kind() -> None:
    tasks = {str(entry["task"]) for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    deleting = {task for task in tasks if re.search(r"\.(delete|redact|carry_out)_|_forget$", task)}
    assert deleting == {kind.retention.task for kind in TIMED}
