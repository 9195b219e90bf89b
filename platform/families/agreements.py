"""The agreement of a parent and a teen: proposed by one, accepted by the other; and the parent's pause."""

from dataclasses import asdict

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from families.errors import NotTheirsToAnswer
from families.limits import limit_apply
from families.models import Link, Proposal
from families.notices import notice_send
from families.terms import Terms


def other_side(link: Link, person: Person) -> Person:
    return link.teen if person == link.parent else link.parent


@transaction.atomic
def terms_propose(*, link: Link, by: Person, terms: Terms) -> bool:
    """Wish for other terms. Returns whether they hold at once; otherwise they wait for the other side.

    They hold at once where a teen asks for nothing but more privacy, and where they are what the other side has
    proposed. Terms that hold already take a waiting proposal back.
    """
    link = Link.objects.select_for_update().get(pk=link.pk)
    waiting = Proposal.objects.filter(link=link).first()
    if terms == link.terms:
        Proposal.objects.filter(link=link).delete()
        return True
    met = waiting is not None and waiting.by_id != by.pk and waiting.terms == terms
    if met or (by == link.teen and terms.only_more_private_than(link.terms)):
        _apply(link, terms)
        words = _("%(who)s changed your agreement; it holds from now on.")
        notice_send(person=other_side(link, by), words=words % {"who": by})
        return True
    Proposal.objects.update_or_create(
        link=link, defaults={"by": by, "made_at": timezone.now(), **asdict(terms)}
    )
    words = _("%(who)s would like to change your agreement. Your answer is awaited.")
    notice_send(person=other_side(link, by), words=words % {"who": by})
    return False


@transaction.atomic
def proposal_answer(*, link: Link, by: Person, accept: bool) -> None:
    """The other side's yes or no. Raises NotTheirsToAnswer."""
    link = Link.objects.select_for_update().get(pk=link.pk)
    waiting = Proposal.objects.filter(link=link).exclude(by=by).first()
    if waiting is None:
        raise NotTheirsToAnswer
    if accept:
        _apply(link, waiting.terms)
    else:
        waiting.delete()
    words = _("%(who)s said yes to your change.") if accept else _("%(who)s said no to your change.")
    notice_send(person=other_side(link, by), words=words % {"who": by})


def _apply(link: Link, terms: Terms) -> None:
    Link.objects.filter(pk=link.pk).update(**asdict(terms))
    Proposal.objects.filter(link=link).delete()
    limit_apply(teen=link.teen)


@transaction.atomic
def pause_set(*, link: Link, paused: bool) -> None:
    """A parent closes the tutor for now, or opens it again; no agreement is needed, and the teen is told."""
    now = timezone.now()
    changed = Link.objects.filter(pk=link.pk, ended_at=None, paused_at__isnull=paused).update(
        paused_at=now if paused else None
    )
    if changed:
        words = _("%(who)s has paused the tutor.") if paused else _("%(who)s has opened the tutor again.")
        notice_send(person=link.teen, words=words % {"who": link.parent})
