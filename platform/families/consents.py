"""Consent to a teen's use of the tutor: given, withdrawn, renewed when its text changes, kept as evidence.

ADR 41 explains what prevents a teen from bypassing it; docs/consent.md lists the cases.
"""

from datetime import datetime
from functools import cache
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.age import calculate_age, is_adult
from accounts.models import Person
from families.consent_end import run_consent_end_handlers
from families.consent_models import ParentVerification
from families.consent_texts import (
    ConsentText,
    get_current_text,
    get_newest_text,
    list_versions_in_force,
)
from families.cooling_off import end_cooling_off, find_cooling_off_end, start_cooling_off
from families.errors import CannotGiveConsent, CoolingOffActive, CountryNotSet, ParentNotVerified
from families.models import Consent
from families.notices import NoticeText as _
from families.notices import send_notice
from families.residence import find_country
from families.selectors import list_active_links, list_parents
from families.verification import find_missing_verification, get_verification_level
from kit.authored import read_toml

AGES = Path(__file__).parent / "data" / "ages.toml"


@cache
def _load_consent_ages() -> dict[str, int]:
    """Return the age of consent by country. Raises kit.authored.InvalidFile with every error in the file."""
    from families.schemas import AgesFile  # noqa: PLC0415 - it imports pydantic
    from kit.schemas import validate  # noqa: PLC0415

    return validate(AgesFile, read_toml(AGES)).root


def get_own_consent_age(country: str) -> int:
    """Return the age from which a person in `country` (ISO 3166) can consent without a parent."""
    return _load_consent_ages().get(country, _load_consent_ages()["default"])


def can_consent_alone(teen: Person, country: str | None) -> bool:
    """Return whether a teen can consent without a parent. False if the birth month or the country is unknown."""
    if teen.born is None or country is None:
        return False
    today = timezone.localdate()
    return is_adult(born=teen.born, on=today) or calculate_age(
        born=teen.born, on=today
    ) >= get_own_consent_age(country)


def list_consents_in_force() -> QuerySet[Consent]:
    """List consents to a text that is in force, unless they were withdrawn."""
    return Consent.objects.filter(version__in=list_versions_in_force(), withdrawn_at=None)


def find_consent(teen: Person) -> Consent | None:
    """Return the teen's consent to a text that is in force, or None."""
    return list_consents_in_force().filter(teen=teen).first()


def covers_review(teen: Person) -> bool:
    """Return whether consent to the newest text about human review is given for the teen, and not withdrawn."""
    return find_review_consent_time(teen) is not None


def find_review_consent_time(teen: Person) -> datetime | None:
    """Return since when consent to the newest text about human review is given for the teen, or None."""
    version = get_newest_text(covers_review=True).version
    given = Consent.objects.filter(teen=teen, version=version, withdrawn_at=None)
    return given.order_by("given_at").values_list("given_at", flat=True).first()


def list_consents_about(person: Person) -> QuerySet[Consent]:
    """List every consent about a person and every consent they gave."""
    return (Consent.objects.filter(teen=person) | Consent.objects.filter(given_by=person)).distinct()


@transaction.atomic
def give_consent(*, teen: Person, by: Person, text: ConsentText | None = None) -> Consent:
    """Record that `by` agrees to `text`, or to the current text. Returns the existing consent if there is one.

    Raises:
        CannotGiveConsent: `by` is neither a parent linked to the teen nor a teen who is old enough.
        CountryNotSet: the teen's country is unknown.
        ParentNotVerified: the parent does not meet the site's verification level.
        CoolingOffActive: another parent's decision keeps the tutor closed.
    """
    # Lock the teen's row: two simultaneous consents, or a consent while a link ends, must run one after the other.
    teen = Person.objects.select_for_update(no_key=True).get(pk=teen.pk)
    link = None if by == teen else list_active_links().filter(parent=by, teen=teen).first()
    if by != teen and link is None:
        raise CannotGiveConsent
    country = find_country(teen)
    if country is None:
        raise CountryNotSet
    if link is None and not can_consent_alone(teen, country):
        raise CannotGiveConsent
    if existing := find_consent(teen):
        return existing
    if link and (missing := find_missing_verification(link)):
        raise ParentNotVerified(missing.level)
    if until := find_cooling_off_end(teen, except_by=by):
        raise CoolingOffActive(until)
    consent = _record_consent(teen, by, country, text or get_current_text())
    if link:
        end_cooling_off(teen=teen, parent=by)
    _notify_of_consent(consent, teen, by)
    return consent


def _record_consent(teen: Person, by: Person, country: str, text: ConsentText) -> Consent:
    is_own = by == teen
    return Consent.objects.create(
        teen=teen,
        given_by=by,
        given_by_name=str(by),
        given_as="teen" if is_own else "parent",
        verification=ParentVerification.NONE if is_own else get_verification_level(),
        version=text.version,
        text_hash=text.hash,
        country=country,
        age=calculate_age(born=teen.born, on=timezone.localdate()) if teen.born else None,
    )


def _notify_of_consent(consent: Consent, teen: Person, by: Person) -> None:
    """Notify the teen and every parent, and the parent who consented, in case someone else used their account."""
    if by == teen:
        text = _(
            "%(who)s agreed to use the tutor. Where they live, they’re old enough to decide for themselves."
        )
        for parent in list_parents(teen):
            send_notice(
                person=parent, text=text % {"who": teen}, action_text=_("There is nothing you need to do.")
            )
        return
    text = _("%(who)s agreed that you may use the tutor.")
    send_notice(person=teen, text=text % {"who": by}, action_text=_("See if it’s open now:"), path="/tutor/")
    text = _("You agreed that %(teen)s may use the tutor.")
    send_notice(
        person=by,
        text=text % {"teen": teen},
        action_text=_(
            "There is nothing you need to do. If it wasn’t you, withdraw the consent on your family page:"
        ),
    )
    for parent in list_parents(teen).exclude(pk=by.pk):
        text = _("%(who)s agreed that %(teen)s may use the tutor.")
        send_notice(
            person=parent,
            text=text % {"who": by, "teen": teen},
            action_text=_("There is nothing you need to do."),
        )


@transaction.atomic
def withdraw_consent(*, teen: Person, by: Person) -> bool:
    """Withdraw all consents of a teen and close the tutor. Return False if there was none.

    When a parent withdraws, the cooling-off period starts. Raises CannotGiveConsent unless `by` is the teen or a linked
    parent.
    """
    teen = Person.objects.select_for_update(no_key=True).get(pk=teen.pk)
    if by != teen and not list_parents(teen).filter(pk=by.pk).exists():
        raise CannotGiveConsent
    if not Consent.objects.filter(teen=teen, withdrawn_at=None).update(withdrawn_at=timezone.now()):
        return False
    if by != teen:
        start_cooling_off(teen=teen, parent=by)
    run_consent_end_handlers(teen=teen)
    family = [teen, *list_parents(teen)]
    for person in family:
        if person != by:
            text = _("%(who)s withdrew consent to the tutor. It stays closed until someone agrees again.")
            send_notice(person=person, text=text % {"who": by})
    return True


def end_own_consent_if_too_young(*, teen: Person) -> None:
    """After a correction, withdraw the teen's own consent if they are too young to give it."""
    own = Consent.objects.filter(teen=teen, given_as="teen", withdrawn_at=None)
    if not can_consent_alone(teen, find_country(teen)) and own.update(withdrawn_at=timezone.now()):
        run_consent_end_handlers(teen=teen)
        text = _("The tutor is closed until a parent agrees. %(teen)s isn’t old enough to agree alone.")
        for person in (teen, *list_parents(teen)):
            send_notice(person=person, text=text % {"teen": teen})
