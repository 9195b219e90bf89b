from django import template
from django.forms import BoundField
from django.utils.formats import get_format
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def bare(field: BoundField) -> SafeString:
    """Render a field's control without allauth's placeholder, which repeats the label."""
    return field.as_widget(attrs={"placeholder": False})


@register.simple_tag
def thousands_separator() -> str:
    """Return the page language's thousands separator, for scripts that format numbers."""
    separator: str = get_format("THOUSAND_SEPARATOR")
    return separator
