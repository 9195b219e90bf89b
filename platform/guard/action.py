"""What is done about a verdict. docs/safety.md has the table."""

from enum import StrEnum

from guard.verdict import Category, Level, Verdict


class Action(StrEnum):
    """Ordered from the most careful to the least. A verdict that calls for several gets the first."""

    CARD = "card"
    PAUSE = "pause"
    REFUSE = "refuse"
    REDIRECT = "redirect"
    SUPPORT = "support"
    REDACT = "redact"
    ANSWER = "answer"


# Crisis levels come before categories: a person in danger must never get a refusal.
_BY_LEVEL = {
    Level.ACUTE: Action.CARD,
    Level.UNSAFE_HOME: Action.CARD,
    Level.STATED: Action.CARD,
    Level.HINTS: Action.PAUSE,
    Level.STRESS: Action.SUPPORT,
}
_BY_CATEGORY = {
    Category.METHOD: Action.REFUSE,
    Category.SEXUAL: Action.REFUSE,
    Category.HATE: Action.REFUSE,
    Category.VIOLENCE: Action.REFUSE,
    Category.CRIME: Action.REFUSE,
    Category.DRUGS: Action.REFUSE,
    Category.INJECTION: Action.REFUSE,
    Category.COMPANION: Action.REDIRECT,
    Category.MEDICAL: Action.REDIRECT,
    Category.LEGAL: Action.REDIRECT,
    Category.IDENTITY: Action.SUPPORT,
    Category.PERSONAL: Action.REDACT,
}
_ORDER = {action: position for position, action in enumerate(Action)}


def action_for(verdict: Verdict) -> Action:
    """Return the action for a verdict on a person's text."""
    called_for = [_BY_CATEGORY[category] for category in verdict.categories if category in _BY_CATEGORY]
    if verdict.level in _BY_LEVEL:
        called_for.append(_BY_LEVEL[verdict.level])
    return min(called_for, key=_ORDER.__getitem__, default=Action.ANSWER)
