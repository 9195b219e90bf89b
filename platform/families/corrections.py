"""Staff correct a teen's country or month of birth, with a reason. Every correction stays as history."""

from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.age import TooYoung, is_too_young
from accounts.models import Person
from families.consents import end_own_consent_if_too_young
from families.countries import get_country_name, list_country_codes
from families.errors import NothingToCorrect, UnknownCountryCode
from families.models import Correction, Residence
from families.notices import send_notice
from families.residence import find_country
from families.selectors import list_parents


@transaction.atomic
def correct_country(*, teen: Person, country: str, reason: str, by: Person) -> Correction:
    """Staff set another country. A consent that the teen gave, and may not give there, ends.

    Raises NotACountry, and NothingToCorrect for the country that is known already.
    """
    if country not in list_country_codes():
        raise UnknownCountryCode
    require_other_country(teen, country)
    before = find_country(teen) or ""
    Residence.objects.update_or_create(teen=teen, defaults={"country": country})
    words = _("We corrected the country that %(teen)s lives in: %(country)s. The reason: %(reason)s")
    _tell_family(teen, words % {"teen": teen, "country": get_country_name(country), "reason": reason})
    end_own_consent_if_too_young(teen=teen)
    return Correction.objects.create(
        teen=teen, fact=Correction.Fact.COUNTRY, before=before, after=country, reason=reason, by=by
    )


@transaction.atomic
def correct_birth_month(*, teen: Person, born: date, reason: str, by: Person) -> Correction:
    """Staff set another month of birth. A consent that the teen gave, and may not give yet, ends.

    Raises TooYoung for a month that makes them younger than thirteen: that account is to be deleted instead. Raises
    NothingToCorrect for the month that is known already.
    """
    require_old_enough(born)
    require_other_month(teen, born)
    before = f"{teen.born:%Y-%m}" if teen.born else ""
    teen.born = born.replace(day=1)
    teen.save(update_fields=["born"])
    words = _("We corrected the month that %(teen)s was born in. The reason: %(reason)s")
    _tell_family(teen, words % {"teen": teen, "reason": reason})
    end_own_consent_if_too_young(teen=teen)
    return Correction.objects.create(
        teen=teen, fact=Correction.Fact.BORN, before=before, after=f"{born:%Y-%m}", reason=reason, by=by
    )


def require_old_enough(born: date) -> None:
    """Raises TooYoung for a month of birth that makes someone younger than thirteen."""
    if is_too_young(born=born, on=timezone.localdate()):
        raise TooYoung


def require_other_country(teen: Person, country: str) -> None:
    """Raises NothingToCorrect for the country that is known already: nobody is told of a change that is none."""
    if find_country(teen) == country:
        raise NothingToCorrect


def require_other_month(teen: Person, born: date) -> None:
    """Raises NothingToCorrect for the month of birth that is known already."""
    if teen.born and (teen.born.year, teen.born.month) == (born.year, born.month):
        raise NothingToCorrect


def _tell_family(teen: Person, words: str) -> None:
    for person in (teen, *list_parents(teen)):
        send_notice(person=person, text=words)
