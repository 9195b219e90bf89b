"""Public addresses for templates: to hand over, or for a program to fetch."""

from django import template
from django.urls import reverse

from kit import languages
from kit.site import build_absolute_url

register = template.Library()


@register.simple_tag
def public_url(route: str, *args: object) -> str:
    """Return the public address of a route, regardless of the request's host."""
    return build_absolute_url(reverse(route, args=args))


@register.simple_tag
def feed_path(route: str) -> str:
    """Return a feed's path in the page's language."""
    return languages.build_feed_path(route)
