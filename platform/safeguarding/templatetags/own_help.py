"""Links to a teen's own page about their crises."""

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language

from accounts.models import Person
from safeguarding.teen_page import has_own_page

register = template.Library()


@register.filter
def has_help_page(user: object) -> bool:
    """Whether to link to the page: for its teen, where people review crises."""
    return isinstance(user, Person) and has_own_page(user)


@register.simple_tag
def offline_help_url() -> str:
    """Return the address of the service worker for the page's language, or "" where there is none."""
    if not settings.OFFLINE_HELP:
        return ""
    return f"{reverse('safeguarding:service_worker')}?language={get_language()}"
