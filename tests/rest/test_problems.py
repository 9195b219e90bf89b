"""Every API error is a problem (RFC 9457), even if no view was reached."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import Person
from rest.problems import problem_types
from tests.rest.problems import TURNS, require_problem

AsPerson = Callable[[Person], Client]


@pytest.fixture
def signed_in(as_person: AsPerson, teen: Person) -> Client:
    client = as_person(teen)
    client.raise_request_exception = False
    return client


def post(client: Client, body: Any, content_type: str = "application/json", **headers: str) -> Any:
    headers = {"Idempotency-Key": str(uuid4())} | headers
    return client.post(TURNS, body, content_type=content_type, headers=headers)


def test_an_address_that_leads_nowhere(client: Client, db: None) -> None:
    require_problem(client.get("/api/v1/nothing"), "not-found", 404)


def test_a_page_that_leads_nowhere_is_still_a_page(client: Client, db: None) -> None:
    assert client.get("/nothing").headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("body", ["", "{", '{"question": NaN}', "\xff"])
def test_a_body_that_is_not_json_is_rejected(body: str, signed_in: Client) -> None:
    name = "bad-json" if body else "invalid"
    require_problem(post(signed_in, body.encode("latin-1")), name, 400)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
def test_another_media_type_is_rejected(kind: str, signed_in: Client) -> None:
    require_problem(post(signed_in, b"question=Why", kind), "unsupported-media-type", 415)


def test_a_large_body_is_rejected(signed_in: Client) -> None:
    require_problem(post(signed_in, {"question": "x" * 300_000}), "too-large", 413)


def test_an_answer_in_a_form_that_there_is_not(signed_in: Client) -> None:
    require_problem(signed_in.get("/api/v1/budget", headers={"Accept": "text/html"}), "not-acceptable", 406)


def test_a_method_that_there_is_not(signed_in: Client) -> None:
    reply = signed_in.delete("/api/v1/budget")
    require_problem(reply, "method-not-allowed", 405)
    assert "GET" in reply.headers["Allow"]


@pytest.mark.parametrize("where", ["budgets.api.get_meter", "accounts.session_store.SessionStore.load"])
def test_an_unavailable_database_is_a_503_without_details(where: str, signed_in: Client) -> None:
    with patch(where, side_effect=OperationalError("password=secret")):
        reply = signed_in.get("/api/v1/budget")
    problem = require_problem(reply, "database-unavailable", 503)
    assert reply.headers["Retry-After"]
    assert "secret" not in str(problem)


def test_an_error_of_our_own_reveals_no_details(signed_in: Client) -> None:
    with patch("budgets.api.get_meter", side_effect=ValueError("a secret")):
        problem = require_problem(signed_in.get("/api/v1/budget"), "server-error", 500)
    assert "secret" not in str(problem)


def test_every_problem_type_is_explained_at_its_uri(client: Client, db: None) -> None:
    page = client.get("/api/v1/problems").content.decode()
    assert all(f'<h2 id="{name}">' in page for name in problem_types)
    assert len(problem_types) > 20


def test_half_a_surrogate_pair_is_refused_in_words_that_can_be_sent(signed_in: Client) -> None:
    turn = "6eb2ff09-6c3d-4578-8869-6f86dc143414"
    reply = signed_in.post(
        f"/api/v1/turns/{turn}/check-in", b'{"answer": "\\ud800"}', content_type="application/json"
    )
    assert reply.status_code in {400, 404}
