"""Numbers as the labs show them, rounded: Django's `number_format` cuts off what does not fit."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

TENTH = 0.1
WHOLE_FROM = 10


def format_rounded(number: float | Decimal, *, places: int = 0) -> str:
    """Return a number rounded to some decimals."""
    return str(number_format(f"{number:.{places}f}", decimal_pos=places, use_l10n=True))


def format_percent(share: float) -> str:
    """Return a share between 0 and 1 in whole percent."""
    return _("%(number)s%%") % {"number": format_rounded(share * 100)}


def format_chance(chance: float) -> str:
    """Return a chance in percent, with a decimal where it is small: 61%, 3.2%, <0.1%."""
    percent = chance * 100
    if 0 < percent < TENTH:
        return _("<%(number)s%%") % {"number": format_rounded(TENTH, places=1)}
    return _("%(number)s%%") % {"number": format_rounded(percent, places=0 if percent >= WHOLE_FROM else 1)}
