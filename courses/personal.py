"""What this room keeps about a person: what they have read and chosen, and the certificates they asked for."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.registry import Kind, Retention, Row
from courses.models import Answer, Certificate, LessonDone


def learned_export(person: Person) -> Iterator[Row]:
    for lesson in LessonDone.objects.filter(person=person).order_by("done_at").iterator():
        yield {
            "module": lesson.module_slug,
            "lesson": lesson.lesson_slug,
            "question": "",
            "answer": "",
            "at": lesson.done_at,
        }
    for answer in Answer.objects.filter(person=person).order_by("answered_at").iterator():
        yield {
            "module": answer.module_slug,
            "lesson": "",
            "question": answer.question_slug,
            "answer": answer.option,
            "at": answer.answered_at,
        }


def learned_erase(person: Person) -> None:
    LessonDone.objects.filter(person=person).delete()
    Answer.objects.filter(person=person).delete()


def certificates_export(person: Person) -> Iterator[Row]:
    for certificate in Certificate.objects.filter(person=person).order_by("made_on", "pk").iterator():
        yield {
            "title": certificate.title,
            "name": certificate.name,
            "made_on": certificate.made_on,
            "edition": certificate.edition,
            "address": certificate.address,
        }


def certificates_erase(person: Person) -> None:
    Certificate.objects.filter(person=person).delete()


LEARNED = Kind(
    name="learned",
    title=_("What you have learned"),
    what=_(
        "Which lessons you marked as done and what you chose in a quiz, so that you can go on where you stopped."
    ),
    retention=Retention(
        words=_(
            "It stays until the account is deleted. "
            "Signed out, it is kept with this browser and forgotten two weeks after you last used it."
        )
    ),
    seen=_("Nobody else sees it."),
    gone=_("What you have learned, as this site knew it"),
    private=True,
    models=(LessonDone, Answer),
    labels={
        "module": _("module"),
        "lesson": _("lesson done"),
        "question": _("question"),
        "answer": _("what you chose"),
        "at": _("when"),
    },
    export=learned_export,
    erase=learned_erase,
)
CERTIFICATES = Kind(
    name="certificates",
    title=_("Certificates"),
    what=_(
        "That you asked for a certificate of a module, with the name you chose for it, if any, so that others can "
        "check it."
    ),
    retention=Retention(words=_("It stays until you withdraw it or the account is deleted.")),
    seen=_("Whoever has its address sees what stands on it, and nothing else about you."),
    gone=_("Your certificates; their addresses then know nothing"),
    private=True,
    models=(Certificate,),
    labels={
        "title": _("module"),
        "name": _("name on it"),
        "made_on": _("made on"),
        "edition": _("edition"),
        "address": _("address"),
    },
    export=certificates_export,
    erase=certificates_erase,
)
KINDS = (LEARNED, CERTIFICATES)
