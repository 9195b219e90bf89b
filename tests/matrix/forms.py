"""Form data for routes at which an empty form would not show who may submit it."""

from typing import Any
from uuid import uuid4

from families.consent_texts import get_current_text
from tests.matrix.world import World

QUESTION = {"question": "Why is the sky blue?"}
# The API's requests: bodies and methods.
IN_JSON = {
    "chat_api:turns",
    "chat_api:turn_check_in",
    "chat_api:turn_continue",
    "chat_api:turn_follow_up",
    "chat_api:turn_quiz",
    "chat_api:turn_report",
    "chat_api:end_pause",
}
JSON: dict[str, Any] = {"content_type": "application/json", "headers": {"Idempotency-Key": str(uuid4())}}
TERMS = {"parent_view": "topics", "memory": "full"}


def build_form(name: str, world: World) -> dict[str, Any]:
    forms: dict[str, dict[str, Any]] = {
        "chat_api:turns": QUESTION,
        "chat_api:turn_check_in": {"answer": "no"},
        "chat:ask": QUESTION | {"turn_id": str(uuid4())},
        "chat:ask_in": QUESTION | {"turn_id": str(uuid4())},
        "chat:turn_retry": {"turn_id": str(uuid4())},
        "chat:turn_continue": {"turn_id": str(uuid4())},
        "chat:quiz_on_lesson": {"turn_id": str(uuid4())},
        "chat:turn_quiz": {"question-1": "0"},
        "chat:turn_follow_up": {"turn_id": str(uuid4()), "follow_up": "simpler"},
        "chat_api:turn_follow_up": {"follow_up": "simpler"},
        "chat_api:turn_quiz": {"choices": [0]},
        "courses:answer": {"option": world.option},
        "events:sign_up": {"name": "Kim", "email": f"{uuid4().hex}@example.org"},
        "events:invite_guest": {"name": "Lee", "email": f"{uuid4().hex}@example.org"},
        "families:agreement": TERMS,
        "families:consent_for": {"country": "US", "text_hash": get_current_text().hash},
        "families:consent": {"withdraw": "yes"},
        "desk:invite": {"email": "new@example.org", "language": "en", "roles": "content"},
        "desk:member": {"roles": "content"},
        "labs:memory-price": {"questions": "9", "people": "9", "local": "0"},
        "labs:sure-and-wrong": {"round": "0"},
        "labs:voices": QUESTION,
        "labs:where-from": QUESTION,
        "labs:tokens": {"text": "Tea"},
        "labs:what-comes-next": {"text": "Tea is"},
        "review:act": {"act": "claim"},
        "review:drill_act": {"act": "ask_teen"},
        "review:start_drill": {"level": "4"},
        "review:on_call": {
            "reviewer": str(world.people["admin"].pk),
            "weekdays": "0",
            "starts": "09:00",
            "ends": "17:00",
            "time_zone": "Europe/London",
        },
        "safeguarding:answer": {"answer": "unsafe"},
        "families:trusted_adult": {"name": "Aunt", "contact": "next door"},
    }
    return forms.get(name, {})
