"""Create, find and withdraw certificates."""

import hashlib
import json
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from courses.library.selectors import ReaderModule
from courses.models import Certificate, Module

EDITION_LENGTH = 12


def compute_edition(module: Module) -> str:
    """Return a short hash of a module's lessons and questions. It changes with every change of a word."""
    words = {
        "title": module.title,
        "intro": module.intro,
        "lessons": [[lesson.slug, lesson.title, lesson.sections] for lesson in module.lessons.all()],
        "questions": [
            [question.slug, question.html, question.options] for question in module.questions.all()
        ],
    }
    text = json.dumps(words, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:EDITION_LENGTH]


def get_own_certificate(person: Person, module_slug: str) -> Certificate | None:
    """Return the person's certificate of the module, or None."""
    return Certificate.objects.filter(person=person, module_slug=module_slug).first()


def has_certificate(reader: Person | AnonymousUser, module_slug: str) -> bool:
    return isinstance(reader, Person) and get_own_certificate(reader, module_slug) is not None


def find_certificate(token: str) -> Certificate | None:
    """Return the certificate with this token, or None if it was withdrawn or never existed."""
    return Certificate.objects.filter(token=token).first()


class ModuleNotFinished(Exception):
    """The person hasn't finished the module."""


def build_visitor_certificate(*, reader_module: ReaderModule, name: str) -> Certificate:
    """Build the certificate of a visitor, who has no account. It is never saved, so no one can check it.

    Raises ModuleNotFinished.
    """
    if not reader_module.progress.is_finished:
        raise ModuleNotFinished
    facts = _build_facts(reader_module)
    return Certificate(token="", name=name, issued_on=timezone.localdate(), **facts)


def _build_facts(reader_module: ReaderModule) -> dict[str, Any]:
    """Return what a certificate says of the module and of what was done in it."""
    module, done = reader_module.module, reader_module.done
    return {
        "module_slug": module.slug,
        "language": module.language,
        "title": module.title,
        "lessons": sum(lesson.slug in done.lessons for lesson in reader_module.lessons),
        "questions": sum(asked.slug in done.answers for asked in reader_module.questions),
        "edition": compute_edition(module),
    }


@transaction.atomic
def create_certificate(*, person: Person, reader_module: ReaderModule, name: str) -> Certificate:
    """Create a certificate of the finished module, with `name` on it, which may be empty.

    A person has one certificate of a module: a second call returns the first one unchanged. Raises
    ModuleNotFinished.
    """
    if not reader_module.progress.is_finished:
        raise ModuleNotFinished
    certificate, _is_new = Certificate.objects.get_or_create(
        person=person,
        module_slug=reader_module.module.slug,
        defaults=_build_facts(reader_module)
        | {"name": name, "issued_on": timezone.localdate(timezone=person.zone)},
    )
    return certificate


@transaction.atomic
def withdraw_certificate(*, certificate: Certificate) -> None:
    """Delete the certificate. Its address then answers as if it had never existed."""
    Certificate.objects.filter(pk=certificate.pk).delete()
