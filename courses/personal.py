"""Data kinds of this room: learning progress, certificates and joint modules."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from courses.learning.joint_modules import REQUEST_RETENTION, delete_expired_joint_modules
from courses.models import Certificate, JointModule, LessonDone, ModuleFinished, QuizAnswer
from families.agreements import get_other_side
from privacy.registry import DataKind, Retention, Row


def export_module_progress(person: Person) -> Iterator[Row]:
    """Yield what a person has done of the modules."""
    for lesson in LessonDone.objects.filter(person=person).order_by("done_at").iterator():
        yield {
            "module": lesson.module_slug,
            "lesson": lesson.lesson_slug,
            "question": "",
            "answer": "",
            "first": "",
            "is_joint": "",
            "at": lesson.done_at,
            "has_finished": "",
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
            "has_finished": "",
        }
    yield from _export_finished(person)


def _export_finished(person: Person) -> Iterator[Row]:
    for finished in ModuleFinished.objects.filter(person=person).order_by("module_slug"):
        yield {
            "module": finished.module_slug,
            "lesson": "",
            "question": "",
            "answer": "",
            "first": "",
            "is_joint": "",
            "at": "",
            "has_finished": True,
        }


def erase_module_progress(person: Person) -> None:
    """Delete a person's finished lessons and quiz answers."""
    LessonDone.objects.filter(person=person).delete()
    QuizAnswer.objects.filter(person=person).delete()
    ModuleFinished.objects.filter(person=person).delete()


def export_certificates(person: Person) -> Iterator[Row]:
    """Yield a person's certificates, oldest first."""
    for certificate in Certificate.objects.filter(person=person).order_by("issued_on", "pk").iterator():
        yield {
            "title": certificate.title,
            "name": certificate.name,
            "issued_on": certificate.issued_on,
            "edition": certificate.edition,
            "address": certificate.address,
        }


def erase_certificates(person: Person) -> None:
    """Delete a person's certificates. Their addresses then say that there is none."""
    Certificate.objects.filter(person=person).delete()


def list_joint_modules(person: Person) -> QuerySet[JointModule]:
    return JointModule.objects.filter(Q(link__parent=person) | Q(link__teen=person))


def export_joint_modules(person: Person) -> Iterator[Row]:
    """Yield a person's joint modules, oldest first."""
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
    """Delete all joint modules of a person, also for the other side."""
    list_joint_modules(person).delete()


LEARNED = DataKind(
    name="module-progress",
    title=_("Your learning progress"),
    description=_(
        "The lessons you marked as done, your first and latest answer to each quiz question, and which modules you "
        "had finished before they got more lessons. This "
        "lets you pick up where you left off, and shows us which questions are misleading."
    ),
    retention=Retention(
        text=_(
            "We keep it until the account is deleted. If you aren’t signed in, it stays with this "
            "browser and is deleted two weeks after you last used it."
        )
    ),
    visible_to=_(
        "Only you see it. If two people take a module together, what either does counts for both. "
        "Admins see totals without names, rounded down to fives and never below five."
    ),
    erasure_removes=_("Your learning progress on this site"),
    is_private=True,
    models=(LessonDone, QuizAnswer, ModuleFinished),
    labels={
        "module": _("module"),
        "lesson": _("lesson done"),
        "question": _("question"),
        "answer": _("latest answer"),
        "first": _("first answer"),
        "is_joint": _("answered in a joint module"),
        "at": _("when"),
        "has_finished": _("finished before it grew"),
    },
    export=export_module_progress,
    erase=erase_module_progress,
)
CERTIFICATES = DataKind(
    name="certificates",
    title=_("Certificates"),
    description=_(
        "Each certificate you asked for, with the name you put on it, if any, so that others can check it."
    ),
    retention=Retention(text=_("We keep it until you withdraw it or the account is deleted.")),
    visible_to=_("Anyone with its web address can see what it says, and nothing else about you."),
    erasure_removes=_("Your certificates; their web addresses stop working"),
    is_private=True,
    models=(Certificate,),
    labels={
        "title": _("module"),
        "name": _("name on the certificate"),
        "issued_on": _("issued on"),
        "edition": _("edition"),
        "address": _("address"),
    },
    export=export_certificates,
    erase=erase_certificates,
)
JOINT_MODULES = DataKind(
    name="joint-modules",
    title=_("Joint modules"),
    description=_(
        "Who in your family you take a module with, or have asked to, so that what one of you does "
        "counts for both."
    ),
    retention=Retention(
        text=_(
            "A request without an answer is deleted after %(days)d days. A joint module lasts until "
            "one of you continues alone, or your link ends."
        ),
        days=REQUEST_RETENTION.days,
        counted_from=_("the request"),
        delete_expired=delete_expired_joint_modules,
        task="courses.tasks.delete_expired_joint_modules",
    ),
    visible_to=_("Both of you can see it."),
    erasure_removes=_("Your joint modules"),
    is_private=True,
    models=(JointModule,),
    labels={
        "module": _("module"),
        "who": _("with"),
        "requested_by": _("requested by"),
        "requested_at": _("asked"),
        "agreed_at": _("agreed"),
    },
    export=export_joint_modules,
    erase=erase_joint_modules,
)
KINDS = (LEARNED, CERTIFICATES, JOINT_MODULES)
