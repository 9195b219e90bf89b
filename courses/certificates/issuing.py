"""Certificates: what they certify, making them, finding them and taking them back."""

import hashlib
import json

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from courses.library.selectors import ReaderModule
from courses.models import Certificate, Module

EDITION_LENGTH = 12


def compute_edition(module: Module) -> str:
    """A short hash of what there is to read and to answer: another one as soon as a word of it is changed."""
    words = {
        "title": module.title,
        "intro": module.intro,
        "lessons": [[lesson.slug, lesson.title, lesson.sections] for lesson in module.lessons.all()],
        "questions": [[asked.slug, asked.html, asked.options] for asked in module.questions.all()],
    }
    text = json.dumps(words, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:EDITION_LENGTH]


def get_own_certificate(person: Person, module_slug: str) -> Certificate | None:
    return Certificate.objects.filter(person=person, module_slug=module_slug).first()


def has_certificate(reader: Person | AnonymousUser, module_slug: str) -> bool:
    return isinstance(reader, Person) and get_own_certificate(reader, module_slug) is not None


def find_certificate(token: str) -> Certificate | None:
    """The one whose address was given; None when it was withdrawn, or never was."""
    return Certificate.objects.filter(token=token).first()


class ModuleNotFinished(Exception):
    """There is still something to do in the module."""


@transaction.atomic
def create_certificate(*, person: Person, reader_module: ReaderModule, name: str) -> Certificate:
    """A certificate of the module as its reader stands in it, named as they wish.

    There is one at a time: asking again changes nothing. Raises NotDone.
    """
    if not reader_module.progress.is_finished:
        raise ModuleNotFinished
    certificate, _is_new = Certificate.objects.get_or_create(
        person=person,
        module_slug=reader_module.module.slug,
        defaults={
            "language": reader_module.module.language,
            "title": reader_module.module.title,
            "lessons": len(reader_module.lessons),
            "questions": len(reader_module.questions),
            "edition": compute_edition(reader_module.module),
            "name": name,
            "issued_on": timezone.localdate(timezone=person.zone),
        },
    )
    return certificate


@transaction.atomic
def withdraw_certificate(*, certificate: Certificate) -> None:
    """From now on its address knows nothing, as if it had never been."""
    Certificate.objects.filter(pk=certificate.pk).delete()
