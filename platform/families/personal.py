"""What this room keeps about a person: whom they are linked to, who consented, who looked, and what they were told."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.agreements import other_side
from families.closing import end_answers
from families.cooling_off import start_cooling_off
from families.erasing import ERASURE_WAITS, family_erasures_carry_out
from families.forgetting import INVITATIONS_KEPT_FOR, NOTICES_KEPT_FOR, invitations_forget, notices_forget
from families.limits import limit_apply, nest_apply
from families.looks import LOOKS
from families.models import (
    Consent,
    FamilyErasure,
    Invitation,
    Link,
    Notice,
    PasswordHelp,
    Proposal,
    TrustedAdult,
)
from families.notices import notice_send
from families.password_help import HELP_KEPT_FOR, password_helps_forget
from families.personal_consent import CONSENT_KINDS
from families.terms import View
from families.trusted import trusted_adult_of
from families.wider_views import start_wider_view_after
from privacy.registry import Kind, Retention, Row, leave


def links_export(person: Person) -> Iterator[Row]:
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
            "flagged_since": link.flagged_since if link.shows_words else None,
            "full_since": link.full_since if link.view == View.FULL else None,
        }


def links_erase(person: Person) -> None:
    """End the links, and tell the other side without a name. What they were told of the person by name goes too."""
    links = Link.objects.filter(Q(parent=person) | Q(teen=person))
    others = {one for pair in links.values_list("parent", "teen") for one in pair} - {person.pk}
    Notice.objects.filter(person__in=others, words__contains=str(person)).delete()
    for link in links.filter(ended_at=None).select_related("parent", "teen"):
        words = _("An account that you were linked to was deleted, and the link with it.")
        to_do = _("You have nothing to do. Your family’s page:")
        notice_send(person=other_side(link, person), words=str(words), to_do=str(to_do))
    _end_say(person, links)
    teens = list(Person.objects.filter(links_to_parents__in=links.filter(parent=person)).distinct())
    ended = list(links.filter(parent=person, ended_at=None))
    links.delete()
    for link in ended:
        start_wider_view_after(ended=link)
    for teen in teens:
        limit_apply(teen=teen)
    for other in Person.objects.filter(pk__in=others):
        nest_apply(person=other)


def _end_say(parent: Person, links: QuerySet[Link]) -> None:
    """A parent who goes answers for nobody any more. Where they had a say, a cooling-off time begins."""
    given = Consent.objects.filter(given_by=parent, given_as="parent", withdrawn_at=None)
    standing = links.filter(parent=parent, ended_at=None)
    had_say = Q(links_to_parents__in=standing.filter(paused_at__isnull=False)) | Q(consents__in=given)
    for teen in Person.objects.filter(had_say).distinct():
        start_cooling_off(teen=teen, parent=None)
    closed_to = list(Person.objects.filter(consents__in=given).distinct())
    given.update(withdrawn_at=timezone.now())
    for teen in closed_to:
        end_answers(teen=teen)


def trusted_export(person: Person) -> Iterator[Row]:
    if adult := trusted_adult_of(person):
        yield {"name": adult.name, "reach": adult.reach, "named_at": adult.named_at}


def invitations_export(person: Person) -> Iterator[Row]:
    for invitation in Invitation.objects.filter(by=person).order_by("made_at").iterator():
        yield {"made_at": invitation.made_at, "email": invitation.email}


def notices_export(person: Person) -> Iterator[Row]:
    for notice in Notice.objects.filter(person=person).order_by("at").iterator():
        yield {"at": notice.at, "words": notice.words, "seen_at": notice.seen_at}


def password_helps_export(person: Person) -> Iterator[Row]:
    for helped in PasswordHelp.objects.filter(teen=person).select_related("granted_by").iterator():
        yield {
            "asked_at": helped.asked_at,
            "granted_by": str(helped.granted_by or ""),
            "used_at": helped.used_at,
        }


# All of it is private in the sense of a parent's copy: what is theirs of it is in their own, and the rest is the
# teen's, or another parent's.
def erasures_export(person: Person) -> Iterator[Row]:
    asked = (
        FamilyErasure.objects.filter(Q(parent=person) | Q(agreed=person)).distinct().select_related("parent")
    )
    for erasure in asked:
        yield {"asked_at": erasure.asked_at, "by": str(erasure.parent)}


FAMILY = Kind(
    name="family",
    title=_("Your family"),
    what=_("Who is linked to whom here, and what you agreed on."),
    retention=Retention(
        words=_("A link ends when one of you ends it, and by itself in the month of the 18th birthday.")
    ),
    seen=_("The two who are linked see it."),
    gone=_("Your links, and what you agreed on"),
    private=True,
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
    export=links_export,
    erase=links_erase,
)
TRUSTED = Kind(
    name="trusted-adult",
    title=_("Another grown-up whom a teen trusts"),
    what=_("A name and a way to reach them, if a teen writes one down."),
    retention=Retention(words=_("You can change or delete it at any time.")),
    seen=_("No page shows it to a parent."),
    gone=_("The grown-up whom you trust, if you named one"),
    private=True,
    models=(TrustedAdult,),
    labels={"name": _("name"), "reach": _("how to reach them"), "named_at": _("when")},
    export=trusted_export,
    erase=leave,
)
INVITATIONS = Kind(
    name="invitations",
    title=_("Invitations"),
    what=_("That you invited somebody to be linked to you, and the address where it was sent by mail."),
    retention=Retention(
        words=_("It is deleted when it is answered, and otherwise %(days)d days after it was made."),
        days=INVITATIONS_KEPT_FOR.days,
        since=_("the invitation"),
        forget=invitations_forget,
        task="families.tasks.invitations_forget",
    ),
    gone=_("Your invitations"),
    private=True,
    models=(Invitation,),
    labels={"made_at": _("made"), "email": _("sent to")},
    export=invitations_export,
    erase=leave,
)
NOTICES = Kind(
    name="notices",
    title=_("What you were told"),
    what=_("The short list on your family’s page of what has happened."),
    retention=Retention(
        words=_("It is deleted after %(days)d days."),
        days=NOTICES_KEPT_FOR.days,
        since=_("the notice"),
        forget=notices_forget,
        task="families.tasks.notices_forget",
    ),
    gone=_("What you were told"),
    private=True,
    models=(Notice,),
    labels={"at": _("when"), "words": _("what"), "seen_at": _("seen")},
    export=notices_export,
    erase=leave,
)
PASSWORD_HELPS = Kind(
    name="password-helps",
    title=_("Help with a password"),
    what=_(
        "That a parent helped with a password you forgot, and a scrambled form of the old one: typing it opens again "
        "what was closed then."
    ),
    retention=Retention(
        words=_(
            "A request that came to nothing is deleted after %(days)d days. One that was used stays until your old "
            "password opens things again, or your account is deleted."
        ),
        days=HELP_KEPT_FOR.days,
        since=_("the request"),
        forget=password_helps_forget,
        task="families.tasks.password_helps_forget",
    ),
    gone=_("Every time that somebody helped with your password"),
    private=True,
    models=(PasswordHelp,),
    labels={"asked_at": _("asked"), "granted_by": _("who helped"), "used_at": _("new password chosen")},
    export=password_helps_export,
    erase=leave,
)
ERASURES = Kind(
    name="family-erasure",
    title=_("A family that is to be erased"),
    what=_("That a parent asked for it, when, and which teens said yes."),
    retention=Retention(
        words=_(
            "It is gone when it is taken back, and with the accounts %(days)d days after it was asked for."
        ),
        days=ERASURE_WAITS.days,
        since=_("the asking"),
        forget=family_erasures_carry_out,
        task="families.tasks.family_erasures_forget",
    ),
    seen=_("The parent and the linked teens see it."),
    gone=_("What you asked for about your family’s accounts"),
    private=True,
    models=(FamilyErasure, FamilyErasure.agreed.through),
    labels={"asked_at": _("asked for"), "by": _("by")},
    export=erasures_export,
    erase=leave,
)
KINDS = (
    ERASURES,
    FAMILY,
    *CONSENT_KINDS,
    LOOKS,
    TRUSTED,
    PASSWORD_HELPS,
    INVITATIONS,
    NOTICES,
)
