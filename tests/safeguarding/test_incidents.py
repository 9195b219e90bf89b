"""An incident is opened in the transaction of its card, once a crisis, and only where people review crises."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import Settings

from accounts.models import Person, Role
from budgets.allowances import set_site_stopped
from chat.asking.deferred import judge_deferred
from chat.asking.services import start_turn
from chat.models import ModelOutage, Turn, TurnState
from chat.services import answer_check_in, delete_conversation
from guard import Category, Evidence, Level
from privacy.services import erase_person
from safeguarding.human_review import switch_review_off
from safeguarding.incidents import build_excerpt
from safeguarding.models import (
    MAX_EXCERPT_LENGTH,
    CountKind,
    EntryKind,
    HumanReview,
    Incident,
    IncidentEntry,
    IncidentMessage,
    LevelChoices,
    Resolution,
)
from safeguarding.reviewing import add_note, claim_incident, close_incident, look_at_context
from tests.budgets.rush import at_once
from tests.chat.conftest import Ask, Judged, outage, written
from tests.chat.test_remote_gate import HARM, RemoteGuard, remote
from tests.chat.verdicts import HINTS, UNSAFE_HOME, build_verdict
from tests.safeguarding.conftest import ACUTE, STATED, UNSAFE, MakeIncident
from tests.safeguarding.test_counts import count

__all__ = ["outage", "remote"]
pytestmark = pytest.mark.django_db
AsPerson = Callable[[Person], Client]
Remote = Callable[..., RemoteGuard]


def kinds(incident: Incident) -> list[str]:
    return list(incident.entries.values_list("kind", flat=True))


class TestOpening:
    @pytest.mark.parametrize(("text", "level"), [(STATED, "3"), (ACUTE, "4"), (UNSAFE, "S")])
    def test_when_a_question_is_carded(self, text: str, level: str, reviewed_teen: Person, ask: Ask) -> None:
        turn = ask(reviewed_teen, text)
        incident = Incident.objects.get()
        assert (incident.teen, incident.level, incident.is_open) == (reviewed_teen, level, True)
        message = incident.messages.get()
        assert (message.turn_id, message.level, message.excerpt) == (turn.pk, level, text)
        assert kinds(incident)[0] == EntryKind.OPENED

    def test_when_a_check_in_is_answered_with_yes(
        self, reviewed_teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(HINTS)
        turn = ask(reviewed_teen, "Nothing matters")
        assert not Incident.objects.exists()
        answer_check_in(turn=turn, is_yes=True)
        incident = Incident.objects.get()
        assert (incident.level, incident.messages.get().turn_id) == ("3", turn.pk)

    def test_when_a_check_in_about_safety_is_answered_with_yes(
        self, reviewed_teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(build_verdict(Level.HINTS, Category.UNSAFE_HOME))
        answer_check_in(turn=ask(reviewed_teen, "I have to go home"), is_yes=True)
        incident = Incident.objects.get()
        assert incident.level == "S"
        assert incident.alerts_frozen_at

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("unnudged", "transactional_db")
    def test_when_a_remote_guard_finds_it_while_the_answer_is_written(
        self, reviewed_teen: Person, ask: Ask, remote: Remote, settings: Settings
    ) -> None:
        settings.GUARD_TIMEOUT_SECONDS = 20
        remote("llama", lambda _body: HARM["llama"])
        turn = written(ask(reviewed_teen, "How long is a bridge?"))
        assert turn.state == TurnState.CARDED
        assert Incident.objects.get().messages.get().turn_id == turn.pk

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("unnudged", "transactional_db")
    def test_when_a_remote_guard_finds_it_in_a_question_that_waits_for_the_model(
        self, reviewed_teen: Person, ask: Ask, remote: Remote, outage: ModelOutage, settings: Settings
    ) -> None:
        turn = ask(reviewed_teen, "How long is a bridge?", wait_for_model=True)
        assert turn.state == TurnState.DEFERRED
        settings.GUARD_TIMEOUT_SECONDS = 20
        remote("llama", lambda _body: HARM["llama"])
        judge_deferred()
        turn.refresh_from_db()
        assert turn.state == TurnState.CARDED
        assert Incident.objects.get().messages.get().turn_id == turn.pk

    def test_is_undone_with_the_card(self, reviewed_teen: Person, ask: Ask) -> None:
        with transaction.atomic():
            ask(reviewed_teen, STATED)
            transaction.set_rollback(True)
        assert not Incident.objects.exists()

    def test_works_with_broker_worker_and_model_down(
        self,
        reviewed_teen: Person,
        ask: Ask,
        monkeypatch: pytest.MonkeyPatch,
        settings: Settings,
        django_capture_on_commit_callbacks: Callable[..., object],
    ) -> None:
        def fail(*_args: object, **_options: object) -> None:
            raise OperationalError

        monkeypatch.setattr(current_app, "send_task", fail)
        settings.TUTOR_BASE_URL = "http://127.0.0.1:1/v1"
        set_site_stopped(is_stopped=True)
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            assert ask(reviewed_teen, STATED).state == TurnState.CARDED
        assert Incident.objects.get().notified_at is None


class TestNoIncident:
    def test_is_opened_for_an_adult(self, review: HumanReview, parent: Person, ask: Ask) -> None:
        assert ask(parent, STATED).state == TurnState.CARDED
        assert not Incident.objects.exists()

    def test_is_opened_while_review_is_off(
        self, reviewed_teen: Person, ask: Ask, admin_person: Person
    ) -> None:
        switch_review_off(by=admin_person)
        assert ask(reviewed_teen, STATED).state == TurnState.CARDED
        assert not Incident.objects.exists()

    def test_is_opened_before_the_consent_that_says_so(
        self, teen: Person, review: HumanReview, as_person: AsPerson
    ) -> None:
        page = as_person(teen).post("/tutor/ask", {"question": STATED, "turn_id": str(uuid4())}, follow=True)
        assert b"card-crisis" in page.content
        assert not Incident.objects.exists()

    def test_is_opened_for_an_old_consent_that_another_process_still_accepts(
        self, teen: Person, review: HumanReview, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process keeps for some seconds whether people review crises."""
        monkeypatch.setattr("families.consent_texts._is_review_on", lambda: False)
        assert ask(teen, STATED).state == TurnState.CARDED
        assert not Incident.objects.exists()

    def test_is_opened_for_a_check_in_or_its_no(
        self, reviewed_teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(HINTS)
        answer_check_in(turn=ask(reviewed_teen, "Nothing matters"), is_yes=False)
        assert not Incident.objects.exists()


class TestOneCrisis:
    def test_is_one_incident_with_all_its_messages(self, reviewed_teen: Person, ask: Ask) -> None:
        for text in (STATED, ACUTE, STATED):
            ask(reviewed_teen, text)
        incident = Incident.objects.get()
        assert incident.level == "4"
        assert [message.level for message in incident.messages.all()] == ["3", "4", "3"]
        assert kinds(incident) == ["opened", "message", "raised", "message"]

    def test_has_the_highest_level_in_the_guards_order(
        self, teen: Person, make_incident: MakeIncident
    ) -> None:
        levels = [Level.STATED, Level.UNSAFE_HOME, Level.STATED, Level.ACUTE, Level.UNSAFE_HOME]
        assert [make_incident(teen, level).level for level in levels] == ["3", "S", "S", "4", "4"]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("transactional_db")
    def test_is_one_incident_and_one_referral_under_eight_posts_at_once(self, reviewed_teen: Person) -> None:
        def post() -> Turn:
            return start_turn(person=reviewed_teen, turn_id=uuid4(), question=STATED).turn

        assert {turn.state for turn in at_once([post] * 8)} == {TurnState.CARDED}
        incident = Incident.objects.get()
        assert incident.messages.count() == 8
        # A worker of another test's site may already have told people of it.
        assert sorted(set(kinds(incident))) in (["message", "opened"], ["message", "opened", "unattended"])
        assert (kinds(incident).count("message"), kinds(incident).count("opened")) == (7, 1)
        assert (count(CountKind.CARD, "3"), count(CountKind.REFERRAL, "3")) == (8, 1)

    def test_that_was_closed_is_followed_by_another_incident(
        self, incident: Incident, teen: Person, reviewer: Person, make_incident: MakeIncident
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)
        assert make_incident(teen) != incident

    def test_of_two_teens_is_two_incidents(
        self, incident: Incident, stranger: Person, make_incident: MakeIncident
    ) -> None:
        assert make_incident(stranger) != incident

    def test_cannot_have_two_open_incidents(self, incident: Incident, teen: Person) -> None:
        with pytest.raises(IntegrityError):
            Incident.objects.create(teen=teen, level="3", protocol="x")


class TestFreezing:
    def test_begins_with_any_message_at_s(self, teen: Person, make_incident: MakeIncident) -> None:
        make_incident(teen, Level.ACUTE)
        incident = make_incident(teen, Level.UNSAFE_HOME, Category.UNSAFE_HOME)
        assert (incident.level, kinds(incident)[-1]) == ("4", EntryKind.FROZEN)
        assert incident.alerts_frozen_at

    @pytest.mark.parametrize("category", [Category.UNSAFE_HOME, Category.EXPLOITATION])
    def test_begins_when_a_message_at_another_level_says_so_too(
        self, category: Category, teen: Person, make_incident: MakeIncident
    ) -> None:
        assert make_incident(teen, Level.ACUTE, Category.SUICIDE, category).alerts_frozen_at

    def test_does_not_begin_otherwise(self, incident: Incident) -> None:
        assert incident.alerts_frozen_at is None


class TestTheExcerpt:
    def test_is_the_part_with_the_danger_and_a_little_around_it(
        self, reviewed_teen: Person, ask: Ask
    ) -> None:
        ask(reviewed_teen, "Why is the sky blue? " * 30 + STATED + ". " + "How do planes fly? " * 30)
        excerpt = IncidentMessage.objects.get().excerpt
        assert "kill myself" in excerpt
        assert excerpt.startswith("…")
        assert excerpt.endswith("…")
        assert len(excerpt) < 200

    def test_is_found_where_the_verdict_locates_nothing(self) -> None:
        text = "Why is the sky blue? " * 30 + STATED
        assert "kill myself" in build_excerpt(text, build_verdict(Level.STATED))

    def test_of_a_short_message_is_all_of_it(self) -> None:
        assert build_excerpt("I can’t anymore", UNSAFE_HOME) == "I can’t anymore"

    @pytest.mark.parametrize("length", [1, 279, 280, 281, 1_000, 8_000])
    @pytest.mark.parametrize("separator", [" ", ""])
    def test_is_never_too_long(self, length: int, separator: str) -> None:
        text = (f"aaaa{separator}" * 2_000)[:length]
        evidence = [Evidence("rules", "x", 0, length), Evidence("rules", "y", length // 2, length)]
        for verdict in (build_verdict(Level.STATED, evidence=evidence), build_verdict(Level.STATED)):
            assert 0 < len(build_excerpt(text, verdict)) <= MAX_EXCERPT_LENGTH

    def test_never_points_at_personal_data_alone(self) -> None:
        text = "Kim Lee. " + "x " * 300
        verdict = build_verdict(Level.STATED, evidence=[Evidence("personal", "name", 0, 7)])
        assert len(build_excerpt(text, verdict)) <= MAX_EXCERPT_LENGTH


class TestTheHistory:
    def test_never_changes(self, incident: Incident) -> None:
        rows = IncidentEntry.objects.all()
        changes: list[Callable[[], object]] = [
            lambda: rows.update(kind=EntryKind.CLAIMED),
            lambda: rows.update(at=timezone.now()),
            lambda: rows.update(by_name="Someone else"),
            lambda: rows.update(note="Added later"),
            rows.delete,
        ]
        for change in changes:
            with pytest.raises(IntegrityError), transaction.atomic():
                change()

    def test_lets_only_a_note_be_emptied(self, incident: Incident, reviewer: Person) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        add_note(incident_id=incident.pk, by=reviewer, note="Called the school.")
        IncidentEntry.objects.update(note="")
        assert set(IncidentEntry.objects.values_list("note", flat=True)) == {""}

    def test_keeps_an_incident_from_being_deleted(self, incident: Incident) -> None:
        with pytest.raises(ProtectedError):
            incident.delete()

    def test_has_every_level(self) -> None:
        assert set(LevelChoices.values) == {"2", "3", "4", "S"}


class TestDeletion:
    def test_of_the_conversation_removes_the_excerpt_and_keeps_the_incident(
        self, reviewed_teen: Person, ask: Ask
    ) -> None:
        turn = ask(reviewed_teen, STATED)
        delete_conversation(conversation=turn.conversation)
        incident = Incident.objects.get()
        assert (incident.messages.get().excerpt, incident.level) == ("", "3")
        assert kinds(incident)[-1] == EntryKind.EXCERPTS_DELETED

    def test_of_the_account_removes_words_notes_and_the_link(
        self, incident: Incident, teen: Person, reviewer: Person
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        look_at_context(incident_id=incident.pk, by=reviewer, reason="Is Noor safe tonight?")
        before = kinds(incident)
        assert erase_person(person=teen)
        incident.refresh_from_db()
        message = incident.messages.get()
        assert (incident.teen, message.excerpt, message.turn_id) == (None, "", None)
        assert not incident.entries.exclude(note="").exists()
        assert kinds(incident) == [*before, EntryKind.EXCERPTS_DELETED]
        assert (incident.level, incident.claimed_by) == ("3", reviewer)

    def test_of_a_reviewers_account_keeps_what_they_did(
        self, incident: Incident, reviewer: Person, make_person: Callable[..., Person]
    ) -> None:
        make_person("other-admin", Role.ADMIN, is_staff=True, is_superuser=True)
        claim_incident(incident_id=incident.pk, by=reviewer)
        assert erase_person(person=reviewer)
        incident.refresh_from_db()
        assert incident.claimed_by is None
        assert incident.entries.get(kind=EntryKind.CLAIMED).by_name == "Rosa"
