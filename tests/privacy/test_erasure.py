"""After an erasure nothing remains: in no table, in Valkey, or from work in progress."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import OperationalError, connection
from django.test import Client
from psycopg.errors import DeadlockDetected
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Person, Role
from budgets.audit import find_ledger_differences
from budgets.models import Hold, HoldState, Period
from chat import streaming
from chat.asking.services import start_turn
from chat.models import Conversation, Turn
from events.models import SignUp
from privacy import services
from tests.budgets.rush import at_once
from tests.chat.test_relay import LONG
from tests.live import SignedInClient, Web, Worker, wait_until
from tests.privacy.conftest import ANSWER, QUESTION, MakeFull, answered

PASSWORD = "a-long-password"
AsPerson = Callable[[Person], Client]


def list_tables() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
        yield from (name for (name,) in cursor.fetchall())


def tables_containing(words: str) -> list[str]:
    """Return the tables in which any column contains `words`, ignoring case."""
    containing = []
    for table in list_tables():
        with connection.cursor() as cursor:
            # A row cast to text contains every column, including JSON and arrays.
            cursor.execute(
                f"SELECT 1 FROM {table} AS row WHERE strpos(lower(row::text), lower(%s)) > 0 LIMIT 1",  # noqa: S608
                [words],
            )
            if cursor.fetchone():
                containing.append(table)
    return containing


class TestNothingRemains:
    def test_no_table_contains_their_name_address_or_text(self, full: Person, as_person: AsPerson) -> None:
        texts = [full.username, full.display_name, full.email, "elsewhere@nut.example", "walnut", "hollow"]
        for words in texts:
            assert tables_containing(words), f"{words} is not there to be erased"
        assert as_person(full).post("/account/data/erase", {"proof": PASSWORD}).status_code == 302
        for words in (*texts, QUESTION, ANSWER, "Wilhelmina"):
            assert tables_containing(words) == []

    def test_the_admin_log_keeps_the_action_without_the_name(self, full: Person) -> None:
        key = str(full.pk)
        services.erase_person(person=full)
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.object_repr, entry.change_message) == (key, "", "")

    def test_the_admin_log_does_not_name_them_after_a_deletion(
        self, full: Person, admin_person: Person
    ) -> None:
        place = SignUp.objects.get(email__iexact=full.email)
        place.name = full.display_name
        LogEntry.objects.log_actions(admin_person.pk, [place], 3)
        place.delete()
        services.erase_person(person=full)
        assert tables_containing("Wilhelmina") == []

    def test_the_ledgers_sums_are_kept_and_add_up(self, full: Person) -> None:
        answered(full)
        start_turn(person=full, turn_id=uuid4(), question="And this one waits?")
        period = Period.objects.get(budget=full.budget)
        spent = period.spent
        services.erase_person(person=full)
        period.refresh_from_db()
        assert (period.spent, period.held, period.budget.owner) == (spent, 0, None)
        assert list(find_ledger_differences()) == []

    def test_side_effects_outside_the_database_wait_for_the_commit(
        self, full: Person, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks() as waiting:
            services.erase_person(person=full)
        assert waiting

    def test_an_error_erases_nothing(self, full: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_how: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("chat.personal.delete_conversation", fail)
        with pytest.raises(RuntimeError):
            services.erase_person(person=full)
        assert tables_containing(full.username)
        assert full.budget.owner == full


class TestTwice:
    def test_the_second_erasure_does_nothing(self, full: Person) -> None:
        assert services.erase_person(person=Person.objects.get(pk=full.pk)) is True
        assert services.erase_person(person=full) is False

    @pytest.mark.django_db(transaction=True)
    def test_simultaneous_requests_erase_once_and_both_succeed(
        self, transactional_db: None, make_full: MakeFull, as_person: AsPerson
    ) -> None:
        full = make_full()
        clients = [as_person(full), as_person(full)]
        replies = at_once([lambda c=c: c.post("/account/data/erase", {"proof": PASSWORD}) for c in clients])  # type: ignore[misc]
        for reply in replies:
            # A request after the erasure has no person and is asked to sign in.
            assert reply["Location"] in {"/account/erased", "/sign-in?next=/account/data"}
        assert "/account/erased" in {reply["Location"] for reply in replies}
        assert not Person.objects.filter(pk=full.pk).exists()
        assert list(find_ledger_differences()) == []

    @pytest.mark.django_db(transaction=True)
    def test_one_of_the_last_two_admins_stays(
        self, transactional_db: None, make_person: Callable[..., Person]
    ) -> None:
        two = [make_person(name, Role.ADMIN, is_superuser=True) for name in ("ana", "ben")]

        def erasing(person: Person) -> bool:
            try:
                return services.erase_person(person=person)
            except services.LastAdmin:
                return False

        assert sorted(at_once([lambda p=p: erasing(p) for p in two])) == [False, True]  # type: ignore[misc]
        assert Person.objects.filter(is_superuser=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_question_during_the_erasure_is_erased_or_refused(
    transactional_db: None, make_full: MakeFull
) -> None:
    """Every question came before and was erased, or came after and was refused."""
    full = make_full()
    conversation = Conversation.objects.get()

    def asking(in_one: Conversation | None) -> None:
        try:
            start_turn(person=full, turn_id=uuid4(), question="Is anybody there?", conversation=in_one)
        except Exception:  # noqa: BLE001 - whatever stops it
            return

    def erasing() -> None:
        assert services.erase_person(person=full)

    at_once(
        [
            erasing,
            *(lambda: asking(None) for _ in range(2)),
            *(lambda: asking(conversation) for _ in range(2)),
        ]
    )
    assert tables_containing("anybody there") == tables_containing("walnut") == []
    held = Hold.objects.filter(state=HoldState.HELD)
    wait_until(lambda: not held.exists(), what="a worker, if there is one, to settle")
    assert list(find_ledger_differences()) == []


@pytest.mark.parametrize(("deadlocks", "erased"), [(3, True), (4, False)])
def test_the_erasure_is_retried_after_a_deadlock(
    deadlocks: int, erased: bool, full: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([DeadlockDetected()] * deadlocks)
    erase = services._erase_once

    def trying(person: Person) -> bool:
        for fault in left:
            raise OperationalError from fault
        return erase(person)

    monkeypatch.setattr(services, "_erase_once", trying)
    with nullcontext() if erased else pytest.raises(OperationalError):
        services.erase_person(person=full)
    assert Person.objects.filter(pk=full.pk).exists() != erased


class TestWhileATurnIsBeingWritten:
    @pytest.fixture
    def valkey(self) -> "redis.Redis":
        return redis.Redis.from_url(settings.VALKEY_URL, decode_responses=True)

    def test_its_hold_settles_once_and_its_stream_is_deleted(
        self, web: Web, worker: Worker, make_full: MakeFull, valkey: "redis.Redis"
    ) -> None:
        full = make_full()
        web_client = SignedInClient(web, full)
        turn_id = web_client.ask(LONG)
        wait_until(
            lambda: (streaming.read_stream(turn_id) or streaming.StreamedAnswer()).tokens,
            what="the first words",
        )
        reply = web_client.post("/account/data/erase", proof=PASSWORD)
        assert (reply.status, reply.headers["Location"]) == (302, "/account/erased")
        assert not Turn.objects.exists()
        settled = Hold.objects.filter(key=turn_id)
        wait_until(lambda: settled.get().state == HoldState.SETTLED, what="the worker to settle")
        wait_until(lambda: not valkey.keys(f"turn:{turn_id}:*"), what="the stream to be gone")
        assert tables_containing("rivers") == tables_containing("walnut") == []
        assert not Period.objects.exclude(held=0).exists()
        assert list(find_ledger_differences()) == []
