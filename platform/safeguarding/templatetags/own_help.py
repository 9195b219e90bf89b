"""Links to a teen's own page about their crises."""

from django import template

from accounts.models import Person
from safeguarding.teen_page import has_own_page

register = template.Library()


@register.filter
def has_help_page(user: object) -> bool:
    """Whether to link to the page: for its teen, where people review crises."""
    return isinstance(user, Person) and has_own_page(user)
