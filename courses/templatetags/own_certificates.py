"""A person's certificates, for their account page: that room may not import courses."""

from django import template
from django.db.models import QuerySet

from accounts.models import Person
from courses.models import Certificate

register = template.Library()


@register.simple_tag
def own_certificates(person: Person) -> QuerySet[Certificate]:
    """Return the person's certificates, newest first."""
    return Certificate.objects.filter(person=person).order_by("-issued_on", "-pk")
