"""What is kept about consent: the evidence, and what keeps it from being routed around (ADR 41)."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.consent_texts import find_text
from families.consents import list_consents_about
from families.cooling_off import COOLING_OFF_PERIOD, delete_expired_cooling_offs
from families.models import Consent, CoolingOff, Correction, ParentCheck, Residence
from privacy.registry import DataKind, Retention, Row, erased_by_cascade


def list_agreed_text(consent: Consent) -> list[str]:
    """What was agreed to, word for word: the title, then the points."""
    text = find_text(version=consent.version, text_hash=consent.text_hash)
    return [text.title, *text.points] if text else []


def export_consents(person: Person) -> Iterator[Row]:
    for consent in list_consents_about(person).select_related("teen").iterator():
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
            "words": list_agreed_text(consent),
        }


def erase_consents(person: Person) -> None:
    """A consent that they gave stays with the teen as evidence, without their name."""
    Consent.objects.filter(given_by=person).exclude(teen=person).update(given_by_name="")


def export_residence(person: Person) -> Iterator[Row]:
    """The country as it stands, and each correction of it or of the month of birth."""
    for residence in Residence.objects.filter(teen=person):
        yield _build_residence_row("country", residence.country, residence.recorded_at)
    for correction in Correction.objects.filter(teen=person).order_by("at").iterator():
        after = correction.after
        yield _build_residence_row(
            correction.fact, after, correction.at, correction.before, correction.reason
        )


def _build_residence_row(fact: str, value: str, at: datetime, before: str = "", reason: str = "") -> Row:
    return {"fact": fact, "value": value, "at": at, "before": before, "reason": reason}


def export_cooling_offs(person: Person) -> Iterator[Row]:
    for cooling_off in CoolingOff.objects.filter(teen=person).order_by("until").iterator():
        yield {"until": cooling_off.until}


def export_parent_checks(person: Person) -> Iterator[Row]:
    checks = ParentCheck.objects.filter(Q(link__parent=person) | Q(link__teen=person))
    for check in checks.select_related("link__parent", "link__teen").order_by("at").iterator():
        yield {
            "parent": str(check.link.parent),
            "teen": str(check.link.teen),
            "at": check.at,
            "method": str(check.get_method_display()),
        }


CONSENTS = DataKind(
    name="consents",
    title=_("Consent to the tutor"),
    description=_("Who agreed that a teen may use it, when, and to which words."),
    retention=Retention(text=_("It is evidence, and stays until the teen’s account is deleted.")),
    visible_to=_("The teen and whoever gave it see it."),
    erasure_removes=_("Every consent about you"),
    erasure_keeps=_("A consent that you gave for a teen stays with the teen, without your name."),
    is_private=True,
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
    export=export_consents,
    erase=erase_consents,
)
RESIDENCE = DataKind(
    name="residence",
    title=_("Where a teen lives"),
    description=_(
        "The country, as it was told first, and what staff corrected of it or of the month of birth, and why."
    ),
    retention=Retention(text=_("It stays until the teen’s account is deleted.")),
    visible_to=_("The teen and their parents see the country; staff see corrections."),
    erasure_removes=_("The country where you live"),
    is_private=True,
    models=(Residence, Correction),
    labels={
        "fact": _("what"),
        "value": _("as it stands"),
        "at": _("when"),
        "before": _("before"),
        "reason": _("reason"),
    },
    export=export_residence,
    erase=erased_by_cascade,
)
COOLING_OFFS = DataKind(
    name="cooling-offs",
    title=_("Days without the tutor"),
    description=_(
        "Until when the tutor is closed, after a parent who had agreed or paused was unlinked or withdrew."
    ),
    retention=Retention(
        text=_("It is deleted when it is over, %(days)d days after it began."),
        days=COOLING_OFF_PERIOD.days,
        counted_from=_("the end of the link, or the withdrawal"),
        delete_expired=delete_expired_cooling_offs,
        task="families.tasks.delete_expired_cooling_offs",
    ),
    visible_to=_("The teen and their parents see it."),
    erasure_removes=_("Until when the tutor is closed to you"),
    erasure_keeps=_(
        "Where a parent’s account goes, the teen’s tutor stays closed for those days, without the parent’s name."
    ),
    is_private=True,
    models=(CoolingOff,),
    labels={"until": _("until")},
    export=export_cooling_offs,
    erase=erased_by_cascade,
)
PARENT_CHECKS = DataKind(
    name="parent-checks",
    title=_("Approval of a parent"),
    description=_(
        "That the people who run this site know that two people are parent and teen, and how they know."
    ),
    retention=Retention(text=_("It stays as long as the link is kept.")),
    visible_to=_("Staff see it, and the two whom it is about."),
    erasure_removes=_("Approvals about you"),
    is_private=True,
    models=(ParentCheck,),
    labels={"parent": _("parent"), "teen": _("teen"), "at": _("when"), "method": _("how we know")},
    export=export_parent_checks,
    erase=erased_by_cascade,
)
CONSENT_KINDS = (CONSENTS, RESIDENCE, COOLING_OFFS, PARENT_CHECKS)
