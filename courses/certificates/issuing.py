"""Certificates: what they certify, making them, finding them and taking them back."""

import hashlib
import json

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from courses.library.selectors import Course
from courses.models import Certificate, Module

EDITION_LENGTH = 12


def edition_of(module: Module) -> str:
    """A short hash of what there is to read and to answer: another one as soon as a word of it is changed."""
    words = {
        "title": module.title,
        "intro": module.intro,
        "lessons": [[lesson.slug, lesson.title, lesson.sections] for lesson in module.lessons.all()],
        "questions": [[asked.slug, asked.html, asked.options] for asked in module.questions.all()],
    }
    text = json.dumps(words, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:EDITION_LENGTH]


def own_certificate(person: Person, module_slug: str) -> Certificate | None:
    return Certificate.objects.filter(person=person, module_slug=module_slug).first()


def has_certificate(reader: Person | AnonymousUser, module_slug: str) -> bool:
    return isinstance(reader, Person) and own_certificate(reader, module_slug) is not None


def certificate_at(token: str) -> Certificate | None:
    """The one whose address was given; None when it was withdrawn, or never was."""
    return Certificate.objects.filter(token=token).first()


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
