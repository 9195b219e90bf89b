"""The model of a person, for rooms below the one that it stands in: Django knows it by AUTH_USER_MODEL."""

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

if TYPE_CHECKING:
    from accounts.models import Person
else:
    Person = get_user_model()

__all__ = ["Person"]
