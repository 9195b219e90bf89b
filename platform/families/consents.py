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

from accounts.age import age_at, is_grown_up
from accounts.models import Person
from families.closing import end_answers
from families.consent_models import Verification
from families.consent_texts import ConsentText, text_now
from families.cooling_off import cooling_off_until, end_cooling_off, start_cooling_off
from families.errors import CoolingOffRuns, CountryUnknown, NotTheirsToGive, NotVerified
from families.models import Consent
from families.notices import notice_send
from families.residence import country_of
from families.selectors import parents_of, standing_links
from families.verification import missing_verification, verification_level

AGES = Path(__file__).parent / "data" / "ages.toml"


@cache
def _ages() -> dict[str, int]:
    return tomllib.loads(AGES.read_text(encoding="utf-8"))


def own_age(country: str) -> int:
    """From which age someone in `country` (ISO 3166) consents by themselves."""
    return _ages().get(country, _ages()["default"])


def may_consent_alone(teen: Person, country: str | None) -> bool:
    """Whether a teen is old enough in `country`; never while their month of birth or the country is not known."""
    if teen.born is None or country is None:
        return False
    today = timezone.localdate()
    return is_grown_up(born=teen.born, on=today) or age_at(born=teen.born, on=today) >= own_age(country)


def consents_in_force() -> QuerySet[Consent]:
    """Every consent to today's words that was not withdrawn."""
    return Consent.objects.filter(version=text_now().version, withdrawn_at=None)


def consent_of(teen: Person) -> Consent | None:
    """The consent that opens the tutor to a teen: to today's words, and not withdrawn."""
    return consents_in_force().filter(teen=teen).first()


def consents_about(person: Person) -> QuerySet[Consent]:
    """The evidence that someone may have: every consent about them, and every one that they gave."""
    return (Consent.objects.filter(teen=person) | Consent.objects.filter(given_by=person)).distinct()


@transaction.atomic
def consent_give(*, teen: Person, by: Person, text: ConsentText | None = None) -> Consent:
    """Record that `by` agrees to today's words, as they read them (`text`). Giving it twice gives it once.

    Raises NotTheirsToGive unless `by` is a parent who is linked to the teen, or the teen, old enough where they live;
    CountryUnknown before it was told where that is; NotVerified for a parent who lacks what the site asks of parents;
    CoolingOffRuns while the tutor is closed by what another parent did.
    """
    # The teen's row is the lock: of two who give at once, or one who gives while a link ends, one finds the other's.
    teen = Person.objects.select_for_update(no_key=True).get(pk=teen.pk)
    link = None if by == teen else standing_links().filter(parent=by, teen=teen).first()
    if by != teen and link is None:
        raise NotTheirsToGive
    country = country_of(teen)
    if country is None:
        raise CountryUnknown
    if link is None and not may_consent_alone(teen, country):
        raise NotTheirsToGive
    if standing := consent_of(teen):
        return standing
    if link and (missing := missing_verification(link)):
        raise NotVerified(missing.level)
    if until := cooling_off_until(teen, but_of=by):
        raise CoolingOffRuns(until)
    consent = _record_consent(teen, by, country, text or text_now())
    if link:
        end_cooling_off(teen=teen, parent=by)
    _tell_of_consent(consent, teen, by)
    return consent


def _record_consent(teen: Person, by: Person, country: str, text: ConsentText) -> Consent:
    is_own = by == teen
    return Consent.objects.create(
        teen=teen,
        given_by=by,
        given_by_name=str(by),
        given_as="teen" if is_own else "parent",
        verification=Verification.NONE if is_own else verification_level(),
        version=text.version,
        text_hash=text.hash,
        country=country,
        age=age_at(born=teen.born, on=timezone.localdate()) if teen.born else None,
    )


def _tell_of_consent(consent: Consent, teen: Person, by: Person) -> None:
    """Everyone who has a say hears of it; a parent who gave it too, in case someone else used their account."""
    if by == teen:
        words = _(
            "%(who)s agreed to use the tutor. They are old enough to agree by themselves where they live."
        )
        for parent in parents_of(teen):
            notice_send(person=parent, words=words % {"who": teen}, to_do=_("You have nothing to do."))
        return
    words = _("%(who)s agreed that you may use the tutor.")
    notice_send(
        person=teen, words=words % {"who": by}, to_do=_("See whether it is open now:"), path="/tutor/"
    )
    words = _("You agreed that %(teen)s may use the tutor.")
    notice_send(
        person=by,
        words=words % {"teen": teen},
        to_do=_("You have nothing to do. If it was not you, withdraw the consent on your family’s page:"),
    )
    for parent in parents_of(teen).exclude(pk=by.pk):
        words = _("%(who)s agreed that %(teen)s may use the tutor.")
        notice_send(
            person=parent, words=words % {"who": by, "teen": teen}, to_do=_("You have nothing to do.")
        )


@transaction.atomic
def consent_withdraw(*, teen: Person, by: Person) -> bool:
    """Close the tutor to a teen by withdrawing every consent that stands. False when none did.

    The teen may, and so may a linked parent, whose no stands for the cooling-off time unless they change their mind.
    Raises NotTheirsToGive for anyone else.
    """
    teen = Person.objects.select_for_update(no_key=True).get(pk=teen.pk)
    if by != teen and not parents_of(teen).filter(pk=by.pk).exists():
        raise NotTheirsToGive
    if not Consent.objects.filter(teen=teen, withdrawn_at=None).update(withdrawn_at=timezone.now()):
        return False
    if by != teen:
        start_cooling_off(teen=teen, parent=by)
    end_answers(teen=teen)
    told = [teen, *parents_of(teen)]
    for person in told:
        if person != by:
            words = _("%(who)s withdrew the consent to the tutor. It is closed until somebody agrees again.")
            notice_send(person=person, words=words % {"who": by})
    return True


def end_own_consent_if_too_young(*, teen: Person) -> None:
    """After a correction: a consent that the teen gave, and may not give by what is known now, ends."""
    own = Consent.objects.filter(teen=teen, given_as="teen", withdrawn_at=None)
    if not may_consent_alone(teen, country_of(teen)) and own.update(withdrawn_at=timezone.now()):
        end_answers(teen=teen)
        words = _("The tutor is closed until a parent agrees: %(teen)s is not old enough to agree alone.")
        for person in (teen, *parents_of(teen)):
            notice_send(person=person, words=words % {"teen": teen})
