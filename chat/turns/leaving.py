"""What is personal in a question, and is asked about before it leaves this machine for a model elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.errors import PersonalFound
from chat.turns.judging import verdict_for
from guard import Category, Evidence, Verdict
from inference.place import stays_at_home

# The layer of the guard whose evidence says where in a question something personal stands.
PERSONAL = "personal"
LEFT_OUT = "[…]"


class Personal(models.TextChoices):
    """What its writer wants to be done with what is personal in a question."""

    REMOVE = "remove", _("send without it")
    KEEP = "keep", _("send as it is")


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int


def cleared(question: str, verdict: Verdict, wish: str) -> str:
    """The question as it may go to the model. Raises PersonalFound when its writer has to be asked first.

    With model and guard at home nothing leaves, so nothing is asked and nothing is taken out.
    """
    if Category.PERSONAL not in verdict.categories or wish == Personal.KEEP or stays_at_home():
        return question
    spans = _spans(verdict.evidence)
    if wish == Personal.REMOVE and spans:
        return _without(question, spans)
    raise PersonalFound([question[span.start : span.end] for span in spans])


def without_personal(question: str) -> str:
    """The question as `cleared` leaves it when its writer wants that."""
    return _without(question, _spans(verdict_for(question, ()).evidence))


def _spans(evidence: Sequence[Evidence]) -> list[Span]:
    """Where it is, from the front, and no letter twice."""
    spans: list[Span] = []
    for found in sorted(evidence, key=lambda found: (found.start, found.end)):
        if found.layer != PERSONAL:
            continue
        if spans and found.start <= spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(spans[-1].end, found.end))
        else:
            spans.append(Span(found.start, found.end))
    return spans


def _without(question: str, spans: Sequence[Span]) -> str:
    for span in reversed(spans):
        question = question[: span.start] + LEFT_OUT + question[span.end :]
    return question
