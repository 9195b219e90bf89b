"""A family in the ledger: a teen's agreed daily cap, and one budget shared by linked people."""

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.allowances import create_family_budget, get_budget, get_site_budget, set_cap, set_parent_budget
from budgets.models import Budget, BudgetScope
from budgets.selectors import SHORT_ANSWER_TOKENS
from families.models import Link
from families.quiet_hours import get_first_instant
from families.selectors import list_active_links, list_links
from families.terms import combine_terms


def apply_daily_cap(*, teen: Person, now: datetime | None = None) -> None:
    """Cap the teen's budget at the smallest daily limit in their agreements, or remove the cap.

    The cap's day uses the time zone of the oldest agreement. `apply_new_zones` applies the cap again when a new zone
    starts.
    """
    links = list(list_active_links().filter(teen=teen).order_by("created_at"))
    answers = combine_terms([link.terms for link in links]).answers_per_day
    set_cap(
        owner=teen,
        daily_tokens=None if answers is None else answers * SHORT_ANSWER_TOKENS,
        time_zone=_get_cap_zone(links[0], now or timezone.now()) if links else "",
        now=now,
    )


def _get_cap_zone(link: Link, now: datetime) -> str:
    """Return the zone of the cap's day: a new zone counts from its first midnight on the earlier clock.

    Quiet hours of that night stay on the earlier clock until they end (families.quiet_hours.get_new_zone_start). The
    cap switches before that; otherwise a day that starts in between would still be a day of the earlier zone.
    """
    if link.zone_applies_from is None:
        return link.time_zone
    earlier = ZoneInfo(link.earlier_zone)
    midnight = datetime.combine(link.zone_applies_from.astimezone(earlier).date(), time())
    return link.time_zone if now >= get_first_instant(midnight, earlier) else link.earlier_zone


def apply_new_zones(*, now: datetime | None = None) -> int:
    """Apply the caps of agreements whose new zone has started. Return how many agreements were updated."""
    now = now or timezone.now()
    changing = list_active_links().filter(zone_applies_from__lte=now + timedelta(days=1)).order_by("pk")
    return sum(_apply_new_zone(link_id, now) for link_id in list(changing.values_list("pk", flat=True)))


@transaction.atomic
def _apply_new_zone(link_id: UUID, now: datetime) -> bool:
    links = Link.objects.select_for_update(of=("self",)).select_related("teen")
    link = links.filter(pk=link_id, zone_applies_from__isnull=False).first()
    if link is None or link.zone_applies_from is None:
        return False
    apply_daily_cap(teen=link.teen, now=now)
    if now < link.zone_applies_from:
        return False
    Link.objects.filter(pk=link.pk).update(earlier_zone="", zone_applies_from=None)
    return True


def apply_family_budget(*, person: Person) -> None:
    """Move a person's budget into the family budget of a linked person, or out of it if no one is linked.

    A person stays in a family's budget while they are linked to someone in it: if a second parent links two families,
    each keeps its own budget.
    """
    linked = [link.parent if person == link.teen else link.teen for link in list_links(person)]
    current = get_budget(owner=person).parent
    families = [family for other in linked if (family := _find_family_budget(other))]
    if current in families:
        return
    if families:
        set_parent_budget(owner=person, parent=families[0])
    elif linked:
        family = create_family_budget(time_zone=str(linked[0].zone))
        for member in (person, linked[0]):
            set_parent_budget(owner=member, parent=family)
    else:
        set_parent_budget(owner=person, parent=get_site_budget())


def _find_family_budget(person: Person) -> Budget | None:
    parent = get_budget(owner=person).parent
    return parent if parent and parent.scope == BudgetScope.FAMILY else None
