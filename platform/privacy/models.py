from django.db import models
from django.utils import timezone


class ErasedPerson(models.Model):
    """That an account was erased, so that a restored backup does not bring it back (`manage.py erase_again`).

    A restored database may give an old number to a new person, so the moment of joining belongs to the key.
    """

    person_key = models.BigIntegerField()
    joined_at = models.DateTimeField()
    erased_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_key", "joined_at"], name="erased_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_key} {self.joined_at.isoformat()}"
