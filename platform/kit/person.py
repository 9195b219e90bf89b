"""The Person model, for rooms that must not import `accounts`."""

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

if TYPE_CHECKING:
    from accounts.models import Person
else:
    Person = get_user_model()

__all__ = ["Person"]
