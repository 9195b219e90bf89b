"""Mark text that is not in the page's language, for readers and for screen readers."""

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from kit.languages import get_page_language

register = template.Library()


@register.simple_tag
def lang_attribute(language: str) -> str:
    """Return the `lang` attribute for text in `language`, or nothing if it is the page's."""
    return "" if language == get_page_language() else format_html(' lang="{}"', language)


@register.filter
def bdi(words: object) -> str:
    """Isolate text that a person wrote inside a sentence, so that its direction does not affect the rest."""
    return format_html("<bdi>{}</bdi>", words)


@register.simple_tag
def title_in(language: str, title: str) -> str:
    """Return a title in `language`, for use in a sentence of the page."""
    return (
        title if language == get_page_language() else format_html('<bdi lang="{}">{}</bdi>', language, title)
    )


@register.simple_tag
def default_language_note(language: str) -> str:
    """Say that something is in the default language, if the page isn't."""
    return "" if language == get_page_language() else _("in English")
