"""The order in which models are tried for a question. Pure: everything it depends on is an argument."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.breaker import HEALTHY, Health
from routing.models import TutorModel


class SkipReason(models.TextChoices):
    """Why a model did not answer a question. The labels complete “the model was not used because …”."""

    PLAN = "plan", _("the plan doesn’t include it")
    LOCAL_ONLY = "local_only", _("the question had to stay on this site’s own computers")
    DOWN = "down", _("it was not answering")
    BUDGET = "budget", _("the budget had too little left for it")
    TOO_LONG = "too_long", _("the question was too long for it")
    FAILED = "failed", _("it was asked and gave no answer")
    BUSY = "busy", _("it was already writing as many answers as it can")


@dataclass(frozen=True)
class Skipped:
    """A model that was passed over, and why."""

    model: TutorModel
    reason: SkipReason


@dataclass(frozen=True)
class Ranking:
    """The models to try, best first, and those that may not answer.

    Models that rest are in `resting`, and also at the end of `models`, because each may have come back.
    """

    models: Sequence[TutorModel]
    resting: Sequence[TutorModel] = ()
    skipped: Sequence[Skipped] = ()

    @property
    def has_outside_model(self) -> bool:
        """Whether the question may go to a company outside."""
        return any(not model.is_local for model in self.models)

    def list_passed_over(self, chosen: TutorModel, others: Sequence[Skipped]) -> list[Skipped]:
        """Return the models that come before `chosen` in the order of the admin, each with the reason.

        `others` are those that were tried or refused for this question. A model that failed is always included.
        """
        passed = {skipped.model.pk: skipped for skipped in self.skipped}
        passed |= {model.pk: Skipped(model, SkipReason.DOWN) for model in self.resting}
        passed |= {skipped.model.pk: skipped for skipped in others}
        passed.pop(chosen.pk, None)
        return [
            skipped
            for skipped in passed.values()
            if skipped.reason == SkipReason.FAILED or get_rank(skipped.model) < get_rank(chosen)
        ]


def get_rank(model: TutorModel) -> tuple[int, bool, int]:
    """Return the sort key of a model: its position in the admin. At the same position, local models are last."""
    return model.position, model.is_local, model.pk


def find_twin(
    model: TutorModel, models: Sequence[TutorModel], free_slots: Mapping[int, int]
) -> TutorModel | None:
    """Return a model with a free slot that can take a question over from `model` under the same hold, or None.

    Both are local or both are outside; it reads the same prompt and costs no more. `free_slots` are by model id; a
    model without an entry has no limit.
    """
    return next(
        (
            other
            for other in models
            if other.pk != model.pk
            and free_slots.get(other.pk, 1) > 0
            and other.is_local == model.is_local
            and other.prompt_profile == model.prompt_profile
            and other.context_tokens >= model.context_tokens
            and other.prices.cost_at_most(model.prices)
        ),
        None,
    )


def rank_models(
    usable: Sequence[TutorModel],
    *,
    plan_model_ids: Collection[int] = (),
    local_only: bool = False,
    health: Mapping[int, Health] | None = None,
) -> Ranking:
    """Rank the models for a question. `usable` are in the order of the admin (routing.registry.list_models).

    An empty `plan_model_ids` means every model. Local models that are not in the plan come last: their tokens cost
    nothing, and a short answer is better than none. With `local_only`, only local models are tried, whatever the plan
    says.

    Models that rest come after all others.
    """
    skipped: list[Skipped] = []
    in_plan: list[TutorModel] = []
    not_in_plan: list[TutorModel] = []
    for model in usable:
        is_in_plan = not plan_model_ids or model.pk in plan_model_ids
        if not is_in_plan and not model.is_local:
            skipped.append(Skipped(model, SkipReason.PLAN))
        elif local_only and not model.is_local:
            skipped.append(Skipped(model, SkipReason.LOCAL_ONLY))
        else:
            (in_plan if is_in_plan else not_in_plan).append(model)
    allowed, health = [*in_plan, *not_in_plan], health or {}
    resting = [model for model in allowed if health.get(model.pk, HEALTHY).is_resting]
    return Ranking([*(model for model in allowed if model not in resting), *resting], resting, skipped)
