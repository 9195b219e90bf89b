"""What a family is to the ledger: a teen's daily limit, as agreed, and one budget that those who are linked share."""

from accounts.models import Person
from budgets.allowances import budget_nest, budget_of, cap_set, family_make, site_budget
from budgets.models import Budget, Floor
from budgets.selectors import SHORT_ANSWER_TOKENS
from families.selectors import links_of, standing_links
from families.terms import combined


def limit_apply(*, teen: Person) -> None:
    """Cap the teen's budget at what the links that stand agree on: the smallest limit, or none.

    Its day begins on the clock of the oldest agreement, wherever the teen's account is.
    """
    agreed = [link.terms for link in standing_links().filter(teen=teen).order_by("made_at")]
    answers = combined(agreed).answers_a_day
    cap_set(
        owner=teen,
        daily_tokens=None if answers is None else answers * SHORT_ANSWER_TOKENS,
        time_zone=agreed[0].time_zone if agreed else "",
    )


def nest_apply(*, person: Person) -> None:
    """Put a person's budget within one with somebody whom they are linked to, or on its own when there is nobody.

    Whoever shares a family's budget stays in it as long as somebody in it is linked to them: of two families that a
    second parent links, each keeps its own.
    """
    linked = [link.parent if person == link.teen else link.teen for link in links_of(person)]
    mine = budget_of(owner=person).within
    families = [around for other in linked if (around := _family_of(other))]
    if mine in families:
        return
    if families:
        budget_nest(owner=person, within=families[0])
    elif linked:
        family = family_make(time_zone=str(linked[0].zone))
        for member in (person, linked[0]):
            budget_nest(owner=member, within=family)
    else:
        budget_nest(owner=person, within=site_budget())


def _family_of(person: Person) -> Budget | None:
    around = budget_of(owner=person).within
    return around if around and around.kind == Floor.FAMILY else None
