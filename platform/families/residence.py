"""Where a teen lives, as it was told first: the age at which they may consent alone depends on it."""

from django.db import transaction

from accounts.models import Person
from families.countries import country_codes
from families.errors import NotACountry, NotTheirsToGive
from families.models import Residence
from families.selectors import parents_of


def country_of(teen: Person) -> str | None:
    """The country that was told first, or that staff have corrected it to; None while none was told."""
    return Residence.objects.filter(teen=teen).values_list("country", flat=True).first()


@transaction.atomic
def tell_country(*, teen: Person, by: Person, country: str) -> str:
    """Keep the country that is told first. Returns the one that stands.

    The teen may tell it, and so may a linked parent; raises NotTheirsToGive for anyone else, NotACountry for a code
    that is not of ISO 3166.
    """
    if country not in country_codes():
        raise NotACountry
    if by != teen and not parents_of(teen).filter(pk=by.pk).exists():
        raise NotTheirsToGive
    return Residence.objects.get_or_create(teen=teen, defaults={"country": country})[0].country
