"""A teen's daily limit, carried from what the family agreed into the ledger."""

from accounts.models import Person
from budgets.models import default_daily_tokens
from budgets.selectors import SHORT_ANSWER_TOKENS
from budgets.services import allowance_set, budget_of
from families.models import Link
from families.terms import combined


def limit_apply(*, teen: Person) -> None:
    """Make the teen's budget what the links that stand agree on: the smallest limit, or the site's own."""
    agreed = [link.terms for link in Link.objects.filter(teen=teen, ended_at=None)]
    answers = combined(agreed).answers_a_day
    daily_tokens = default_daily_tokens()
    if answers is not None:
        daily_tokens = min(daily_tokens, answers * SHORT_ANSWER_TOKENS)
    budget = budget_of(owner=teen)
    if budget.daily_tokens != daily_tokens:
        allowance_set(budget=budget, daily_tokens=daily_tokens)
