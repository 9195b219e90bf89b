"""Why a question was refused or its answer made shorter by a budget, in words: whose it is, and when it refills."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Person
from accounts.zones import time_in
from budgets.errors import BudgetShort, SiteStopped
from budgets.models import Floor
from budgets.selectors import Meter
from chat.errors import TooLongForBudget


def refusal_said(refusal: BudgetShort | SiteStopped, person: Person) -> str:
    if isinstance(refusal, SiteStopped):
        return _(
            "The tutor is taking a break on the whole site. What you wrote is still here, and nothing was charged. "
            "Help is always open."
        )
    if isinstance(refusal, TooLongForBudget):
        words = {
            Floor.PERSON: _("Too little is left of what you can use for a question this long."),
            Floor.FAMILY: _("Too little is left of what your family shares for a question this long."),
            Floor.SITE: _("Too little is left of what the whole site can use for a question this long."),
        }[refusal.floor]
        way = _(
            "What you wrote is still here, and nothing was charged. Shorten it, or wait: it refills %(when)s."
        )
        return f"{words} {way % {'when': _in_a_sentence(refusal.refills_at, person)}}"
    words = {
        Floor.PERSON: _("What you can use for now is used up. It refills %(when)s."),
        Floor.FAMILY: _("What your family shares is used up for now. It refills %(when)s."),
        Floor.SITE: _("What the whole site can use is used up for now. It refills %(when)s."),
    }[refusal.floor]
    kept = _("What you wrote is still here, and nothing was charged.")
    return f"{words % {'when': _in_a_sentence(refusal.refills_at, person)}} {kept}"


def brief_said(floor: str, refills_at: datetime, person: Person) -> str:
    """Why an answer is shorter than usual."""
    words = {
        Floor.PERSON: _(
            "A shorter answer than usual, as little is left of what you can use. It refills %(when)s."
        ),
        Floor.FAMILY: _(
            "A shorter answer than usual, as little is left of what your family shares. It refills %(when)s."
        ),
        Floor.SITE: _(
            "A shorter answer than usual, as little is left for the whole site. It refills %(when)s."
        ),
    }[Floor(floor)]
    return words % {"when": _in_a_sentence(refills_at, person)}


def meter_said(meter: Meter, person: Person) -> str:
    """How much may still be used, in short answers, and when there is more."""
    if meter.short_answers is None:
        return _("No limit on what may be used")
    when = when_said(meter.refills_at, person)
    if not meter.short_answers:
        return _("Nearly used up; refills %(when)s") % {"when": when}
    words = {
        Floor.PERSON: ngettext(
            "About %(n)s short answer left; refills %(when)s",
            "About %(n)s short answers left; refills %(when)s",
            meter.short_answers,
        ),
        Floor.FAMILY: ngettext(
            "About %(n)s short answer left for the family; refills %(when)s",
            "About %(n)s short answers left for the family; refills %(when)s",
            meter.short_answers,
        ),
        Floor.SITE: ngettext(
            "About %(n)s short answer left on the whole site; refills %(when)s",
            "About %(n)s short answers left on the whole site; refills %(when)s",
            meter.short_answers,
        ),
    }[meter.floor]
    return words % {"n": meter.short_answers, "when": when}


def _in_a_sentence(moment: datetime, person: Person) -> str:
    """As when_said, at the end of a sentence, which brings a full stop of its own: “at 7 a.m.”."""
    return when_said(moment, person).removesuffix(".")


def when_said(moment: datetime, person: Person) -> str:
    """A moment on the person's clock: its time, and its day where that is more than a day away.

    The clock is named while the person has not said that it is theirs.
    """
    there = localtime(moment, person.zone)
    clock = date_format(there, "TIME_FORMAT") if person.is_zone_confirmed else time_in(moment, person.zone)
    if moment - timezone.now() <= timedelta(days=1):
        return _("at %(time)s") % {"time": clock}
    return _("on %(date)s at %(time)s") % {"date": date_format(there, "MONTH_DAY_FORMAT"), "time": clock}
