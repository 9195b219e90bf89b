"""What this room keeps about a person: what they have read and chosen, and the certificates they asked for."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from courses.learning.together import ASKS_KEPT_FOR, togethers_forget
from courses.models import Answer, Certificate, LessonDone, Together
from families.agreements import get_other_side
from privacy.registry import DataKind, Retention, Row


def learned_export(person: Person) -> Iterator[Row]:
    for lesson in LessonDone.objects.filter(person=person).order_by("done_at").iterator():
        yield {
            "module": lesson.module_slug,
            "lesson": lesson.lesson_slug,
            "question": "",
            "answer": "",
            "first": "",
            "together": "",
            "at": lesson.done_at,
        }
    for answer in Answer.objects.filter(person=person).order_by("answered_at").iterator():
        yield {
            "module": answer.module_slug,
            "lesson": "",
            "question": answer.question_slug,
            "answer": answer.option,
            "first": answer.first_option,
            "together": answer.together,
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


def togethers_of(person: Person) -> QuerySet[Together]:
    return Together.objects.filter(Q(link__parent=person) | Q(link__teen=person))


def togethers_export(person: Person) -> Iterator[Row]:
    rows = togethers_of(person).select_related("link__parent", "link__teen", "asked_by")
    for row in rows.order_by("asked_at").iterator():
        yield {
            "module": row.module_slug,
            "who": str(get_other_side(row.link, person)),
            "asked_by": str(row.asked_by),
            "asked_at": row.asked_at,
            "agreed_at": row.agreed_at,
        }


def togethers_erase(person: Person) -> None:
    togethers_of(person).delete()


LEARNED = DataKind(
    name="learned",
    title=_("What you have learned"),
    description=_(
        "Which lessons you marked as done and what you chose in a quiz, first and last, so that you can go on where "
        "you stopped and we see which question misleads."
    ),
    retention=Retention(
        text=_(
            "It stays until the account is deleted. "
            "Signed out, it is kept with this browser and forgotten two weeks after you last used it."
        )
    ),
    visible_to=_(
        "Nobody else sees it. What is done while two take a module together is written down for both. Admins see "
        "how many did what, in steps of five and never fewer than five, without names."
    ),
    erasure_removes=_("What you have learned, as this site knew it"),
    is_private=True,
    models=(LessonDone, Answer),
    labels={
        "module": _("module"),
        "lesson": _("lesson done"),
        "question": _("question"),
        "answer": _("what was chosen"),
        "first": _("what was chosen first"),
        "together": _("chosen while you took it together"),
        "at": _("when"),
    },
    export=learned_export,
    erase=learned_erase,
)
CERTIFICATES = DataKind(
    name="certificates",
    title=_("Certificates"),
    description=_(
        "That you asked for a certificate of a module, with the name you chose for it, if any, so that others can "
        "check it."
    ),
    retention=Retention(text=_("It stays until you withdraw it or the account is deleted.")),
    visible_to=_("Whoever has its address sees what stands on it, and nothing else about you."),
    erasure_removes=_("Your certificates; their addresses then know nothing"),
    is_private=True,
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
TOGETHER = DataKind(
    name="together",
    title=_("Modules taken together"),
    description=_(
        "With whom of your family you take a module together, or would like to, so that what one does counts for both."
    ),
    retention=Retention(
        text=_(
            "An ask without an answer is deleted after %(days)d days. What you take together stays until one of you "
            "goes on alone, or your link ends."
        ),
        days=ASKS_KEPT_FOR.days,
        counted_from=_("the asking"),
        delete_expired=togethers_forget,
        task="courses.tasks.togethers_forget",
    ),
    visible_to=_("The two of you see it."),
    erasure_removes=_("With whom you take modules together"),
    is_private=True,
    models=(Together,),
    labels={
        "module": _("module"),
        "who": _("with"),
        "asked_by": _("asked by"),
        "asked_at": _("asked"),
        "agreed_at": _("agreed"),
    },
    export=togethers_export,
    erase=togethers_erase,
)
KINDS = (LEARNED, CERTIFICATES, TOGETHER)
