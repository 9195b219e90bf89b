"""What a person may know of their budget."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.models import Person
from budgets.days import day_at
from budgets.models import Budget, Period, default_daily_tokens

# A short question and a short answer with a little memory: what the meter counts in, so that nobody has to
# know what a token is.
SHORT_ANSWER_TOKENS = 500


@dataclass(frozen=True)
class Meter:
    """A person's budget today, in tokens. `refills_at` is aware."""

    granted: int
    spent: int
    held: int
    refills_at: datetime

    @property
    def left(self) -> int:
        return self.granted - self.spent - self.held

    @property
    def short_answers(self) -> int:
        """How many short answers are left."""
        return self.left // SHORT_ANSWER_TOKENS

    @property
    def fraction_left(self) -> float:
        return self.left / self.granted if self.granted else 0.0


def period_latest(owner: Person) -> Period | None:
    """The last day that a hold opened, which may be over; with its budget."""
    return Period.objects.select_related("budget").filter(budget__owner=owner).order_by("-starts_at").first()


def meter(*, owner: Person, now: datetime | None = None) -> Meter:
    """The owner's budget of today. Writes nothing: a day that no hold has opened is told as it will be."""
    now = now or timezone.now()
    last = period_latest(owner)
    if last and last.is_open(now):
        return Meter(granted=last.granted, spent=last.spent, held=last.held, refills_at=last.ends_at)
    day = day_at(now, owner.zone, after=last.ends_at if last else None)
    budget = last.budget if last else Budget.objects.filter(owner=owner).first()
    daily_tokens = budget.daily_tokens if budget else default_daily_tokens()
    return Meter(granted=day.share_of(daily_tokens), spent=0, held=0, refills_at=day.ends_at)
