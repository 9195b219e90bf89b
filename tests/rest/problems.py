from typing import Any

from django.urls import reverse

TURNS = "/api/v1/turns"


def require_problem(reply: Any, name: str, status: int) -> dict[str, Any]:
    """Return the problem of a response, which must be one."""
    assert reply.status_code == status, reply.content
    assert reply.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert body["type"] == f"/api/v1/problems#{name}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["help"] == reverse("safeguarding:help_now")
    return body
