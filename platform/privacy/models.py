from django.db import models
from django.utils import timezone


class ErasedPerson(models.Model):
    """A record that an account was erased, so that restoring a backup can erase it again (`manage.py erase_again`).

    A restored database may give the old key to a new person, so the time of joining is part of the key.
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
