"""What is kept about consent: the evidence, and what keeps it from being routed around (ADR 41)."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.consent_texts import find_text
from families.consents import consents_about
from families.cooling_off import COOLING_OFF, forget_cooling_offs
from families.models import Consent, CoolingOff, Correction, ParentCheck, Residence
from privacy.registry import Kind, Retention, Row, leave


def words_of(consent: Consent) -> list[str]:
    """What was agreed to, word for word: the title, then the points."""
    text = find_text(version=consent.version, text_hash=consent.text_hash)
    return [text.title, *text.points] if text else []


def consents_export(person: Person) -> Iterator[Row]:
    for consent in consents_about(person).select_related("teen").iterator():
        yield {
            "teen": str(consent.teen),
            "given_by": consent.given_by_name,
            "given_as": consent.given_as,
            "given_at": consent.given_at,
            "withdrawn_at": consent.withdrawn_at,
            "country": consent.country,
            "age": consent.age,
            "verification": str(consent.get_verification_display()),
            "version": consent.version,
            "text_hash": consent.text_hash,
            "words": words_of(consent),
        }


def consents_erase(person: Person) -> None:
    """A consent that they gave stays with the teen as evidence, without their name."""
    Consent.objects.filter(given_by=person).exclude(teen=person).update(given_by_name="")


def residence_export(person: Person) -> Iterator[Row]:
    """The country as it stands, and each correction of it or of the month of birth."""
    for residence in Residence.objects.filter(teen=person):
        yield _told("country", residence.country, residence.told_at)
    for correction in Correction.objects.filter(teen=person).order_by("at").iterator():
        after = correction.after
        yield _told(correction.fact, after, correction.at, correction.before, correction.reason)


def _told(fact: str, value: str, at: datetime, before: str = "", reason: str = "") -> Row:
    return {"fact": fact, "value": value, "at": at, "before": before, "reason": reason}


def cooling_offs_export(person: Person) -> Iterator[Row]:
    for cooling_off in CoolingOff.objects.filter(teen=person).order_by("until").iterator():
        yield {"until": cooling_off.until}


def parent_checks_export(person: Person) -> Iterator[Row]:
    checks = ParentCheck.objects.filter(Q(link__parent=person) | Q(link__teen=person))
    for check in checks.select_related("link__parent", "link__teen").order_by("at").iterator():
        yield {
            "parent": str(check.link.parent),
            "teen": str(check.link.teen),
            "at": check.at,
            "method": str(check.get_method_display()),
        }


CONSENTS = Kind(
    name="consents",
    title=_("Consent to the tutor"),
    what=_("Who agreed that a teen may use it, when, and to which words."),
    retention=Retention(words=_("It is evidence, and stays until the teen’s account is deleted.")),
    seen=_("The teen and whoever gave it see it."),
    gone=_("Every consent about you"),
    stays=_("A consent that you gave for a teen stays with the teen, without your name."),
    private=True,
    models=(Consent,),
    labels={
        "teen": _("teen"),
        "given_by": _("given by"),
        "given_as": _("given as"),
        "given_at": _("given"),
        "withdrawn_at": _("withdrawn"),
        "country": _("country"),
        "age": _("age in years"),
        "verification": _("how the parent was verified"),
        "version": _("version of the words"),
        "text_hash": _("proof of the words"),
        "words": _("the words"),
    },
    export=consents_export,
    erase=consents_erase,
)
RESIDENCE = Kind(
    name="residence",
    title=_("Where a teen lives"),
    what=_(
        "The country, as it was told first, and what staff corrected of it or of the month of birth, and why."
    ),
    retention=Retention(words=_("It stays until the teen’s account is deleted.")),
    seen=_("The teen and their parents see the country; staff see corrections."),
    gone=_("The country where you live"),
    private=True,
    models=(Residence, Correction),
    labels={
        "fact": _("what"),
        "value": _("as it stands"),
        "at": _("when"),
        "before": _("before"),
        "reason": _("reason"),
    },
    export=residence_export,
    erase=leave,
)
COOLING_OFFS = Kind(
    name="cooling-offs",
    title=_("Days without the tutor"),
    what=_(
        "Until when the tutor is closed, after a parent who had agreed or paused was unlinked or withdrew."
    ),
    retention=Retention(
        words=_("It is deleted when it is over, %(days)d days after it began."),
        days=COOLING_OFF.days,
        since=_("the end of the link, or the withdrawal"),
        forget=forget_cooling_offs,
        task="families.tasks.cooling_offs_forget",
    ),
    seen=_("The teen and their parents see it."),
    gone=_("Until when the tutor is closed to you"),
    stays=_(
        "Where a parent’s account goes, the teen’s tutor stays closed for those days, without the parent’s name."
    ),
    private=True,
    models=(CoolingOff,),
    labels={"until": _("until")},
    export=cooling_offs_export,
    erase=leave,
)
PARENT_CHECKS = Kind(
    name="parent-checks",
    title=_("Approval of a parent"),
    what=_("That the people who run this site know that two people are parent and teen, and how they know."),
    retention=Retention(words=_("It stays as long as the link is kept.")),
    seen=_("Staff see it, and the two whom it is about."),
    gone=_("Approvals about you"),
    private=True,
    models=(ParentCheck,),
    labels={"parent": _("parent"), "teen": _("teen"), "at": _("when"), "method": _("how we know")},
    export=parent_checks_export,
    erase=leave,
)
CONSENT_KINDS = (CONSENTS, RESIDENCE, COOLING_OFFS, PARENT_CHECKS)
