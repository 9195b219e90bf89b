"""What this room keeps about a person: what they have read and chosen, and the certificates they asked for."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from courses.learning.joint_modules import REQUEST_RETENTION, delete_expired_joint_modules
from courses.models import Certificate, JointModule, LessonDone, QuizAnswer
from families.agreements import get_other_side
from privacy.registry import DataKind, Retention, Row


def export_learned(person: Person) -> Iterator[Row]:
    for lesson in LessonDone.objects.filter(person=person).order_by("done_at").iterator():
        yield {
            "module": lesson.module_slug,
            "lesson": lesson.lesson_slug,
            "question": "",
            "answer": "",
            "first": "",
            "is_joint": "",
            "at": lesson.done_at,
        }
    for answer in QuizAnswer.objects.filter(person=person).order_by("answered_at").iterator():
        yield {
            "module": answer.module_slug,
            "lesson": "",
            "question": answer.question_slug,
            "answer": answer.option,
            "first": answer.first_option,
            "is_joint": answer.is_joint,
            "at": answer.answered_at,
        }


def erase_learned(person: Person) -> None:
    LessonDone.objects.filter(person=person).delete()
    QuizAnswer.objects.filter(person=person).delete()


def export_certificates(person: Person) -> Iterator[Row]:
    for certificate in Certificate.objects.filter(person=person).order_by("issued_on", "pk").iterator():
        yield {
            "title": certificate.title,
            "name": certificate.name,
            "issued_on": certificate.issued_on,
            "edition": certificate.edition,
            "address": certificate.address,
        }


def erase_certificates(person: Person) -> None:
    Certificate.objects.filter(person=person).delete()


def list_joint_modules(person: Person) -> QuerySet[JointModule]:
    return JointModule.objects.filter(Q(link__parent=person) | Q(link__teen=person))


def export_joint_modules(person: Person) -> Iterator[Row]:
    rows = list_joint_modules(person).select_related("link__parent", "link__teen", "requested_by")
    for row in rows.order_by("requested_at").iterator():
        yield {
            "module": row.module_slug,
            "who": str(get_other_side(row.link, person)),
            "requested_by": str(row.requested_by),
            "requested_at": row.requested_at,
            "agreed_at": row.agreed_at,
        }


def erase_joint_modules(person: Person) -> None:
    list_joint_modules(person).delete()


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
    models=(LessonDone, QuizAnswer),
    labels={
        "module": _("module"),
        "lesson": _("lesson done"),
        "question": _("question"),
        "answer": _("what was chosen"),
        "first": _("what was chosen first"),
        "is_joint": _("chosen while you took it together"),
        "at": _("when"),
    },
    export=export_learned,
    erase=erase_learned,
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
        "issued_on": _("made on"),
        "edition": _("edition"),
        "address": _("address"),
    },
    export=export_certificates,
    erase=erase_certificates,
)
JOINT_MODULES = DataKind(
    name="joint-modules",
    title=_("Modules taken together"),
    description=_(
        "With whom of your family you take a module together, or would like to, so that what one does counts for both."
    ),
    retention=Retention(
        text=_(
            "An ask without an answer is deleted after %(days)d days. What you take together stays until one of you "
            "goes on alone, or your link ends."
        ),
        days=REQUEST_RETENTION.days,
        counted_from=_("the asking"),
        delete_expired=delete_expired_joint_modules,
        task="courses.tasks.delete_expired_joint_modules",
    ),
    visible_to=_("The two of you see it."),
    erasure_removes=_("With whom you take modules together"),
    is_private=True,
    models=(JointModule,),
    labels={
        "module": _("module"),
        "who": _("with"),
        "requested_by": _("asked by"),
        "requested_at": _("asked"),
        "agreed_at": _("agreed"),
    },
    export=export_joint_modules,
    erase=erase_joint_modules,
)
KINDS = (LEARNED, CERTIFICATES, JOINT_MODULES)
