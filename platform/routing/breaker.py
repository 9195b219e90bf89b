"""A circuit breaker for each model, shared by all workers through Valkey (ADR 51).

After MAX_FAILURES failures within FAILURE_SECONDS the model rests. When the rest is over, the model is on
probation, and questions may try it one at a time: a success closes the breaker, a failure makes the next rest twice as
long. Only the worker that holds the key of the attempt may send a question.

Without Valkey every model counts as healthy: the answer itself shows whether it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from kit.lazy import lazy_module
from kit.valkey import create_client

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_module("redis")

MAX_FAILURES = 3
FAILURE_SECONDS = 60
FIRST_REST_SECONDS = 10
MAX_REST_SECONDS = 300
# An attempt that has no result after this time no longer keeps other questions from the model.
ATTEMPT_SECONDS = 60
# How long a model stays on probation at most.
PROBATION_SECONDS = 3600


@dataclass(frozen=True)
class Health:
    """`is_resting`: no question may go to it. `is_on_probation`: its rest is over, and one question at a time may."""

    is_resting: bool = False
    is_on_probation: bool = False

    @property
    def is_healthy(self) -> bool:
        return not (self.is_resting or self.is_on_probation)


HEALTHY = Health()


def read_health(model_ids: Iterable[int]) -> dict[int, Health]:
    """Return the health of each model, in one round trip."""
    ids = list(model_ids)
    if not ids:
        return {}
    try:
        found = _client().mget([key for pk in ids for key in (_key(pk, "rest"), _key(pk, "rests"))])
    except redis.RedisError:
        return dict.fromkeys(ids, HEALTHY)
    return {
        pk: Health(is_resting=rest is not None, is_on_probation=rest is None and rests is not None)
        for pk, rest, rests in zip(ids, found[::2], found[1::2], strict=True)
    }


def allow_request(model_id: int) -> bool:
    """Return whether a question may go to this model now. On probation, only one caller at a time gets True."""
    try:
        health = read_health([model_id])[model_id]
        if not health.is_on_probation:
            return not health.is_resting
        return bool(_client().set(_key(model_id, "attempt"), "1", nx=True, ex=ATTEMPT_SECONDS))
    except redis.RedisError:
        return True


def record_failure(model_id: int, *, retry_after: float | None = None) -> None:
    """Count a failure of the model's server. `retry_after` are the seconds that it asked for: it rests at once."""
    try:
        with _client().pipeline() as pipe:
            pipe.incr(_key(model_id, "failures"))
            pipe.expire(_key(model_id, "failures"), FAILURE_SECONDS, nx=True)
            pipe.get(_key(model_id, "rests"))
            pipe.delete(_key(model_id, "attempt"))
            failures, _expires, rests, _attempt = pipe.execute()
        # A model that fails on probation rests again at once.
        if failures >= MAX_FAILURES or rests is not None or retry_after is not None:
            _rest(model_id, rests=int(rests or 0), at_least=retry_after or 0)
    except redis.RedisError:
        return


def _rest(model_id: int, *, rests: int, at_least: float) -> None:
    seconds = min(max(FIRST_REST_SECONDS * 2 ** min(rests, 10), at_least), MAX_REST_SECONDS)
    # Of answers that fail together, only the first begins a rest.
    if not _client().set(_key(model_id, "rest"), "1", px=max(1, round(seconds * 1000)), nx=True):
        return
    with _client().pipeline() as pipe:
        pipe.incr(_key(model_id, "rests"))
        pipe.expire(_key(model_id, "rests"), PROBATION_SECONDS)
        pipe.delete(_key(model_id, "failures"))
        pipe.execute()


def keep_resting(model_id: int, *, seconds: float) -> None:
    """Let a model rest from now on for `seconds`: its outage is known, and its end is checked elsewhere."""
    try:
        with _client().pipeline() as pipe:
            pipe.set(_key(model_id, "rest"), "1", px=max(1, round(seconds * 1000)))
            pipe.set(_key(model_id, "rests"), "1", ex=PROBATION_SECONDS, nx=True)
            pipe.execute()
    except redis.RedisError:
        return


def record_success(model_id: int) -> None:
    """Note that the model answers: earlier failures no longer count."""
    try:
        _client().delete(*(_key(model_id, name) for name in ("failures", "rest", "rests", "attempt")))
    except redis.RedisError:
        return


def _key(model_id: int, name: str) -> str:
    return f"model:{model_id}:{name}"


def _client() -> "redis.Redis":
    return _get_client(settings.VALKEY_URL)


@cache
def _get_client(url: str) -> "redis.Redis":
    return create_client(url, seconds=0.5)
