"""Consent to a teen's use of the tutor: given, withdrawn, asked again when its words change, kept as evidence.

What keeps it from being routed around is decided in ADR 41 and listed in docs/consent.md.
"""

import tomllib
from functools import cache
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.age import calculate_age, is_adult
from accounts.models import Person
from families.consent_end import run_consent_end_handlers
from families.consent_models import Verification
from families.consent_texts import ConsentText, get_current_text
from families.cooling_off import end_cooling_off, find_cooling_off_end, start_cooling_off
from families.errors import CannotGiveConsent, CoolingOffActive, CountryNotSet, ParentNotVerified
from families.models import Consent
from families.notices import send_notice
from families.residence import find_country
from families.selectors import list_active_links, list_parents
from families.verification import find_missing_verification, get_verification_level

AGES = Path(__file__).parent / "data" / "ages.toml"


@cache
def _load_consent_ages() -> dict[str, int]:
    return tomllib.loads(AGES.read_text(encoding="utf-8"))


def get_own_consent_age(country: str) -> int:
    """From which age someone in `country` (ISO 3166) consents by themselves."""
    return _load_consent_ages().get(country, _load_consent_ages()["default"])


def can_consent_alone(teen: Person, country: str | None) -> bool:
    """Whether a teen is old enough in `country`; never while their month of birth or the country is not known."""
    if teen.born is None or country is None:
        return False
    today = timezone.localdate()
    return is_adult(born=teen.born, on=today) or calculate_age(
        born=teen.born, on=today
    ) >= get_own_consent_age(country)


def list_consents_in_force() -> QuerySet[Consent]:
    """Every consent to today's words that was not withdrawn."""
    return Consent.objects.filter(version=get_current_text().version, withdrawn_at=None)


def find_consent(teen: Person) -> Consent | None:
    """The consent that opens the tutor to a teen: to today's words, and not withdrawn."""
    return list_consents_in_force().filter(teen=teen).first()


def list_consents_about(person: Person) -> QuerySet[Consent]:
    """The evidence that someone may have: every consent about them, and every one that they gave."""
    return (Consent.objects.filter(teen=person) | Consent.objects.filter(given_by=person)).distinct()


@transaction.atomic
def give_consent(*, teen: Person, by: Person, text: ConsentText | None = None) -> Consent:
    """Record that `by` agrees to today's words, as they read them (`text`). Giving it twice gives it once.

    Raises NotTheirsToGive unless `by` is a parent who is linked to the teen, or the teen, old enough where they live;
    CountryUnknown before it was told where that is; NotVerified for a parent who lacks what the site asks of parents;
    CoolingOffRuns while the tutor is closed by what another parent did.
    """
    # The teen's row is the lock: of two who give at once, or one who gives while a link ends, one finds the other's.
    teen = Person.objects.select_for_update(no_key=True).get(pk=teen.pk)
    link = None if by == teen else list_active_links().filter(parent=by, teen=teen).first()
    if by != teen and link is None:
        raise CannotGiveConsent
    country = find_country(teen)
    if country is None:
        raise CountryNotSet
    if link is None and not can_consent_alone(teen, country):
        raise CannotGiveConsent
    if standing := find_consent(teen):
        return standing
    if link and (missing := find_missing_verification(link)):
        raise ParentNotVerified(missing.level)
    if until := find_cooling_off_end(teen, but_of=by):
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
        verification=Verification.NONE if is_own else get_verification_level(),
        version=text.version,
        text_hash=text.hash,
        country=country,
        age=calculate_age(born=teen.born, on=timezone.localdate()) if teen.born else None,
    )


def _notify_of_consent(consent: Consent, teen: Person, by: Person) -> None:
    """Everyone who has a say hears of it; a parent who gave it too, in case someone else used their account."""
    if by == teen:
        words = _(
            "%(who)s agreed to use the tutor. They are old enough to agree by themselves where they live."
        )
        for parent in list_parents(teen):
            send_notice(person=parent, text=words % {"who": teen}, action_text=_("You have nothing to do."))
        return
    words = _("%(who)s agreed that you may use the tutor.")
    send_notice(
        person=teen, text=words % {"who": by}, action_text=_("See whether it is open now:"), path="/tutor/"
    )
    words = _("You agreed that %(teen)s may use the tutor.")
    send_notice(
        person=by,
        text=words % {"teen": teen},
        action_text=_(
            "You have nothing to do. If it was not you, withdraw the consent on your family’s page:"
        ),
    )
    for parent in list_parents(teen).exclude(pk=by.pk):
        words = _("%(who)s agreed that %(teen)s may use the tutor.")
        send_notice(
            person=parent, text=words % {"who": by, "teen": teen}, action_text=_("You have nothing to do.")
        )


@transaction.atomic
def withdraw_consent(*, teen: Person, by: Person) -> bool:
    """Close the tutor to a teen by withdrawing every consent that stands. False when none did.

    The teen may, and so may a linked parent, whose no stands for the cooling-off time unless they change their mind.
    Raises NotTheirsToGive for anyone else.
    """
    teen = Person.objects.select_for_update(no_key=True).get(pk=teen.pk)
    if by != teen and not list_parents(teen).filter(pk=by.pk).exists():
        raise CannotGiveConsent
    if not Consent.objects.filter(teen=teen, withdrawn_at=None).update(withdrawn_at=timezone.now()):
        return False
    if by != teen:
        start_cooling_off(teen=teen, parent=by)
    run_consent_end_handlers(teen=teen)
    told = [teen, *list_parents(teen)]
    for person in told:
        if person != by:
            words = _("%(who)s withdrew the consent to the tutor. It is closed until somebody agrees again.")
            send_notice(person=person, text=words % {"who": by})
    return True


def end_own_consent_if_too_young(*, teen: Person) -> None:
    """After a correction: a consent that the teen gave, and may not give by what is known now, ends."""
    own = Consent.objects.filter(teen=teen, given_as="teen", withdrawn_at=None)
    if not can_consent_alone(teen, find_country(teen)) and own.update(withdrawn_at=timezone.now()):
        run_consent_end_handlers(teen=teen)
        words = _("The tutor is closed until a parent agrees: %(teen)s is not old enough to agree alone.")
        for person in (teen, *list_parents(teen)):
            send_notice(person=person, text=words % {"teen": teen})
