"""Asking, reading and stopping in the API, for the owner, a family member, a stranger, an admin and a visitor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from chat import services
from chat.models import Conversation, Turn, TurnState
from families.models import Consent, Link
from tests.rest.problems import TURNS, require_problem

AsPerson = Callable[[Person], Client]


def post(client: Client, question: str = "Why is the sky blue?", key: object = None, **fields: Any) -> Any:
    headers = {"Idempotency-Key": str(key or uuid4())}
    sent = {"question": question} | fields
    return client.post(TURNS, sent, content_type="application/json", headers=headers)


def build_usage(parts: dict[str, int] | None = None, **tokens: int) -> dict[str, object]:
    """Build the usage of a turn in which everything else is 0."""
    zeros = dict.fromkeys(["instructions", "notes", "turns", "question", "after_question"], 0)
    counts = dict.fromkeys(["prompt_tokens", "cached_tokens", "answer_tokens", "microdollars"], 0)
    return {**counts, **tokens, "prompt_parts": zeros | (parts or {})}


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


class TestAsking:
    def test_a_question_becomes_a_turn_in_a_new_conversation(self, owner: Client, teen: Person) -> None:
        key = uuid4()
        reply = post(owner, key=key)
        assert reply.status_code == 201
        assert reply.headers["Location"] == f"{TURNS}/{key}"
        assert reply.headers["Cache-Control"] == "no-store"
        body = reply.json()
        assert body["id"] == str(key)
        assert body["state"] == "queued"
        assert body["end_reason"] is None
        assert body["card"] is None
        assert Conversation.objects.get(owner=teen).pk == UUID(body["conversation"])

    def test_a_later_question_joins_its_conversation(self, owner: Client, turn: Turn) -> None:
        services.stop_turn(turn=turn)
        reply = post(owner, "And the sea?", conversation=str(turn.conversation_id))
        assert reply.status_code == 201
        assert turn.conversation.turns.count() == 2

    def test_the_same_key_again_answers_the_same_turn(self, owner: Client) -> None:
        key = uuid4()
        first, second = post(owner, key=key), post(owner, key=key)
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert Turn.objects.count() == 1

    def test_the_same_key_with_another_question_is_rejected(self, owner: Client) -> None:
        key = uuid4()
        post(owner, key=key)
        require_problem(post(owner, "And the sea?", key=key), "key-reused", 422)
        assert Turn.objects.count() == 1

    def test_another_persons_key_is_taken_and_reveals_nothing(
        self, turn: Turn, stranger: Person, as_person: AsPerson
    ) -> None:
        problem = require_problem(post(as_person(stranger), key=turn.pk), "key-taken", 409)
        assert turn.question not in str(problem)

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_another_persons_conversation_is_not_found(
        self, who: str, turn: Turn, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        client = as_person(request.getfixturevalue(who))
        require_problem(post(client, conversation=str(turn.conversation_id)), "not-found", 404)
        assert turn.conversation.turns.count() == 1

    def test_a_visitor_is_asked_to_sign_in(self, client: Client, db: None) -> None:
        reply = post(client)
        require_problem(reply, "not-signed-in", 401)
        assert reply.headers["WWW-Authenticate"].startswith("Cookie")

    def test_without_a_csrf_token_nothing_is_asked(self, teen: Person) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(teen)
        require_problem(post(client), "csrf-failed", 403)
        client.get("/tutor/")
        token = client.cookies["csrftoken"].value
        headers = {"Idempotency-Key": str(uuid4()), "X-CSRFToken": token}
        reply = client.post(TURNS, {"question": "Why?"}, content_type="application/json", headers=headers)
        assert reply.status_code == 201

    def test_it_costs_few_queries(
        self, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        post(owner)
        # Session with person, and the queries of the service that the page uses too.
        with django_assert_max_num_queries(10):
            post(owner, "And the sea?")

    def test_too_many_questions_are_rate_limited_but_a_crisis_is_not(self, owner: Client) -> None:
        replies = [post(owner, f"Question {number}") for number in range(14)]
        assert replies[0].status_code == 201
        problem = require_problem(replies[-1], "rate-limited", 429)
        assert replies[-1].headers["Retry-After"] == str(problem["retry_after_seconds"])
        assert post(owner, "I want to kill myself").status_code == 201


class TestCrisis:
    def test_it_is_answered_with_the_card_at_once(self, owner: Client) -> None:
        body = post(owner, "I want to kill myself").json()
        assert body["state"] == "carded"
        card = body["card"]
        assert card["heading"]
        assert card["paragraphs"]
        assert card["emergency"] == "911"
        assert any(line["call"] and line["call"]["href"] == "tel:988" for line in card["help_lines"])
        assert body["usage"] == build_usage()

    def test_it_is_answered_with_the_card_even_if_the_site_fails(self, owner: Client) -> None:
        with patch("chat.asking.services.read_asker", side_effect=Person.DoesNotExist):
            problem = require_problem(post(owner, "I want to kill myself"), "server-error", 500)
        assert problem["card"]["help_lines"]

    def test_an_ordinary_question_then_fails_without_one(self, owner: Client) -> None:
        owner.raise_request_exception = False
        with patch("chat.asking.services.read_asker", side_effect=Person.DoesNotExist):
            assert "card" not in require_problem(post(owner), "server-error", 500)

    def test_it_needs_no_broker(self, owner: Client, settings: Settings) -> None:
        settings.VALKEY_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
        assert post(owner, "I want to kill myself").json()["card"]["help_lines"]

    def test_it_needs_no_budget(self, owner: Client, settings: Settings) -> None:
        settings.TUTOR_DAILY_TOKENS = 10
        assert post(owner, "I want to kill myself").json()["state"] == "carded"

    def test_without_consent_the_card_comes_and_nothing_is_stored(self, owner: Client) -> None:
        Consent.objects.all().delete()
        problem = require_problem(post(owner, "I want to kill myself"), "consent-missing", 403)
        assert problem["card"]["help_lines"]
        assert not Turn.objects.exists()

    def test_it_comes_with_the_problem_for_a_visitor_who_is_not_signed_in(
        self, client: Client, db: None
    ) -> None:
        assert require_problem(post(client, "I want to kill myself"), "not-signed-in", 401)["card"]["heading"]
        assert "card" not in require_problem(post(client), "not-signed-in", 401)

    def test_under_a_used_key_it_is_a_turn_of_its_own_and_anything_else_stays_refused(
        self, owner: Client
    ) -> None:
        key = uuid4()
        post(owner, key=key)
        for _ in range(2):
            body = post(owner, "I want to kill myself", key=key).json()
            assert body["state"] == "carded"
            assert body["id"] != str(key)
        require_problem(post(owner, "And the sea?", key=key), "key-reused", 422)
        assert Turn.objects.count() == 2

    @pytest.mark.parametrize("conversation", ["6ae49e7b-6ee1-4fc3-94b9-bb24d9151442", "no id"])
    def test_it_comes_with_the_problem_of_a_conversation_that_is_not_there(
        self, conversation: str, owner: Client
    ) -> None:
        assert post(owner, "I want to kill myself", conversation=conversation).json()["card"]["heading"]

    def test_the_tutor_rests_after_a_card(self, owner: Client) -> None:
        post(owner, "I want to kill myself")
        problem = require_problem(post(owner), "resting", 403)
        assert problem["opens_at"]


class TestRejections:
    def test_an_empty_question(self, owner: Client) -> None:
        require_problem(post(owner, "  "), "question-empty", 422)

    def test_a_question_that_is_too_long(self, owner: Client) -> None:
        problem = require_problem(post(owner, "x" * 8001), "question-too-long", 422)
        assert (problem["length"], problem["limit"]) == (8001, 8000)

    def test_a_used_up_budget_says_when_it_refills(self, owner: Client, settings: Settings) -> None:
        settings.TUTOR_DAILY_TOKENS = 10
        problem = require_problem(post(owner), "budget-short", 403)
        assert problem["left"] == 10
        assert problem["needed"] > 10
        assert problem["refills_at"] > timezone.now().isoformat()[:19]
        assert "refills at 7 a.m., Los Angeles time. What" in problem["detail"]

    def test_a_question_while_another_is_answered_names_the_turn_to_wait_for(
        self, owner: Client, turn: Turn
    ) -> None:
        problem = require_problem(post(owner, conversation=str(turn.conversation_id)), "still-answering", 409)
        assert problem["turn"] == str(turn.pk)

    def test_a_tutor_that_is_not_open(self, owner: Client, settings: Settings) -> None:
        settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
        settings.SECURE_SSL_REDIRECT = False
        require_problem(post(owner), "tutor-closed", 403)

    def test_a_teen_without_consent(self, owner: Client) -> None:
        Consent.objects.all().delete()
        require_problem(post(owner), "consent-missing", 403)

    def test_a_pause_by_a_parent(self, owner: Client, teen: Person, parent: Person) -> None:
        Link.objects.create(parent=parent, teen=teen, paused_at=timezone.now())
        require_problem(post(owner), "paused-by-family", 403)

    def test_quiet_hours_say_when_they_end(self, owner: Client, teen: Person, parent: Person) -> None:
        now = timezone.localtime(timezone.now(), teen.zone)
        starts, ends = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
        Link.objects.create(parent=parent, teen=teen, quiet_from=starts, quiet_to=ends)
        problem = require_problem(post(owner), "quiet-hours", 403)
        assert problem["opens_at"] > timezone.now().isoformat()[:19]

    @pytest.mark.parametrize("key", ["", "1", "x" * 400, None])
    def test_an_invalid_key(self, key: str | None, owner: Client) -> None:
        headers = {} if key is None else {"Idempotency-Key": key}
        reply = owner.post(TURNS, {"question": "Why?"}, content_type="application/json", headers=headers)
        require_problem(reply, "key-missing", 400)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({}, "question"),
            ({"question": None}, "question"),
            ({"question": ["a"]}, "question"),
            ({"question": "Why?", "conversation": "x"}, "conversation"),
            ([], "non_field_errors"),
        ],
    )
    def test_an_invalid_body_has_errors_by_field(self, fields: object, field: str, owner: Client) -> None:
        headers = {"Idempotency-Key": str(uuid4())}
        reply = owner.post(TURNS, fields, content_type="application/json", headers=headers)
        assert field in require_problem(reply, "invalid", 400)["errors"]


NOT_THEIRS = ["parent", "stranger", "admin_person"]


class TestReading:
    def test_its_owner_reads_it_with_what_it_cost_and_the_lessons_it_cites(
        self, owner: Client, turn: Turn, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        from courses.models import Passage
        from tests.library import fill_library

        fill_library()
        key = Passage.objects.values_list("key", flat=True).first()
        Turn.objects.filter(pk=turn.pk).update(
            state=TurnState.ANSWERED, answer="**Because.**", ended_at=timezone.now(), passages=[key, "gone#now"],
            prompt_tokens=50, answer_tokens=7, microdollars=3, cached_tokens=20,
            prompt_parts={"instructions": 30, "turns": 12, "question": 8},
        )  # fmt: skip
        with django_assert_num_queries(4):
            body = owner.get(f"{TURNS}/{turn.pk}").json()
        assert body["answer"] == "**Because.**"
        parts = {"instructions": 30, "turns": 12, "question": 8}
        assert body["usage"] == build_usage(
            parts, prompt_tokens=50, answer_tokens=7, microdollars=3, cached_tokens=20
        )
        [passage] = body["passages"]
        assert passage["url"].startswith("/learn/")

    @pytest.mark.parametrize("who", NOT_THEIRS)
    def test_it_is_not_found_by_anyone_else(
        self, who: str, turn: Turn, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        reply = as_person(request.getfixturevalue(who)).get(f"{TURNS}/{turn.pk}")
        assert turn.question not in str(require_problem(reply, "not-found", 404))

    def test_a_visitor_is_asked_to_sign_in(self, client: Client, turn: Turn) -> None:
        require_problem(client.get(f"{TURNS}/{turn.pk}"), "not-signed-in", 401)

    def test_polling_counts_as_reading(self, owner: Client, turn: Turn) -> None:
        from chat.streaming import valkey_stream
        from chat.streaming.valkey_stream import reader_key

        valkey_stream._client().delete(reader_key(turn.pk))
        owner.get(f"{TURNS}/{turn.pk}")
        assert valkey_stream._client().exists(reader_key(turn.pk))


class TestStopping:
    def test_a_turn_that_waits_ends_and_costs_nothing(self, owner: Client, turn: Turn) -> None:
        reply = owner.post(f"{TURNS}/{turn.pk}/stop")
        assert reply.status_code == 202
        assert reply.json()["state"] == "stopped"
        assert reply.json()["end_reason"] == "stopped_by_asker"

    def test_a_turn_that_has_ended_does_not_change(self, owner: Client, turn: Turn) -> None:
        services.stop_turn(turn=turn)
        ended = Turn.objects.get(pk=turn.pk).ended_at
        assert owner.post(f"{TURNS}/{turn.pk}/stop").status_code == 202
        assert Turn.objects.get(pk=turn.pk).ended_at == ended

    @pytest.mark.parametrize("who", NOT_THEIRS)
    def test_no_one_else_can(
        self, who: str, turn: Turn, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        require_problem(
            as_person(request.getfixturevalue(who)).post(f"{TURNS}/{turn.pk}/stop"), "not-found", 404
        )
        turn.refresh_from_db()
        assert turn.state == TurnState.QUEUED

    def test_a_visitor_is_asked_to_sign_in(self, client: Client, turn: Turn) -> None:
        require_problem(client.post(f"{TURNS}/{turn.pk}/stop"), "not-signed-in", 401)
