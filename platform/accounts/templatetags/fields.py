from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def bare(field: BoundField) -> SafeString:
    """A field's control without the library's placeholder: its label already says the same."""
    return field.as_widget(attrs={"placeholder": False})
