"""The tutor: its model, its guards and its crisis cards."""

import os
from typing import Any

from config.settings.environment import env, parse_extra_body, parse_prompt_profile

TUTOR_BASE_URL: str = env.str("TUTOR_BASE_URL", default="")
TUTOR_API_KEY: str = env.str("TUTOR_API_KEY", default="none")
TUTOR_MODEL: str = env.str("TUTOR_MODEL", default="")
# The context window: tokens of a prompt and its answer together. The default is the demo model's slot size.
TUTOR_CONTEXT_TOKENS: int = env.int("TUTOR_CONTEXT_TOKENS", default=2048)
# The longest answer, in tokens. A larger model can have more.
TUTOR_ANSWER_TOKENS: int = env.int("TUTOR_ANSWER_TOKENS", default=400)
# How many answers one worker process streams at a time: what the model's server can handle, divided by the number of
# workers. Further turns wait in the queue, and people see an estimate.
TUTOR_CONCURRENCY: int = env.int("TUTOR_CONCURRENCY", default=32)
# How many streams one person may have open at once, in each web process.
STREAMS_PER_PERSON: int = env.int("STREAMS_PER_PERSON", default=24)
# Dollars per million tokens, which is micro-dollars per token. A local model costs nothing per token.
TUTOR_INPUT_PRICE: float = env.float("TUTOR_INPUT_PRICE", default=0.0)
TUTOR_OUTPUT_PRICE: float = env.float("TUTOR_OUTPUT_PRICE", default=0.0)
# The price of cached prompt tokens, as the server reports them. Empty: the input price.
TUTOR_CACHED_INPUT_PRICE: float | None = env.float("TUTOR_CACHED_INPUT_PRICE", default=None)
# Timeouts for the first token, which includes loading the model, and for each token after it.
TUTOR_FIRST_TOKEN_SECONDS: float = env.float("TUTOR_FIRST_TOKEN_SECONDS", default=120.0)
TUTOR_NEXT_TOKEN_SECONDS: float = env.float("TUTOR_NEXT_TOKEN_SECONDS", default=20.0)
# Extra fields of each model request, as JSON: `{"reasoning_effort": "low", "temperature": 0.3}`.
TUTOR_EXTRA_BODY: dict[str, Any] = parse_extra_body(env.str("TUTOR_EXTRA_BODY", default=""))
# Whether answers begin with thinking that has only a closing tag. If not set, the first answer decides.
TUTOR_THINKS_FIRST: bool = env.bool("TUTOR_THINKS_FIRST", default=False)
# The instructions for this model: "full", or "small" for a model of about a billion parameters or fewer.
TUTOR_PROMPT_PROFILE: str = parse_prompt_profile(env.str("TUTOR_PROMPT_PROFILE", default="full"))
# Hosts that further models may be on: "api.example.com", or "10.0.0.5:8080" for a port of its own.
TUTOR_HOSTS: list[str] = env.list("TUTOR_HOSTS", default=[])
# The keys of further models. The admin names the variable; its value is never stored or shown.
TUTOR_KEYS: dict[str, str] = {
    name: value for name, value in os.environ.items() if name.startswith("TUTOR_KEY_") and value
}
TUTOR_DAILY_TOKENS: int = env.int("TUTOR_DAILY_TOKENS", default=20_000)
# Set by the supervisor when the tutor uses the demo's own model.
TUTOR_IS_DEMO_MODEL: bool = env.bool("TUTOR_IS_DEMO_MODEL", default=False)

# A remote guard: "openai", "llama" or "qwen" (guard.remote), and its timeout.
GUARD_PROVIDER: str = env.str("GUARD_PROVIDER", default="")
GUARD_BASE_URL: str = env.str("GUARD_BASE_URL", default="")
GUARD_API_KEY: str = env.str("GUARD_API_KEY", default="none")
GUARD_MODEL: str = env.str("GUARD_MODEL", default="")
GUARD_TIMEOUT_SECONDS: float = env.float("GUARD_TIMEOUT_SECONDS", default=1.5)

# Who reviewed the crisis texts and when ("Dr A. Name, 2026-11-22"). Needed to open the tutor outside the demo.
CRISIS_TEXTS_REVIEW: str = env.str("CRISIS_TEXTS_REVIEW", default="")
# The country whose help lines are listed first, as an ISO 3166 code.
HELP_COUNTRY: str = env.str("HELP_COUNTRY", default="US")
# Where each incident's id and level are posted when it opens, signed with the secret. Empty: nowhere.
REVIEW_WEBHOOK_URL: str = env.str("REVIEW_WEBHOOK_URL", default="")
REVIEW_WEBHOOK_SECRET: str = env.str("REVIEW_WEBHOOK_SECRET", default="")
# Whether browsers keep a copy of the help lines for when they are offline. False removes the copies.
OFFLINE_HELP: bool = env.bool("OFFLINE_HELP", default=True)
