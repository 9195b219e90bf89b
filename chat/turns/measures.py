"""What is measured of turns."""

from django.utils import timezone

from chat.models import Ending, State, Turn
from telemetry.metrics import Count, Spread

TURNS = Count("kitchen_turns", "Turns that have ended, by how and why.", ("state", "ending"))
TOKENS = Count("kitchen_tokens", "Tokens of ended turns.", ("kind",))
COST = Count("kitchen_cost_dollars", "What ended turns have cost, in dollars.")
QUEUE_WAIT = Spread(
    "kitchen_queue_wait_seconds",
    "From a question to the worker that took it.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FIRST_TOKEN = Spread(
    "kitchen_time_to_first_token_seconds",
    "From a question to the first words of its answer.",
    (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
GUARD = Count("kitchen_remote_guard", "What a remote guard was asked, by what came of it.", ("came",))
GUARD_WAIT = Spread(
    "kitchen_remote_guard_seconds",
    "What a verdict of a remote guard took.",
    (0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5),
)
MEASURES = (TURNS, TOKENS, COST, QUEUE_WAIT, FIRST_TOKEN, GUARD, GUARD_WAIT)


def turn_claimed(turn: Turn) -> None:
    QUEUE_WAIT.observe(_seconds_since_asked(turn))


def turn_begun(turn: Turn) -> None:
    """Its first words go out."""
    FIRST_TOKEN.observe(_seconds_since_asked(turn))


def guard_asked(came: str, seconds: float | None = None) -> None:
    """`came` is "passed", "flagged" or "failed"; `seconds` is what a verdict took."""
    GUARD.add(1, came)
    if seconds is not None:
        GUARD_WAIT.observe(seconds)


def turn_ended(
    *,
    state: State,
    ending: Ending = Ending.NONE,
    prompt_tokens: int = 0,
    answer_tokens: int = 0,
    microdollars: int = 0,
) -> None:
    TURNS.add(1, str(state), str(ending))
    TOKENS.add(prompt_tokens, "prompt")
    TOKENS.add(answer_tokens, "answer")
    COST.add(microdollars / 1_000_000)


def _seconds_since_asked(turn: Turn) -> float:
    # The two clocks may be of two machines.
    return max(0.0, (timezone.now() - turn.queued_at).total_seconds())
