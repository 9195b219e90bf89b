"""Marks what is not written in the language of its page, for people who read it and for what reads it aloud."""

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from kit.languages import get_page_language

register = template.Library()


@register.simple_tag
def lang_of(language: str) -> str:
    """The attribute of an element whose words are in `language`; none where its page is too."""
    return "" if language == get_page_language() else format_html(' lang="{}"', language)


@register.filter
def bdi(words: object) -> str:
    """Words that others chose, to stand in a sentence of the page, whatever direction they are read in."""
    return format_html("<bdi>{}</bdi>", words)


@register.simple_tag
def title_in(language: str, title: str) -> str:
    """A title in `language`, to stand in a sentence of the page."""
    return (
        title if language == get_page_language() else format_html('<bdi lang="{}">{}</bdi>', language, title)
    )


@register.simple_tag
def language_said(language: str) -> str:
    """That something is in the first language, on a page that is not; else nothing."""
    return "" if language == get_page_language() else _("in English")
