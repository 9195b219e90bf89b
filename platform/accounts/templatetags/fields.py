from django import template
from django.forms import BoundField
from django.utils.formats import get_format
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def bare(field: BoundField) -> SafeString:
    """A field's control without the library's placeholder: its label already says the same."""
    return field.as_widget(attrs={"placeholder": False})


@register.simple_tag
def thousands_separator() -> str:
    """What stands between thousands in the page's language, for scripts that write numbers."""
    separator: str = get_format("THOUSAND_SEPARATOR")
    return separator
