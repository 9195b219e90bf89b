"""A person with data of every kind, and their export."""

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Person, Session
from budgets.services import settle_hold
from chat.asking.services import start_turn
from chat.memory.notes import NoteKind
from chat.models import MemoryChoice, Note, Turn, TurnState
from courses.learning.records import PersonRecord
from courses.models import Certificate, JointModule
from events.feeds import create_feed
from events.models import Event
from events.services import create_sign_up
from families.agreements import propose_terms
from families.links import create_invitation
from families.models import Link
from families.parent_view_log import log_parent_view
from families.terms import Terms
from families.trusted_adults import save_trusted_adult
from kit.memory_policy import MemoryPolicy
from mail.services import NewAttachment, queue_email
from privacy.archive import build_archive
from tests.accounts.conftest import _fresh_counts  # noqa: F401 - a fixture
from tests.conftest import with_consent
from tests.events.conftest import sign_up_and_confirm

QUESTION = "Why does my grandmother's walnut tree whistle?"
ANSWER = "Because the wind plays on its hollow branches."
MakeFull = Callable[..., Person]


@pytest.fixture
def event(db: None) -> Event:
    return Event.objects.create(
        slug="one-evening",
        title="One evening",
        summary="An hour about AI.",
        starts_at=timezone.now() + timedelta(days=20),
        minutes=60,
        is_published=True,
    )


@pytest.fixture
def make_full(make_person: Callable[..., Person], event: Event, admin_person: Person) -> MakeFull:
    """Make a person with at least one row of every data kind except the rare ones."""

    def make(username: str = "walnut-kid", **fields: object) -> Person:
        details: dict[str, object] = {"display_name": "Wilhelmina Q.", "email": "Wil@Nut.example", **fields}
        person = with_consent(make_person(username, **details))
        if person.email:
            EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        in_a_family(person)
        get_session(person)
        turn = answered(person)
        Note.objects.create(
            conversation=turn.conversation,
            turn=turn,
            kind=NoteKind.FACT,
            text="My bridge is 62 cm long.",
            tokens=12,
        )
        MemoryChoice.objects.create(owner=person)
        record = PersonRecord(person)
        record.mark_lesson_done("good-and-bad", "what-it-is")
        record.record_answer("good-and-bad", "first", "b")
        learned(person)
        create_feed(person=person)
        Authenticator.objects.create(
            user=person, type=Authenticator.Type.TOTP, data={"secret": "TOTP-SECRET"}
        )
        create_sign_up(event=event, name=str(person), email="elsewhere@nut.example", person=person)
        if person.email:
            sign_up_and_confirm(event, "Wilhelmina", email=person.email.upper())
            mail_to(person.email.lower(), f"Hello {person}")
        log(person, person)
        log(admin_person, person)
        return person

    return make


@pytest.fixture
def full(make_full: MakeFull) -> Person:
    return make_full()


def in_a_family(person: Person) -> None:
    """A parent who used the parent view, an invitation, a notice and a trusted adult."""
    parent, _made = Person.objects.get_or_create(username="pat", defaults={"role": "parent"})
    link = Link.objects.create(parent=parent, teen=person)
    propose_terms(link=link, by=person, terms=Terms(answers_per_day=20))
    propose_terms(link=link, by=parent, terms=Terms(memory=MemoryPolicy.NONE))
    log_parent_view(link=link)
    create_invitation(by=person, email="aunt@nut.example")
    save_trusted_adult(teen=person, name="Aunt Hazel", contact="next door")


def learned(person: Person) -> None:
    """A certificate with a name, and a joint module."""
    Certificate.objects.create(
        person=person, module_slug="good-and-bad", language="en", title="The good and the bad of AI",
        name="Wilhelmina Q.", lessons=5, questions=5, edition="0123456789ab", issued_on=timezone.localdate(),
    )  # fmt: skip
    JointModule.objects.create(
        link=Link.objects.get(teen=person), module_slug="good-and-bad", requested_by=person
    )


@transaction.atomic
def answered(person: Person, question: str = QUESTION, answer: str = ANSWER) -> Turn:
    """A question and its answer, with the hold settled, before any worker could claim it."""
    turn = start_turn(person=person, turn_id=uuid4(), question=question).turn
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer=answer, ended_at=timezone.now(), prompt_tokens=80, answer_tokens=20
    )
    settle_hold(key=turn.pk, tokens=100, microdollars=7)
    return turn


def mail_to(address: str, subject: str, text: str = "See you on Thursday.") -> None:
    enclosure = NewAttachment(filename="one.ics", content_type="text/calendar", content=f"ATTENDEE:{address}")
    with transaction.atomic():
        queue_email(key=f"test {uuid4()}", to=address, subject=subject, text=text, attachments=[enclosure])


def log(admin: Person, about: Person) -> None:
    """Log what the admin pages log when an admin changes a person."""
    LogEntry.objects.create(
        user=admin,
        content_type=ContentType.objects.get_for_model(Person),
        object_id=str(about.pk),
        object_repr=str(about),
        action_flag=CHANGE,
        change_message=f"Changed {about.username}",
    )


def get_session(person: Person) -> Session:
    client = Client()
    client.force_login(person)
    return Session.objects.get(pk=client.session.session_key)


def visitor_session() -> Session:
    """A session without a signed-in person."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["completed_work"] = {}
    store.save()
    return Session.objects.get(pk=store.session_key)


class Opened:
    """An opened zip."""

    def __init__(self, content: bytes, folder: str = "") -> None:
        self.content, self.folder = content, folder
        self.zip = zipfile.ZipFile(io.BytesIO(content))
        assert self.zip.testzip() is None

    def of_teen(self, number: int) -> "Opened":
        """Return a teen's folder in a parent's export."""
        return Opened(self.content, f"teen-{number}/")

    @property
    def names(self) -> set[str]:
        return {
            name.removeprefix(self.folder) for name in self.zip.namelist() if name.startswith(self.folder)
        }

    @property
    def page(self) -> str:
        return self.read("index.html")

    def read(self, name: str) -> str:
        return self.zip.read(self.folder + name).decode()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.read(f"{kind}.json"))
        return rows

    def everything(self) -> str:
        return "".join(self.read(name) for name in self.names)


def opened(person: Person, *, teens: Sequence[Person] = ()) -> Opened:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    with build_archive(person=person, teens=teens, now=noon) as spool:
        return Opened(spool.read())
