"""Asks the model server directly, with plain HTTP, so that what a lab shows can be compared with it."""

import json
import urllib.request
from typing import Any

from django.conf import settings


def ask_server(path: str, body: dict[str, Any]) -> Any:
    """Post to the model server. `path` begins at its root."""
    root = settings.TUTOR_BASE_URL.removesuffix("/v1")
    request = urllib.request.Request(  # noqa: S310 - the tests' own server
        f"{root}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {settings.TUTOR_API_KEY}"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
        return json.load(reply)


def get_chances(prompt: str, count: int = 20) -> list[dict[str, Any]]:
    """Return the likeliest next tokens of a text, with their log probabilities."""
    reply = ask_server("/completion", {"prompt": prompt, "n_predict": 1, "n_probs": count, "temperature": 0})
    found: list[dict[str, Any]] = reply["completion_probabilities"][0]["top_logprobs"]
    return found
