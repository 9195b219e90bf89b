"""Making a certificate, and taking it back."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from courses.certificates.editions import edition_of
from courses.library.selectors import Course
from courses.models import Certificate


class NotDone(Exception):
    """There is still something to do in the module."""


@transaction.atomic
def certificate_make(*, person: Person, course: Course, name: str) -> Certificate:
    """A certificate of the module as its reader stands in it, named as they wish.

    There is one at a time: asking again changes nothing. Raises NotDone.
    """
    if not course.progress.is_whole:
        raise NotDone
    certificate, _is_new = Certificate.objects.get_or_create(
        person=person,
        module_slug=course.module.slug,
        defaults={
            "language": course.module.language,
            "title": course.module.title,
            "lessons": len(course.lessons),
            "questions": len(course.questions),
            "edition": edition_of(course.module),
            "name": name,
            "made_on": timezone.localdate(timezone=person.zone),
        },
    )
    return certificate


@transaction.atomic
def certificate_withdraw(*, certificate: Certificate) -> None:
    """From now on its address knows nothing, as if it had never been."""
    Certificate.objects.filter(pk=certificate.pk).delete()
