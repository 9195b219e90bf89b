"""Where a teen lives, as it was told first: the age at which they may consent alone depends on it."""

from django.db import transaction

from accounts.models import Person
from families.countries import list_country_codes
from families.errors import CannotGiveConsent, UnknownCountryCode
from families.models import Residence
from families.selectors import list_parents


def find_country(teen: Person) -> str | None:
    """The country that was told first, or that staff have corrected it to; None while none was told."""
    return Residence.objects.filter(teen=teen).values_list("country", flat=True).first()


@transaction.atomic
def record_country(*, teen: Person, by: Person, country: str) -> str:
    """Keep the country that is told first. Returns the one that stands.

    The teen may tell it, and so may a linked parent; raises NotTheirsToGive for anyone else, NotACountry for a code
    that is not of ISO 3166.
    """
    if country not in list_country_codes():
        raise UnknownCountryCode
    if by != teen and not list_parents(teen).filter(pk=by.pk).exists():
        raise CannotGiveConsent
    return Residence.objects.get_or_create(teen=teen, defaults={"country": country})[0].country
