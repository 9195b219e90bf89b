"""Staff correct a teen's country or birth month, with a reason. Corrections are kept as history."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts.age import TooYoung, is_too_young
from accounts.models import Person
from families.consents import end_own_consent_if_too_young
from families.countries import get_country_name, list_country_codes
from families.errors import NothingToCorrect, UnknownCountryCode
from families.models import Correction, Residence
from families.notices import NoticeText as _
from families.notices import send_notice
from families.residence import find_country
from families.selectors import list_parents


@transaction.atomic
def correct_country(*, teen: Person, country: str, reason: str, by: Person) -> Correction:
    """Set another country, notify the family, and end a consent that the teen may not give there.

    Raises UnknownCountryCode, or NothingToCorrect if the country is the same.
    """
    if country not in list_country_codes():
        raise UnknownCountryCode
    require_other_country(teen, country)
    before = find_country(teen) or ""
    Residence.objects.update_or_create(teen=teen, defaults={"country": country})
    text = _("We corrected the country where %(teen)s lives to %(country)s. Reason: %(reason)s")
    _tell_family(teen, text % {"teen": teen, "country": get_country_name(country), "reason": reason})
    end_own_consent_if_too_young(teen=teen)
    return Correction.objects.create(
        teen=teen, fact=Correction.Fact.COUNTRY, before=before, after=country, reason=reason, by=by
    )


@transaction.atomic
def correct_birth_month(*, teen: Person, born: date, reason: str, by: Person) -> Correction:
    """Set another birth month, notify the family, and end a consent that the teen is too young to give.

    Raises TooYoung if they would be under 13 (delete the account instead), or NothingToCorrect if the month is the
    same.
    """
    require_old_enough(born)
    require_other_month(teen, born)
    before = f"{teen.born:%Y-%m}" if teen.born else ""
    teen.born = born.replace(day=1)
    teen.save(update_fields=["born"])
    text = _("We corrected %(teen)s’s birth month. Reason: %(reason)s")
    _tell_family(teen, text % {"teen": teen, "reason": reason})
    end_own_consent_if_too_young(teen=teen)
    return Correction.objects.create(
        teen=teen, fact=Correction.Fact.BORN, before=before, after=f"{born:%Y-%m}", reason=reason, by=by
    )


def require_old_enough(born: date) -> None:
    """Raise TooYoung if the birth month makes a person younger than 13."""
    if is_too_young(born=born, on=timezone.localdate()):
        raise TooYoung


def require_other_country(teen: Person, country: str) -> None:
    """Raise NothingToCorrect if this is already the teen's country."""
    if find_country(teen) == country:
        raise NothingToCorrect


def require_other_month(teen: Person, born: date) -> None:
    """Raise NothingToCorrect if this is already the teen's birth month."""
    if teen.born and (teen.born.year, teen.born.month) == (born.year, born.month):
        raise NothingToCorrect


def _tell_family(teen: Person, text: str) -> None:
    for person in (teen, *list_parents(teen)):
        send_notice(person=person, text=text)
