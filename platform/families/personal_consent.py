"""The personal data about consent (ADR 41)."""

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
    """Return the agreed text word for word: the title, then the points. Empty if it is unknown."""
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
            "text": list_agreed_text(consent),
        }


def erase_consents(person: Person) -> None:
    """Remove the person's name from consents they gave for teens, which are kept as evidence."""
    Consent.objects.filter(given_by=person).exclude(teen=person).update(given_by_name="")


def export_residence(person: Person) -> Iterator[Row]:
    """Yield the country, then each correction of the country or birth month."""
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
    description=_("Who agreed that a teen may use it, when, and to which text."),
    retention=Retention(text=_("We keep it as evidence until the teen’s account is deleted.")),
    visible_to=_("The teen and the person who gave it see it."),
    erasure_removes=_("Every consent about you"),
    erasure_keeps=_("Consent you gave for a teen stays with the teen, without your name."),
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
        "version": _("version of the text"),
        "text_hash": _("hash of the text"),
        "text": _("the text"),
    },
    export=export_consents,
    erase=erase_consents,
)
RESIDENCE = DataKind(
    name="residence",
    title=_("Where a teen lives"),
    description=_(
        "The country someone first gave, and any correction by staff to the country or birth month, with "
        "the reason."
    ),
    retention=Retention(text=_("It stays until the teen’s account is deleted.")),
    visible_to=_("The teen and their parents see the country; staff see corrections."),
    erasure_removes=_("The country where you live"),
    is_private=True,
    models=(Residence, Correction),
    labels={
        "fact": _("what"),
        "value": _("current value"),
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
        "How long the tutor stays closed after a parent who agreed to it or paused it is unlinked or "
        "withdraws consent."
    ),
    retention=Retention(
        text=_("It is deleted when it ends, after %(days)d days."),
        days=COOLING_OFF_PERIOD.days,
        counted_from=_("the end of the link, or the withdrawal"),
        delete_expired=delete_expired_cooling_offs,
        task="families.tasks.delete_expired_cooling_offs",
    ),
    visible_to=_("The teen and their parents see it."),
    erasure_removes=_("How long the tutor is closed to you"),
    erasure_keeps=_(
        "When a parent’s account is deleted, the tutor stays closed to the teen for those days, without "
        "the parent’s name."
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
        "Confirmation from the people who run this site that two people are parent and teen, and how "
        "they know."
    ),
    retention=Retention(text=_("It stays as long as the link is kept.")),
    visible_to=_("Staff and the two people it’s about see it."),
    erasure_removes=_("Approvals about you"),
    is_private=True,
    models=(ParentCheck,),
    labels={"parent": _("parent"), "teen": _("teen"), "at": _("when"), "method": _("how we know")},
    export=export_parent_checks,
    erase=erased_by_cascade,
)
CONSENT_KINDS = (CONSENTS, RESIDENCE, COOLING_OFFS, PARENT_CHECKS)
