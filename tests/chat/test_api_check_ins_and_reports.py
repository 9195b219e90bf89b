"""Check-ins and reports in the API, for the owner, a family member, a stranger, an admin and a visitor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.models import Report, ReportCount, Turn, TurnState
from tests.chat.conftest import Ask, Judged
from tests.chat.verdicts import HINTS
from tests.rest.problems import TURNS, require_problem

AsPerson = Callable[[Person], Client]
END_PAUSE = "/api/v1/end-pause"
SHARED = {"reason": "wrong", "comment": "It mixes up two rivers.", "shared": True}


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


@pytest.fixture
def paused(teen: Person, ask: Ask, judged: Judged) -> Turn:
    judged(HINTS)
    return ask(teen)


@pytest.fixture
def answered(turn: Turn) -> Turn:
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer="It scatters.", ended_at=timezone.now()
    )
    turn.refresh_from_db()
    return turn


def post(client: Client, turn: Turn, what: str, **fields: Any) -> Any:
    return client.post(f"{TURNS}/{turn.pk}/{what}", fields, content_type="application/json")


class TestCheckIns:
    def test_a_pause_says_what_it_asks_and_the_words_for_each_answer(
        self, owner: Client, paused: Turn
    ) -> None:
        body = owner.get(f"{TURNS}/{paused.pk}").json()
        assert body["resumed_at"] is None
        assert body["check_in"]["question"].startswith("Are you thinking about")
        assert len({body["check_in"][word] for word in ("yes", "no", "unsaid")}) == 3

    @pytest.mark.parametrize("word", ["no", "unsaid"])
    def test_it_ends_by_the_persons_own_answer(self, word: str, owner: Client, paused: Turn) -> None:
        body = post(owner, paused, "check-in", answer=word).json()
        assert (body["state"], body["resumed_at"] is None) == ("paused", False)

    def test_a_yes_brings_the_card_and_what_was_answered_stays(self, owner: Client, paused: Turn) -> None:
        reply = post(owner, paused, "check-in", answer="yes")
        assert reply.status_code == 200
        assert reply.json()["state"] == "carded"
        assert reply.json()["card"]["help_lines"]
        assert post(owner, paused, "check-in", answer="no").json()["state"] == "carded"

    @pytest.mark.parametrize("word", ["", "maybe", None])
    def test_anything_else_is_no_answer(self, word: str | None, owner: Client, paused: Turn) -> None:
        require_problem(post(owner, paused, "check-in", answer=word), "invalid", 400)
        paused.refresh_from_db()
        assert paused.resumed_at is None

    def test_a_turn_without_a_check_in_does_not_change(self, owner: Client, answered: Turn) -> None:
        assert post(owner, answered, "check-in", answer="yes").json()["state"] == "answered"


class TestEndingAPause:
    @pytest.fixture
    def carded(self, teen: Person, ask: Ask) -> Turn:
        return ask(teen, "I want to kill myself")

    def test_is_refused_before_the_set_time(self, owner: Client, carded: Turn) -> None:
        assert require_problem(owner.post(END_PAUSE), "resting", 403)["opens_at"]
        carded.refresh_from_db()
        assert carded.resumed_at is None

    def test_is_possible_after_the_set_time(self, owner: Client, carded: Turn) -> None:
        Turn.objects.update(ended_at=timezone.now() - timedelta(minutes=6))
        assert owner.post(END_PAUSE).status_code == 204
        carded.refresh_from_db()
        assert carded.resumed_at

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_no_one_else_can_say_it_for_them(
        self, who: str, carded: Turn, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        Turn.objects.update(ended_at=timezone.now() - timedelta(minutes=6))
        assert as_person(request.getfixturevalue(who)).post(END_PAUSE).status_code == 204
        carded.refresh_from_db()
        assert carded.resumed_at is None

    def test_a_visitor_is_asked_to_sign_in(self, client: Client, db: None) -> None:
        require_problem(client.post(END_PAUSE), "not-signed-in", 401)


class TestReporting:
    def test_without_consent_it_is_only_counted(self, owner: Client, answered: Turn) -> None:
        body = post(owner, answered, "report", **SHARED | {"shared": False}).json()
        assert (body["reason"], body["comment"], body["shared_at"]) == ("", "", None)
        assert ReportCount.objects.get().reason == "wrong"

    def test_with_consent_its_comment_is_kept_until_it_is_withdrawn(
        self, owner: Client, answered: Turn
    ) -> None:
        body = post(owner, answered, "report", **SHARED).json()
        assert body["comment"] == SHARED["comment"]
        assert body["shared_at"]
        assert owner.delete(f"{TURNS}/{answered.pk}/report").status_code == 204
        report = Report.objects.get()
        assert (report.comment, report.reason, report.shared_at) == ("", "", None)

    def test_a_second_one_changes_nothing(self, owner: Client, answered: Turn) -> None:
        first = post(owner, answered, "report").json()
        assert post(owner, answered, "report", **SHARED).json() == first
        assert ReportCount.objects.get().count == 1

    def test_what_is_being_written_cannot_be_reported(self, owner: Client, turn: Turn) -> None:
        require_problem(post(owner, turn, "report"), "nothing-to-report", 409)

    def test_they_are_rate_limited(self, owner: Client, answered: Turn) -> None:
        replies = [post(owner, answered, "report") for _ in range(11)]
        require_problem(replies[-1], "rate-limited", 429)


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
def test_another_persons_turn_is_not_found(
    who: str, paused: Turn, as_person: AsPerson, request: pytest.FixtureRequest
) -> None:
    client = as_person(request.getfixturevalue(who))
    require_problem(post(client, paused, "check-in", answer="no"), "not-found", 404)
    require_problem(post(client, paused, "report", **SHARED), "not-found", 404)
    require_problem(client.delete(f"{TURNS}/{paused.pk}/report"), "not-found", 404)
    paused.refresh_from_db()
    assert paused.resumed_at is None
    assert not Report.objects.exists()


def test_a_visitor_is_asked_to_sign_in(paused: Turn, client: Client) -> None:
    require_problem(post(client, paused, "check-in", answer="no"), "not-signed-in", 401)
    require_problem(post(client, paused, "report"), "not-signed-in", 401)
    require_problem(client.delete(f"{TURNS}/{paused.pk}/report"), "not-signed-in", 401)
