"""The models in use, read once and kept for a few seconds."""

from collections.abc import Sequence
from typing import Any

from django.db.models.signals import post_delete, post_save

from kit.timed_cache import TimedCache
from routing.models import TutorModel
from routing.ranking import get_rank

# How long a change in another process may go unnoticed.
CACHE_SECONDS = 5.0
SETTINGS_MODEL_NAME = "Tutor"


def _read_models() -> Sequence[TutorModel]:
    rows = list(TutorModel.objects.all())
    if not any(row.is_from_settings for row in rows):
        rows.insert(0, create_settings_model())
    return rows


_models_cache = TimedCache(_read_models, seconds=CACHE_SECONDS)


def create_settings_model() -> TutorModel:
    """Create the row of the model that the `TUTOR_*` variables describe, or return it."""
    row, _is_new = TutorModel.objects.get_or_create(
        is_from_settings=True, defaults={"name": SETTINGS_MODEL_NAME, "position": 20}
    )
    row.read_settings()
    return row


def list_models() -> list[TutorModel]:
    """Return the usable models in the order in which they are tried; of equal ones, local ones last."""
    rows = _models_cache.get()
    for row in rows:
        if row.is_from_settings:
            row.read_settings()
    return sorted((row for row in rows if row.is_usable), key=get_rank)


def find_model(model_id: int | None) -> TutorModel | None:
    """Return a usable model by its id, or None."""
    return next((row for row in list_models() if row.pk == model_id), None)


def list_outside_hosts() -> list[str]:
    """Return the hosts outside this network that a question may go to, each once."""
    return list(dict.fromkeys(row.host for row in list_models() if not row.is_local))


def is_self_hosted() -> bool:
    """Return whether every usable model is on this machine or network."""
    return not list_outside_hosts()


def clear_models_cache(**_sent: Any) -> None:
    """Read the models again at the next question."""
    _models_cache.clear()


def connect_signals() -> None:
    post_save.connect(clear_models_cache, TutorModel, dispatch_uid="routing.clear_models_cache")
    post_delete.connect(clear_models_cache, TutorModel, dispatch_uid="routing.clear_models_cache")
