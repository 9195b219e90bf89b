"""What this room keeps about a person: whom they are linked to, who consented, who looked, and what they were told."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.agreements import get_other_side
from families.consent_end import run_consent_end_handlers
from families.cooling_off import start_cooling_off
from families.family_budget import apply_daily_cap, apply_family_budget
from families.family_deletion import DELETION_DELAY, carry_out_family_deletions
from families.models import (
    Consent,
    FamilyDeletion,
    Invitation,
    Link,
    Notice,
    PasswordHelp,
    Proposal,
    TrustedAdult,
)
from families.notices import send_notice
from families.parent_view import restart_wider_view
from families.parent_view_log import PARENT_VIEWS
from families.password_help import PASSWORD_HELP_RETENTION, delete_expired_password_helps
from families.personal_consent import CONSENT_KINDS
from families.retention import (
    INVITATION_RETENTION,
    NOTICE_RETENTION,
    delete_expired_invitations,
    delete_expired_notices,
)
from families.terms import ParentView
from families.trusted_adults import find_trusted_adult
from privacy.registry import DataKind, Retention, Row, erased_by_cascade


def export_links(person: Person) -> Iterator[Row]:
    links = Link.objects.filter(Q(parent=person) | Q(teen=person)).select_related("parent", "teen")
    for link in links.order_by("made_at").iterator():
        terms = link.terms
        yield {
            "parent": str(link.parent),
            "teen": str(link.teen),
            "made_at": link.made_at,
            "ended_at": link.ended_at,
            "view": str(terms.view.label),
            "memory": terms.memory,
            "quiet_from": str(terms.quiet_from or ""),
            "quiet_to": str(terms.quiet_to or ""),
            "answers_a_day": terms.answers_a_day,
            "time_zone": terms.time_zone,
            "flagged_since": link.flagged_since if link.shows_text else None,
            "full_since": link.full_since if link.view == ParentView.FULL else None,
        }


def erase_links(person: Person) -> None:
    """End the links, and tell the other side without a name. What they were told of the person by name goes too."""
    links = Link.objects.filter(Q(parent=person) | Q(teen=person))
    others = {one for pair in links.values_list("parent", "teen") for one in pair} - {person.pk}
    Notice.objects.filter(person__in=others, text__contains=str(person)).delete()
    for link in links.filter(ended_at=None).select_related("parent", "teen"):
        words = _("An account that you were linked to was deleted, and the link with it.")
        to_do = _("You have nothing to do. Your family’s page:")
        send_notice(person=get_other_side(link, person), text=str(words), action_text=str(to_do))
    _withdraw_as_parent(person, links)
    teens = list(Person.objects.filter(links_to_parents__in=links.filter(parent=person)).distinct())
    ended = list(links.filter(parent=person, ended_at=None))
    links.delete()
    for link in ended:
        restart_wider_view(ended=link)
    for teen in teens:
        apply_daily_cap(teen=teen)
    for other in Person.objects.filter(pk__in=others):
        apply_family_budget(person=other)


def _withdraw_as_parent(parent: Person, links: QuerySet[Link]) -> None:
    """A parent who goes answers for nobody any more. Where they had a say, a cooling-off time begins."""
    given = Consent.objects.filter(given_by=parent, given_as="parent", withdrawn_at=None)
    standing = links.filter(parent=parent, ended_at=None)
    had_say = Q(links_to_parents__in=standing.filter(paused_at__isnull=False)) | Q(consents__in=given)
    for teen in Person.objects.filter(had_say).distinct():
        start_cooling_off(teen=teen, parent=None)
    closed_to = list(Person.objects.filter(consents__in=given).distinct())
    given.update(withdrawn_at=timezone.now())
    for teen in closed_to:
        run_consent_end_handlers(teen=teen)


def export_trusted_adult(person: Person) -> Iterator[Row]:
    if adult := find_trusted_adult(person):
        yield {"name": adult.name, "contact": adult.contact, "named_at": adult.named_at}


def export_invitations(person: Person) -> Iterator[Row]:
    for invitation in Invitation.objects.filter(by=person).order_by("made_at").iterator():
        yield {"made_at": invitation.made_at, "email": invitation.email}


def export_notices(person: Person) -> Iterator[Row]:
    for notice in Notice.objects.filter(person=person).order_by("at").iterator():
        yield {"at": notice.at, "text": notice.text, "seen_at": notice.seen_at}


def export_password_helps(person: Person) -> Iterator[Row]:
    for helped in PasswordHelp.objects.filter(teen=person).select_related("granted_by").iterator():
        yield {
            "asked_at": helped.asked_at,
            "granted_by": str(helped.granted_by or ""),
            "used_at": helped.used_at,
        }


# All of it is private in the sense of a parent's copy: what is theirs of it is in their own, and the rest is the
# teen's, or another parent's.
def export_family_deletions(person: Person) -> Iterator[Row]:
    asked = (
        FamilyDeletion.objects.filter(Q(parent=person) | Q(agreed_teens=person))
        .distinct()
        .select_related("parent")
    )
    for deletion in asked:
        yield {"asked_at": deletion.asked_at, "by": str(deletion.parent)}


FAMILY = DataKind(
    name="family",
    title=_("Your family"),
    description=_("Who is linked to whom here, and what you agreed on."),
    retention=Retention(
        text=_("A link ends when one of you ends it, and by itself in the month of the 18th birthday.")
    ),
    visible_to=_("The two who are linked see it."),
    erasure_removes=_("Your links, and what you agreed on"),
    is_private=True,
    models=(Link, Proposal),
    labels={
        "parent": _("parent"),
        "teen": _("teen"),
        "made_at": _("linked"),
        "ended_at": _("ended"),
        "view": _("what a parent may see"),
        "memory": _("memory"),
        "quiet_from": _("quiet from"),
        "quiet_to": _("quiet to"),
        "answers_a_day": _("short answers a day"),
        "time_zone": _("time zone"),
        "flagged_since": _("what a help card answered, from"),
        "full_since": _("everything, from"),
    },
    export=export_links,
    erase=erase_links,
)
TRUSTED_ADULT = DataKind(
    name="trusted-adult",
    title=_("Another grown-up whom a teen trusts"),
    description=_("A name and a way to reach them, if a teen writes one down."),
    retention=Retention(text=_("You can change or delete it at any time.")),
    visible_to=_("No page shows it to a parent."),
    erasure_removes=_("The grown-up whom you trust, if you named one"),
    is_private=True,
    models=(TrustedAdult,),
    labels={"name": _("name"), "contact": _("how to reach them"), "named_at": _("when")},
    export=export_trusted_adult,
    erase=erased_by_cascade,
)
INVITATIONS = DataKind(
    name="invitations",
    title=_("Invitations"),
    description=_(
        "That you invited somebody to be linked to you, and the address where it was sent by mail."
    ),
    retention=Retention(
        text=_("It is deleted when it is answered, and otherwise %(days)d days after it was made."),
        days=INVITATION_RETENTION.days,
        counted_from=_("the invitation"),
        delete_expired=delete_expired_invitations,
        task="families.tasks.delete_expired_invitations",
    ),
    erasure_removes=_("Your invitations"),
    is_private=True,
    models=(Invitation,),
    labels={"made_at": _("made"), "email": _("sent to")},
    export=export_invitations,
    erase=erased_by_cascade,
)
NOTICES = DataKind(
    name="notices",
    title=_("What you were told"),
    description=_("The short list on your family’s page of what has happened."),
    retention=Retention(
        text=_("It is deleted after %(days)d days."),
        days=NOTICE_RETENTION.days,
        counted_from=_("the notice"),
        delete_expired=delete_expired_notices,
        task="families.tasks.delete_expired_notices",
    ),
    erasure_removes=_("What you were told"),
    is_private=True,
    models=(Notice,),
    labels={"at": _("when"), "text": _("what"), "seen_at": _("seen")},
    export=export_notices,
    erase=erased_by_cascade,
)
PASSWORD_HELPS = DataKind(
    name="password-helps",
    title=_("Help with a password"),
    description=_(
        "That a parent helped with a password you forgot, and a scrambled form of the old one: typing it opens again "
        "what was closed then."
    ),
    retention=Retention(
        text=_(
            "A request that came to nothing is deleted after %(days)d days. One that was used stays until your old "
            "password opens things again, or your account is deleted."
        ),
        days=PASSWORD_HELP_RETENTION.days,
        counted_from=_("the request"),
        delete_expired=delete_expired_password_helps,
        task="families.tasks.delete_expired_password_helps",
    ),
    erasure_removes=_("Every time that somebody helped with your password"),
    is_private=True,
    models=(PasswordHelp,),
    labels={"asked_at": _("asked"), "granted_by": _("who helped"), "used_at": _("new password chosen")},
    export=export_password_helps,
    erase=erased_by_cascade,
)
FAMILY_DELETIONS = DataKind(
    name="family-deletion",
    title=_("A family that is to be erased"),
    description=_("That a parent asked for it, when, and which teens said yes."),
    retention=Retention(
        text=_(
            "It is gone when it is taken back, and with the accounts %(days)d days after it was asked for."
        ),
        days=DELETION_DELAY.days,
        counted_from=_("the asking"),
        delete_expired=carry_out_family_deletions,
        task="families.tasks.carry_out_family_deletions",
    ),
    visible_to=_("The parent and the linked teens see it."),
    erasure_removes=_("What you asked for about your family’s accounts"),
    is_private=True,
    models=(FamilyDeletion, FamilyDeletion.agreed_teens.through),
    labels={"asked_at": _("asked for"), "by": _("by")},
    export=export_family_deletions,
    erase=erased_by_cascade,
)
DATA_KINDS = (
    FAMILY_DELETIONS,
    FAMILY,
    *CONSENT_KINDS,
    PARENT_VIEWS,
    TRUSTED_ADULT,
    PASSWORD_HELPS,
    INVITATIONS,
    NOTICES,
)
