"""The OpenAPI description is complete."""

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from rest.problems import MEDIA_TYPE, problem_types


@pytest.fixture
def schema(client: Client, db: None) -> dict[str, Any]:
    GENERATOR_STATS.reset()
    return dict(client.get("/api/v1/schema", headers={"Accept": "application/json"}).json())


def operations(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, ways in schema["paths"].items()
        for method, operation in ways.items()
    }


def test_the_schema_is_valid_openapi_and_nothing_in_it_was_guessed(schema: dict[str, Any]) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]
    assert not GENERATOR_STATS


def test_the_schema_has_every_route(schema: dict[str, Any]) -> None:
    assert set(operations(schema)) == {
        "get /api/v1/budget",
        "get /api/v1/conversations",
        "get /api/v1/conversations/{conversation_id}/turns",
        "post /api/v1/end-pause",
        "post /api/v1/turns",
        "get /api/v1/tutor",
        "get /api/v1/plan",
        "get /api/v1/turns/{turn_id}",
        "get /api/v1/turns/{turn_id}/events",
        "post /api/v1/turns/{turn_id}/stop",
        "post /api/v1/turns/{turn_id}/continue",
        "post /api/v1/turns/{turn_id}/follow-up",
        "post /api/v1/turns/{turn_id}/quiz",
        "post /api/v1/turns/{turn_id}/check-in",
        "post /api/v1/turns/{turn_id}/report",
        "delete /api/v1/turns/{turn_id}/report",
        "get /api/v1/conversations/{conversation_id}/memory",
        "patch /api/v1/conversations/{conversation_id}/memory",
        "delete /api/v1/conversations/{conversation_id}/memory",
        "patch /api/v1/conversations/{conversation_id}/memory/notes/{note_id}",
        "delete /api/v1/conversations/{conversation_id}/memory/notes/{note_id}",
        "get /api/v1/memory",
        "put /api/v1/memory",
        "delete /api/v1/memory",
    }


def test_every_route_says_what_goes_well_and_what_goes_wrong(schema: dict[str, Any]) -> None:
    for where, operation in operations(schema).items():
        answers = operation["responses"]
        good = {status for status in answers if status.startswith("2")}
        assert good, where
        assert {"401", "406", "500", "503"} <= set(answers), where
        assert ("{" not in where) or "404" in answers, where
        assert where.startswith("get") or {"400", "403", "415"} <= set(answers), where
        for status in set(answers) - good:
            assert list(answers[status]["content"]) == [MEDIA_TYPE], where
            names = answers[status]["description"].replace("`", "").split(", ")
            assert all(problem_types[name].status == int(status) for name in names), where


def test_the_schema_is_served_as_yaml(client: Client, db: None) -> None:
    assert client.get("/api/v1/schema").content.startswith(b"openapi: 3.")
