"""Reads of certificates: one's own by its module, anybody's by its address."""

from django.contrib.auth.models import AnonymousUser

from accounts.models import Person
from courses.models import Certificate


def own_certificate(person: Person, module_slug: str) -> Certificate | None:
    return Certificate.objects.filter(person=person, module_slug=module_slug).first()


def has_certificate(reader: Person | AnonymousUser, module_slug: str) -> bool:
    return isinstance(reader, Person) and own_certificate(reader, module_slug) is not None


def certificate_at(token: str) -> Certificate | None:
    """The one whose address was given; None when it was withdrawn, or never was."""
    return Certificate.objects.filter(token=token).first()
