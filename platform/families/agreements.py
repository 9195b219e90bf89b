"""The agreement of a parent and a teen: proposals, answers, and the parent's pause."""

from dataclasses import asdict, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import Person
from accounts.zones import find_canonical_zone, format_time_in_zone, format_zone_name
from families.errors import NoProposalToAnswer
from families.family_budget import apply_daily_cap
from families.models import Link, Proposal
from families.notices import NoticeText as _
from families.notices import send_notice
from families.parent_view import get_wider_view_starts
from families.quiet_hours import QuietHours, get_new_zone_start
from families.terms import Terms


def get_other_side(link: Link, person: Person) -> Person:
    return link.teen if person == link.parent else link.parent


@transaction.atomic
def propose_terms(*, link: Link, by: Person, terms: Terms, includes_earlier: bool = False) -> bool:
    """Propose other terms. Return True if they apply immediately, False if they wait for the other side's answer.

    They apply immediately if a teen only asks for more privacy, or if the other side has proposed the same terms.
    Proposing the current terms withdraws a waiting proposal. Without a time zone, the terms keep the link's zone.

    A wider parent view shows only questions asked after the agreement. If the teen sets `includes_earlier`, it also
    shows earlier ones; for a parent, `includes_earlier` is ignored.
    """
    link = Link.objects.select_for_update().get(pk=link.pk)
    waiting = Proposal.objects.filter(link=link).first()
    terms = replace(terms, time_zone=find_canonical_zone(terms.time_zone) or link.time_zone)
    if terms == link.terms:
        Proposal.objects.filter(link=link).delete()
        return True
    is_accepted = waiting is not None and waiting.by_id != by.pk and waiting.terms == terms
    includes_earlier = includes_earlier and by == link.teen
    if is_accepted or (by == link.teen and terms.is_only_more_private_than(link.terms)):
        opens = includes_earlier or (waiting is not None and waiting.includes_earlier)
        zone_text = _apply_terms(link, terms, is_by_both=is_accepted, includes_earlier=opens)
        text: str = _("%(who)s changed your agreement. The change applies now.") % {"who": by}
        send_notice(
            person=get_other_side(link, by),
            text=f"{text} {zone_text}" if zone_text else text,
            action_text=_("Read your agreement:"),
            path=_get_agreement_path(link),
        )
        return True
    Proposal.objects.update_or_create(
        link=link,
        defaults={
            "by": by,
            "created_at": timezone.now(),
            "includes_earlier": includes_earlier,
            **asdict(terms),
        },
    )
    text = _("%(who)s would like to change your agreement. Please answer.") % {"who": by}
    if terms.time_zone != link.time_zone:
        with translation.override(get_other_side(link, by).language):
            moves = _("Your agreement would use %(clock)s.")
            asks = _("%(who)s would like to change your agreement. Please answer.") % {"who": by}
            text = f"{asks} {moves % {'clock': format_zone_name(ZoneInfo(terms.time_zone))}}"
    send_notice(
        person=get_other_side(link, by),
        text=text,
        action_text=_("Nothing changes until you say yes. Read it and say yes or no:"),
        path=_get_agreement_path(link),
    )
    return False


def _get_agreement_path(link: Link) -> str:
    return reverse("families:agreement", args=[link.pk])


@transaction.atomic
def answer_proposal(*, link: Link, by: Person, accept: bool, includes_earlier: bool = False) -> None:
    """Accept or decline the other side's proposal, and notify them. For `includes_earlier`, see `propose_terms`.

    Raises NoProposalToAnswer if no proposal of the other side is waiting.
    """
    link = Link.objects.select_for_update().get(pk=link.pk)
    waiting = Proposal.objects.filter(link=link).exclude(by=by).first()
    if waiting is None:
        raise NoProposalToAnswer
    zone_text = ""
    if accept:
        opens = waiting.includes_earlier or (includes_earlier and by == link.teen)
        zone_text = _apply_terms(link, waiting.terms, is_by_both=True, includes_earlier=opens)
    else:
        waiting.delete()
    text = _("%(who)s said yes to your change.") if accept else _("%(who)s said no to your change.")
    action_text = (
        (_("Read your agreement:") if zone_text else _("It applies now. Read your agreement:"))
        if accept
        else _("Nothing has changed. Talk about it, or ask for something else:")
    )
    send_notice(
        person=get_other_side(link, by),
        text=f"{text % {'who': by}} {zone_text}" if zone_text else text % {"who": by},
        action_text=action_text,
        path=_get_agreement_path(link),
    )


def _apply_terms(link: Link, terms: Terms, *, is_by_both: bool, includes_earlier: bool) -> str:
    """Save the terms and delete the proposal. A new time zone starts the next day; all else applies immediately.

    Return a sentence about the zone change, or "".
    """
    earlier, since = _find_zone_change(link, terms)
    starts = get_wider_view_starts(
        before=link.terms.parent_view, after=terms.parent_view, includes_earlier=includes_earlier
    )
    Link.objects.filter(pk=link.pk).update(
        **asdict(terms),
        **starts,
        earlier_zone=earlier,
        zone_applies_from=since,
        is_zone_confirmed=link.is_zone_confirmed or is_by_both,
    )
    Proposal.objects.filter(link=link).delete()
    apply_daily_cap(teen=link.teen)
    return (
        format_zone_change(terms.time_zone, since, earlier)
        if since and since != link.zone_applies_from
        else ""
    )


def _find_zone_change(link: Link, terms: Terms) -> tuple[str, datetime | None]:
    """Return the zone that applies until the change and the time of the change, or ("", None) without a change."""
    now = timezone.now()
    zone = link.zone_at(now)
    if terms.time_zone == zone.key:
        return "", None
    quiet = None
    if terms.has_quiet_hours and terms.quiet_from and terms.quiet_to:
        quiet = QuietHours(begins=terms.quiet_from, ends=terms.quiet_to, zone=zone)
    since = get_new_zone_start(day_after=now, zone=zone, quiet=quiet)
    if link.zone_applies_from and link.zone_applies_from > now and link.time_zone == terms.time_zone:
        # The zone change was agreed on before: other changes must not delay it.
        since = min(since, link.zone_applies_from)
        since = (quiet and quiet.find_end(since)) or since
    return zone.key, since


def format_zone_change(zone: str, since: datetime, earlier: str) -> str:
    """Say when a new zone starts, on the clock of the earlier zone."""
    return _("Your agreement uses %(clock)s from %(day)s, %(time)s.") % {
        "day": date_format(since.astimezone(ZoneInfo(earlier)), "DATE_FORMAT"),
        "time": format_time_in_zone(since, ZoneInfo(earlier)),
        "clock": format_zone_name(ZoneInfo(zone)),
    }


@transaction.atomic
def confirm_agreement_zone(*, link: Link) -> None:
    """Mark the agreement's time zone, which was taken from an account, as confirmed by the parent."""
    Link.objects.filter(pk=link.pk).update(is_zone_confirmed=True)


@transaction.atomic
def set_parent_pause(*, link: Link, paused: bool) -> None:
    """Close the tutor to the teen, or open it again, and notify the teen. Does nothing if it already is."""
    now = timezone.now()
    changed = Link.objects.filter(pk=link.pk, ended_at=None, paused_at__isnull=paused).update(
        paused_at=now if paused else None
    )
    if changed:
        text = _("%(who)s paused the tutor.") if paused else _("%(who)s opened the tutor again.")
        action_text = _("Help from people is always open. See your family page:")
        send_notice(person=link.teen, text=text % {"who": link.parent}, action_text=action_text)
