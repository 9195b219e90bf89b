"""The tutor: its model, what guards it, and the texts of its cards."""

from typing import Any

from config.settings.environment import env, parse_extra_body

TUTOR_BASE_URL: str = env.str("TUTOR_BASE_URL", default="")
TUTOR_API_KEY: str = env.str("TUTOR_API_KEY", default="none")
TUTOR_MODEL: str = env.str("TUTOR_MODEL", default="")
# Tokens that one prompt and its answer may fill together; the demo model's slots are this size.
TUTOR_CONTEXT_TOKENS: int = env.int("TUTOR_CONTEXT_TOKENS", default=2048)
# The longest answer. A bigger model may be given more room.
TUTOR_ANSWER_TOKENS: int = env.int("TUTOR_ANSWER_TOKENS", default=400)
# How many answers one worker process has written at a time: as many as the model's server can write at once, shared
# among the workers. Who comes after them waits in line, and is told about how long.
TUTOR_CONCURRENCY: int = env.int("TUTOR_CONCURRENCY", default=32)
# How many answers one person may follow at once, in each web process.
STREAMS_PER_PERSON: int = env.int("STREAMS_PER_PERSON", default=24)
# Dollars for a million tokens, which is micro-dollars a token. A local model costs nothing a token.
TUTOR_INPUT_PRICE: float = env.float("TUTOR_INPUT_PRICE", default=0.0)
TUTOR_OUTPUT_PRICE: float = env.float("TUTOR_OUTPUT_PRICE", default=0.0)
# Of what the server had read before and reports as cached; empty: like the rest of a prompt.
TUTOR_CACHED_INPUT_PRICE: float | None = env.float("TUTOR_CACHED_INPUT_PRICE", default=None)
# How long the first word may take, which is how long a server may take to load its model, and every word after it.
TUTOR_FIRST_TOKEN_SECONDS: float = env.float("TUTOR_FIRST_TOKEN_SECONDS", default=120.0)
TUTOR_NEXT_TOKEN_SECONDS: float = env.float("TUTOR_NEXT_TOKEN_SECONDS", default=20.0)
# What each request says besides, as JSON: `{"reasoning_effort": "low", "temperature": 0.3}`.
TUTOR_EXTRA_BODY: dict[str, Any] = parse_extra_body(env.str("TUTOR_EXTRA_BODY", default=""))
# Whether answers begin inside the model's thinking, with a closing tag alone. Otherwise the first of them tells.
TUTOR_THINKS_FIRST: bool = env.bool("TUTOR_THINKS_FIRST", default=False)
TUTOR_DAILY_TOKENS: int = env.int("TUTOR_DAILY_TOKENS", default=20_000)
# The supervisor says so when the tutor answers with the model that comes with the demo.
TUTOR_IS_DEMO_MODEL: bool = env.bool("TUTOR_IS_DEMO_MODEL", default=False)

# A guard elsewhere that is asked as well: "openai", "llama" or "qwen" (guard.remote), and how long it may take.
GUARD_PROVIDER: str = env.str("GUARD_PROVIDER", default="")
GUARD_BASE_URL: str = env.str("GUARD_BASE_URL", default="")
GUARD_API_KEY: str = env.str("GUARD_API_KEY", default="none")
GUARD_MODEL: str = env.str("GUARD_MODEL", default="")
GUARD_TIMEOUT_SECONDS: float = env.float("GUARD_TIMEOUT_SECONDS", default=1.5)

# Who reviewed the crisis texts and when ("Dr A. Name, 2026-11-22"). Outside demo mode chat stays closed without it.
CRISIS_TEXTS_REVIEW: str = env.str("CRISIS_TEXTS_REVIEW", default="")
# The country whose help lines stand first, as an ISO 3166 code.
HELP_COUNTRY: str = env.str("HELP_COUNTRY", default="US")
