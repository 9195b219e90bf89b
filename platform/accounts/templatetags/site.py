"""Addresses as templates write them where they leave the page: to be handed over, or fetched by a program."""

from django import template
from django.urls import reverse

from kit import languages
from kit.site import build_absolute_url

register = template.Library()


@register.simple_tag
def public_url(route: str, *args: object) -> str:
    """The public address of a route, whichever host the page was asked for by."""
    return build_absolute_url(reverse(route, args=args))


@register.simple_tag
def feed_path(route: str) -> str:
    """The path of a feed in the page's language."""
    return languages.build_feed_path(route)
