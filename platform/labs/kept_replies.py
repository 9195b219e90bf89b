"""Replies to questions that are this site's own words, kept so that the model need not be asked the same again.

Only for calls at a temperature of 0, which the same model answers alike. The page says when the model was asked. No
one's own words are kept, neither in a question nor in a key.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from inference.endpoints import Endpoint
from inference.inspection import read_model_card
from labs.lab import Json

# Raise it when what is kept changes its form.
FORMAT = 1
PREFIX = "labs.kept"
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class KeptReply:
    """A reply as JSON, and when the model was asked."""

    raw: Json
    asked_at: datetime


async def find_reply_key(endpoint: Endpoint, own_words: str) -> str:
    """Return the key of a reply, or "" if it cannot be kept. Raises ModelError."""
    return build_key(endpoint, await read_model_card(endpoint), own_words)


def build_key(endpoint: Endpoint, card: Mapping[str, Any], own_words: str) -> str:
    """Return a key that depends on the server, on the model that it serves now, and on the question.

    Return "" if the server does not describe its model, because another one could take its place unnoticed.
    """
    if not card:
        return ""
    parts = json.dumps([FORMAT, endpoint.base_url, endpoint.model, dict(card), own_words], sort_keys=True)
    return f"{PREFIX}:{hashlib.sha256(parts.encode()).hexdigest()}"


def find_kept_reply(key: str) -> KeptReply | None:
    """Return the reply that is kept under a key, or None."""
    found = cache.get(key) if key else None
    if not found:
        return None
    return KeptReply(raw=found["raw"], asked_at=datetime.fromisoformat(found["asked_at"]))


def keep_reply(key: str, raw: Json) -> None:
    """Keep a reply that the model gave now."""
    cache.set(key, {"raw": raw, "asked_at": timezone.now().isoformat()}, KEPT_FOR.total_seconds())
