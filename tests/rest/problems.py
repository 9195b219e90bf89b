from typing import Any

from django.urls import reverse

TURNS = "/api/v1/turns"


def require_problem(reply: Any, name: str, status: int) -> dict[str, Any]:
    """Return the problem of a response, which must be one."""
    assert reply.status_code == status, reply.content
    assert reply.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = reply.json()
    assert told["type"] == f"/api/v1/problems#{name}"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["help"] == reverse("safeguarding:help_now")
    return told
