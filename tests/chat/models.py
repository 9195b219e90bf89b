"""Further models for tests: rows whose servers are scripted, and a cloud that is on this machine."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from routing import breaker
from routing.models import TutorModel

CLOUD_PRICES = {"input_price": 2_000_000, "cached_input_price": 500_000, "output_price": 6_000_000}
NOWHERE = "http://127.0.0.1:1/v1"

type Serving = AbstractContextManager[TutorModel]
MakeModel = Callable[..., TutorModel]


def rest(*models: TutorModel) -> None:
    """Let these models rest, as after many failures."""
    for model in models:
        breaker.keep_resting(model.pk, seconds=60)
