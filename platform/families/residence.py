"""Where a teen lives, which decides from what age they can consent alone."""

from django.db import transaction

from accounts.models import Person
from families.countries import list_country_codes
from families.errors import CannotGiveConsent, UnknownCountryCode
from families.models import Residence
from families.selectors import list_parents


def find_country(teen: Person) -> str | None:
    """Return the recorded or corrected country code, or None."""
    return Residence.objects.filter(teen=teen).values_list("country", flat=True).first()


@transaction.atomic
def record_country(*, teen: Person, by: Person, country: str) -> str:
    """Record the country unless one is recorded. Return the one that is kept.

    Raises UnknownCountryCode, or CannotGiveConsent unless `by` is the teen or a linked parent.
    """
    if country not in list_country_codes():
        raise UnknownCountryCode
    if by != teen and not list_parents(teen).filter(pk=by.pk).exists():
        raise CannotGiveConsent
    return Residence.objects.get_or_create(teen=teen, defaults={"country": country})[0].country
