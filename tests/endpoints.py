"""The model that the settings describe, as tests change them."""

from inference.endpoints import Endpoint
from routing.models import TutorModel


def get_settings_model() -> TutorModel:
    """Return the settings' model without a database."""
    model = TutorModel(name="Tutor", is_from_settings=True)
    model.read_settings()
    return model


def get_endpoint() -> Endpoint:
    return get_settings_model().endpoint
