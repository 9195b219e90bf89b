"""How much of a conversation the tutor remembers: a plan, a family and the person each set a limit."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MemoryPolicy(models.TextChoices):
    """What a prompt carries of earlier questions, from nothing to everything."""

    NONE = "none", _("nothing: each question is on its own")
    WINDOW = "window", _("the latest questions and answers")
    NOTES = "notes", _("the latest questions and answers, and notes from the earlier ones")
    FULL = "full", _("everything, as far as the model can")


MEMORY_ORDER = {policy: position for position, policy in enumerate(MemoryPolicy)}
# Policies under which the tutor takes notes.
NOTING_POLICIES = frozenset({MemoryPolicy.NOTES, MemoryPolicy.FULL})


def choose_smallest_memory(*policies: str) -> MemoryPolicy:
    """Return the policy that remembers least of several."""
    return min(map(MemoryPolicy, policies), key=MEMORY_ORDER.__getitem__)
