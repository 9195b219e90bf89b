"""The API's answers match its OpenAPI description."""

from collections.abc import Callable
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.models import EndReason, Turn, TurnState
from tests.chat.conftest import Ask

CRY = "I want to kill myself tonight"


@pytest.fixture
def schema(client: Client, db: None) -> dict[str, Any]:
    return dict(client.get("/api/v1/schema", headers={"Accept": "application/json"}).json())


@pytest.fixture
def owner(teen: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(teen)


def assert_described(schema: dict[str, Any], name: str, reply: Any) -> None:
    jsonschema.Draft202012Validator(
        schema | {"$ref": f"#/components/schemas/{name}"},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(reply)


@pytest.mark.parametrize("state", ["waiting", "answered", "failed", "carded"])
def test_a_turn(state: str, schema: dict[str, Any], owner: Client, teen: Person, ask: Ask) -> None:
    turn = ask(teen, CRY if state == "carded" else "Why does rain fall?")
    if state == "answered":
        Turn.objects.filter(pk=turn.pk).update(
            state=TurnState.ANSWERED, answer="It condenses.", ended_at=timezone.now()
        )
    elif state == "failed":
        Turn.objects.filter(pk=turn.pk).update(
            state=TurnState.FAILED, end_reason=EndReason.MODEL_BUSY, ended_at=timezone.now()
        )
    assert_described(schema, "Turn", owner.get(f"/api/v1/turns/{turn.pk}").json())
    page = owner.get(f"/api/v1/conversations/{turn.conversation_id}/turns").json()
    assert_described(schema, "PageOfTurns", page)


@pytest.mark.parametrize("report", [{}, {"reason": "wrong", "comment": "It is not so.", "shared": True}])
def test_a_report(
    report: dict[str, Any], schema: dict[str, Any], owner: Client, teen: Person, ask: Ask
) -> None:
    turn = ask(teen, CRY)
    address = f"/api/v1/turns/{turn.pk}/report"
    reply = owner.post(address, report, content_type="application/json")
    assert reply.status_code in {200, 201}, reply.content
    assert_described(schema, "Report", reply.json())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/tutor", "TutorStatus"),
        ("/api/v1/budget", "Meter"),
        ("/api/v1/plan", "Plan"),
        ("/api/v1/conversations", "PageOfConversations"),
    ],
)
def test_the_rest(path: str, name: str, schema: dict[str, Any], owner: Client) -> None:
    assert_described(schema, name, owner.get(path).json())
