"""The agreement of a parent and a teen: proposed by one, accepted by the other; and the parent's pause."""

from dataclasses import asdict, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.zones import find_canonical_zone, format_time_in_zone, format_zone_name
from families.errors import NoProposalToAnswer
from families.family_budget import apply_daily_cap
from families.models import Link, Proposal
from families.notices import send_notice
from families.parent_view import get_wider_view_starts
from families.quiet_hours import QuietHours, get_new_zone_start
from families.terms import Terms


def get_other_side(link: Link, person: Person) -> Person:
    return link.teen if person == link.parent else link.parent


@transaction.atomic
def propose_terms(*, link: Link, by: Person, terms: Terms, includes_earlier: bool = False) -> bool:
    """Wish for other terms. Returns whether they hold at once; otherwise they wait for the other side.

    They hold at once where a teen asks for nothing but more privacy, and where they are what the other side has
    proposed. Terms that hold already take a waiting proposal back. Terms that say nothing of the zone keep it.

    A wider view counts from the agreement on. With `includes_earlier` it shows what was asked before as well, if the
    teen says so.
    """
    link = Link.objects.select_for_update().get(pk=link.pk)
    waiting = Proposal.objects.filter(link=link).first()
    terms = replace(terms, time_zone=find_canonical_zone(terms.time_zone) or link.time_zone)
    if terms == link.terms:
        Proposal.objects.filter(link=link).delete()
        return True
    met = waiting is not None and waiting.by_id != by.pk and waiting.terms == terms
    includes_earlier = includes_earlier and by == link.teen
    if met or (by == link.teen and terms.is_only_more_private_than(link.terms)):
        opens = includes_earlier or (waiting is not None and waiting.includes_earlier)
        zone_words = _apply_terms(link, terms, is_by_both=met, includes_earlier=opens)
        words = _("%(who)s changed your agreement; it holds from now on.") % {"who": by}
        send_notice(
            person=get_other_side(link, by),
            text=f"{words} {zone_words}".strip(),
            action_text=_("Read what you agree on now:"),
            path=_agreement_path(link),
        )
        return True
    Proposal.objects.update_or_create(
        link=link,
        defaults={"by": by, "made_at": timezone.now(), "includes_earlier": includes_earlier, **asdict(terms)},
    )
    words = _("%(who)s would like to change your agreement: please answer.") % {"who": by}
    if terms.time_zone != link.time_zone:
        moves = _("It would put your agreement on %(clock)s.")
        words = f"{words} {moves % {'clock': format_zone_name(ZoneInfo(terms.time_zone))}}"
    send_notice(
        person=get_other_side(link, by),
        text=words,
        action_text=_("Nothing changes until you say yes. Read it and say yes or no:"),
        path=_agreement_path(link),
    )
    return False


def _agreement_path(link: Link) -> str:
    return reverse("families:agreement", args=[link.pk])


@transaction.atomic
def answer_proposal(*, link: Link, by: Person, accept: bool, includes_earlier: bool = False) -> None:
    """The other side's yes or no; for `includes_earlier` see terms_propose. Raises NotTheirsToAnswer."""
    link = Link.objects.select_for_update().get(pk=link.pk)
    waiting = Proposal.objects.filter(link=link).exclude(by=by).first()
    if waiting is None:
        raise NoProposalToAnswer
    zone_words = ""
    if accept:
        opens = waiting.includes_earlier or (includes_earlier and by == link.teen)
        zone_words = _apply_terms(link, waiting.terms, is_by_both=True, includes_earlier=opens)
    else:
        waiting.delete()
    words = _("%(who)s said yes to your change.") if accept else _("%(who)s said no to your change.")
    to_do = (
        (
            _("Read what you agree on now:")
            if zone_words
            else _("It holds from now on. Read what you agree on now:")
        )
        if accept
        else _("Everything stays as it was. Talk about it, or ask for something else:")
    )
    send_notice(
        person=get_other_side(link, by),
        text=f"{words % {'who': by}} {zone_words}".strip(),
        action_text=to_do,
        path=_agreement_path(link),
    )


def _apply_terms(link: Link, terms: Terms, *, is_by_both: bool, includes_earlier: bool) -> str:
    """Make terms hold: all at once, but for a new zone, which counts from the next day. Returns words about that."""
    earlier, since = _find_zone_change(link, terms)
    starts = get_wider_view_starts(
        before=link.terms.view, after=terms.view, includes_earlier=includes_earlier
    )
    Link.objects.filter(pk=link.pk).update(
        **asdict(terms),
        **starts,
        earlier_zone=earlier,
        zone_from=since,
        is_zone_confirmed=link.is_zone_confirmed or is_by_both,
    )
    Proposal.objects.filter(link=link).delete()
    apply_daily_cap(teen=link.teen)
    return format_zone_change(terms.time_zone, since, earlier) if since and since != link.zone_from else ""


def _find_zone_change(link: Link, terms: Terms) -> tuple[str, datetime | None]:
    """The zone that holds for today still, and until when; nothing where the zone stays what it is."""
    now = timezone.now()
    zone = link.zone_at(now)
    if terms.time_zone == zone.key:
        return "", None
    quiet = None
    if terms.has_quiet_hours and terms.quiet_from and terms.quiet_to:
        quiet = QuietHours(begins=terms.quiet_from, ends=terms.quiet_to, zone=zone)
    since = get_new_zone_start(day_after=now, zone=zone, quiet=quiet)
    if link.zone_from and link.zone_from > now and link.time_zone == terms.time_zone:
        # It was agreed on before: other terms that change meanwhile do not put it off.
        since = min(since, link.zone_from)
        since = (quiet and quiet.end_at(since)) or since
    return zone.key, since


def format_zone_change(zone: str, since: datetime, earlier: str) -> str:
    """When a new zone counts, on the clock that holds until then."""
    return _("Your agreement is on %(clock)s from %(day)s, %(time)s.") % {
        "day": date_format(since.astimezone(ZoneInfo(earlier)), "DATE_FORMAT"),
        "time": format_time_in_zone(since, ZoneInfo(earlier)),
        "clock": format_zone_name(ZoneInfo(zone)),
    }


@transaction.atomic
def confirm_agreement_zone(*, link: Link) -> None:
    """A parent says that the agreement's zone, which was taken from an account, is right."""
    Link.objects.filter(pk=link.pk).update(is_zone_confirmed=True)


@transaction.atomic
def set_pause(*, link: Link, paused: bool) -> None:
    """A parent closes the tutor for now, or opens it again; no agreement is needed, and the teen is told."""
    now = timezone.now()
    changed = Link.objects.filter(pk=link.pk, ended_at=None, paused_at__isnull=paused).update(
        paused_at=now if paused else None
    )
    if changed:
        words = _("%(who)s has paused the tutor.") if paused else _("%(who)s has opened the tutor again.")
        to_do = _("Help from people is always open. Your family’s page shows what holds now:")
        send_notice(person=link.teen, text=words % {"who": link.parent}, action_text=to_do)
