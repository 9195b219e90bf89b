"""The personal data this room keeps: links, agreements, invitations, notices and more."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils import timezone, translation
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
    """Yield a person's links with their terms, oldest first."""
    links = Link.objects.filter(Q(parent=person) | Q(teen=person)).select_related("parent", "teen")
    for link in links.order_by("created_at").iterator():
        terms = link.terms
        yield {
            "parent": str(link.parent),
            "teen": str(link.teen),
            "created_at": link.created_at,
            "ended_at": link.ended_at,
            "parent_view": str(terms.parent_view.label),
            "memory": str(terms.memory.label),
            "allows_spanning_notes": terms.allows_spanning_notes,
            "local_only": terms.local_only,
            "quiet_from": str(terms.quiet_from or ""),
            "quiet_to": str(terms.quiet_to or ""),
            "answers_per_day": terms.answers_per_day,
            "time_zone": terms.time_zone,
            "flagged_since": link.flagged_since if link.shows_text else None,
            "full_since": link.full_since if link.parent_view == ParentView.FULL else None,
        }


def erase_links(person: Person) -> None:
    """End the links, notify the other side without a name, and delete notices that name the person."""
    links = Link.objects.filter(Q(parent=person) | Q(teen=person))
    others = {member for pair in links.values_list("parent", "teen") for member in pair} - {person.pk}
    Notice.objects.filter(person__in=others, text__contains=str(person)).delete()
    for link in links.filter(ended_at=None).select_related("parent", "teen"):
        text = _("An account you were linked to was deleted, so the link ended.")
        action_text = _("There is nothing you need to do. Your family page:")
        other = get_other_side(link, person)
        with translation.override(other.language):
            send_notice(person=other, text=str(text), action_text=str(action_text))
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
    """Withdraw the consents a parent gave. Cooling-off periods start for teens they consented to or paused."""
    consents = Consent.objects.filter(given_by=parent, given_as="parent", withdrawn_at=None)
    active = links.filter(parent=parent, ended_at=None)
    had_control = Q(links_to_parents__in=active.filter(paused_at__isnull=False)) | Q(consents__in=consents)
    for teen in Person.objects.filter(had_control).distinct():
        start_cooling_off(teen=teen, parent=None)
    closed_to = list(Person.objects.filter(consents__in=consents).distinct())
    consents.update(withdrawn_at=timezone.now())
    for teen in closed_to:
        run_consent_end_handlers(teen=teen)


def export_trusted_adult(person: Person) -> Iterator[Row]:
    if adult := find_trusted_adult(person):
        yield {"name": adult.name, "contact": adult.contact, "named_at": adult.named_at}


def export_invitations(person: Person) -> Iterator[Row]:
    """Yield the invitations that a person sent, oldest first."""
    for invitation in Invitation.objects.filter(by=person).order_by("created_at").iterator():
        yield {"created_at": invitation.created_at, "email": invitation.email}


def export_notices(person: Person) -> Iterator[Row]:
    """Yield a person's notices, oldest first."""
    for notice in Notice.objects.filter(person=person).order_by("at").iterator():
        yield {"at": notice.at, "text": notice.text, "seen_at": notice.seen_at}


def export_password_helps(person: Person) -> Iterator[Row]:
    for helped in PasswordHelp.objects.filter(teen=person).select_related("granted_by").iterator():
        yield {
            "asked_at": helped.asked_at,
            "granted_by": str(helped.granted_by or ""),
            "used_at": helped.used_at,
        }


# All kinds are private, which keeps them out of a parent's export of a teen: the parent's share is in their own export.
def export_family_deletions(person: Person) -> Iterator[Row]:
    deletions = (
        FamilyDeletion.objects.filter(Q(parent=person) | Q(agreed_teens=person))
        .distinct()
        .select_related("parent")
    )
    for deletion in deletions:
        yield {"asked_at": deletion.asked_at, "by": str(deletion.parent)}


FAMILY = DataKind(
    name="family",
    title=_("Your family"),
    description=_("Who is linked to whom here, and what you agreed on."),
    retention=Retention(
        text=_(
            "A link ends when either of you ends it, and automatically in the month of the teen’s 18th "
            "birthday."
        )
    ),
    visible_to=_("Both linked people see it."),
    erasure_removes=_("Your links, and what you agreed on"),
    is_private=True,
    models=(Link, Proposal),
    labels={
        "parent": _("parent"),
        "teen": _("teen"),
        "created_at": _("linked"),
        "ended_at": _("ended"),
        "parent_view": _("what a parent may see"),
        "memory": _("most that the tutor may remember"),
        "allows_spanning_notes": _("notes may last from one conversation to the next"),
        "local_only": _("questions stay on this site’s own computers"),
        "quiet_from": _("quiet from"),
        "quiet_to": _("quiet to"),
        "answers_per_day": _("short answers a day"),
        "time_zone": _("time zone"),
        "flagged_since": _("what a crisis card answered, from"),
        "full_since": _("everything, from"),
    },
    export=export_links,
    erase=erase_links,
)
TRUSTED_ADULT = DataKind(
    name="trusted-adult",
    title=_("A trusted adult"),
    description=_("A name and a way to reach them, if a teen adds one."),
    retention=Retention(text=_("You can change or delete it at any time.")),
    visible_to=_("No page shows it to a parent."),
    erasure_removes=_("Your trusted adult, if you named one"),
    is_private=True,
    models=(TrustedAdult,),
    labels={"name": _("name"), "contact": _("how to reach them"), "named_at": _("when")},
    export=export_trusted_adult,
    erase=erased_by_cascade,
)
INVITATIONS = DataKind(
    name="invitations",
    title=_("Invitations"),
    description=_("Invitations you sent to link accounts, and the email address each was sent to."),
    retention=Retention(
        text=_("It is deleted when it’s answered, or %(days)d days after it was created."),
        days=INVITATION_RETENTION.days,
        counted_from=_("the invitation"),
        delete_expired=delete_expired_invitations,
        task="families.tasks.delete_expired_invitations",
    ),
    erasure_removes=_("Your invitations"),
    is_private=True,
    models=(Invitation,),
    labels={"created_at": _("created"), "email": _("sent to")},
    export=export_invitations,
    erase=erased_by_cascade,
)
NOTICES = DataKind(
    name="notices",
    title=_("Notices"),
    description=_("The list of what has happened on your family page."),
    retention=Retention(
        text=_("It is deleted after %(days)d days."),
        days=NOTICE_RETENTION.days,
        counted_from=_("the notice"),
        delete_expired=delete_expired_notices,
        task="families.tasks.delete_expired_notices",
    ),
    erasure_removes=_("Notices"),
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
        "That a parent helped with a password you forgot, and a scrambled form of the old one, so that "
        "typing it unlocks what was locked."
    ),
    retention=Retention(
        text=_(
            "An unused request is deleted after %(days)d days. A used one stays until your old password "
            "unlocks your data, or until your account is deleted."
        ),
        days=PASSWORD_HELP_RETENTION.days,
        counted_from=_("the request"),
        delete_expired=delete_expired_password_helps,
        task="families.tasks.delete_expired_password_helps",
    ),
    erasure_removes=_("Each time a parent helped with your password"),
    is_private=True,
    models=(PasswordHelp,),
    labels={"asked_at": _("asked"), "granted_by": _("who helped"), "used_at": _("new password chosen")},
    export=export_password_helps,
    erase=erased_by_cascade,
)
FAMILY_DELETIONS = DataKind(
    name="family-deletion",
    title=_("Family deletion request"),
    description=_("Which parent asked, when, and which teens said yes."),
    retention=Retention(
        text=_(
            "It is deleted when the parent cancels it, or with the accounts %(days)d days after the request."
        ),
        days=DELETION_DELAY.days,
        counted_from=_("the request"),
        delete_expired=carry_out_family_deletions,
        task="families.tasks.carry_out_family_deletions",
    ),
    visible_to=_("The parent and the linked teens see it."),
    erasure_removes=_("Your request to delete your family’s accounts"),
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
