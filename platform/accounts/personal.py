"""What this room keeps about a person: the account, its sessions, and what an admin did."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import MailboxConfirmation, Person
from accounts.registry import Kind, Retention, Row, kinds, leave, nothing
from accounts.unconfirmed import UNCONFIRMED_KEPT_FOR, unconfirmed_forget

TITLES_KEPT_FOR = timedelta(days=30)
BLANK = {"object_repr": "", "change_message": ""}
# A password is kept as a hash that says nothing to anybody, and a number tells nobody anything.
NOT_TOLD = ("id", "password")
TOLD = [field for field in Person._meta.concrete_fields if field.name not in NOT_TOLD]  # noqa: SLF001


def account_export(person: Person) -> Iterator[Row]:
    yield {field.name: field.value_from_object(person) for field in TOLD}


def account_erase(person: Person) -> None:
    """Take the person's names out of the admin pages' log. Their row itself goes last, by `person_erase`."""
    log_blank(Person.objects.filter(pk=person.pk))
    named = Q(object_repr__iregex=_as_whole_words(person.username))
    for name in filter(None, (person.display_name, person.email)):
        named |= Q(object_repr__iregex=_as_whole_words(name))
    # A row that an admin deleted left its title here, and nothing else that leads to it.
    _titled().filter(named).update(**BLANK)


def _as_whole_words(name: str) -> str:
    """PostgreSQL's expression for a name that stands by itself: "An" is not in "Anna"."""
    return rf"(?<![[:alnum:]_]){re.escape(name)}(?![[:alnum:]_])"


def _titled() -> QuerySet[LogEntry]:
    """What the log says of rows whose titles may be names."""
    personal = ContentType.objects.get_for_models(*(model for kind in kinds() for model in kind.models))
    return LogEntry.objects.filter(content_type__in=personal.values()).exclude(**BLANK)


@transaction.atomic
def log_titles_forget(*, now: datetime | None = None) -> int:
    """Cut titles that may be names off what is older than TITLES_KEPT_FOR. Returns how many there were.

    Whoever has no account, or took a place under another name, is led to by nothing else.
    """
    before = (now or timezone.now()) - TITLES_KEPT_FOR
    return _titled().filter(action_time__lt=before).update(**BLANK)


def log_blank(rows: QuerySet[Model]) -> None:
    """Cut the titles of these rows, which may be names, off the log of the admin pages. What was done stays."""
    of = rows.model._meta  # noqa: SLF001 - Django documents it
    keys = [str(key) for key in rows.values_list("pk", flat=True)]
    about = LogEntry.objects.filter(content_type__app_label=of.app_label, content_type__model=of.model_name)
    about.filter(object_id__in=keys).update(**BLANK)


def sessions_of(person: Person) -> Iterator[Session]:
    """The person's sessions. A session does not say whose it is until it is opened, so all are looked through."""
    for session in Session.objects.order_by("expire_date").iterator():
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            yield session


def sessions_export(person: Person) -> Iterator[Row]:
    for session in sessions_of(person):
        yield {"ends_at": session.expire_date}


def sessions_erase(person: Person) -> None:
    Session.objects.filter(pk__in=[session.pk for session in sessions_of(person)]).delete()


def admin_log_export(person: Person) -> Iterator[Row]:
    """What kind of thing they changed, and never its title: that may be somebody else's name."""
    entries = LogEntry.objects.filter(user=person).select_related("content_type").order_by("action_time")
    for entry in entries.iterator():
        of = entry.content_type.name if entry.content_type else ""
        yield {"at": entry.action_time, "did": entry.get_action_flag_display(), "of": of}


def addresses_export(person: Person) -> Iterator[Row]:
    for address in EmailAddress.objects.filter(user=person).select_related("confirmation").order_by("pk"):
        confirmation = getattr(address, "confirmation", None)
        yield {
            "email": address.email,
            "verified": address.verified,
            "confirmed_at": confirmation.confirmed_at if confirmation else None,
            "primary": address.primary,
        }


def second_steps_export(person: Person) -> Iterator[Row]:
    """That there is one, and since when. Its secret would let whoever finds the copy sign in."""
    for step in Authenticator.objects.filter(user=person).order_by("created_at"):
        yield {"kind": step.get_type_display(), "since": step.created_at, "last_used": step.last_used_at}


ADDRESSES = Kind(
    name="addresses",
    title=_("Email addresses"),
    what=_("Which addresses you gave, and when their mail was first shown to reach you."),
    retention=Retention(words=_("They stay until you take them out, or the account is deleted.")),
    private=False,
    models=(EmailAddress, EmailConfirmation, MailboxConfirmation),
    labels={
        "email": _("address"),
        "verified": _("confirmed"),
        "confirmed_at": _("confirmed on"),
        "primary": _("the one that we write to"),
    },
    gone=_("Your email addresses"),
    export=addresses_export,
    erase=leave,
)
SECOND_STEPS = Kind(
    name="second-steps",
    title=_("Second steps when signing in"),
    what=_("Codes from an app, passkeys and recovery codes, where you set them up."),
    retention=Retention(words=_("They stay until you take them out, or the account is deleted.")),
    private=True,
    models=(Authenticator,),
    labels={"kind": _("kind"), "since": _("since"), "last_used": _("last used")},
    gone=_("Your second steps"),
    export=second_steps_export,
    erase=leave,
)
ACCOUNT = Kind(
    name="account",
    title=_("Your account"),
    what=_(
        "Username, the name on the page, your time zone, for teens the month they were born in, and for "
        "grown-ups an email address where they gave one."
    ),
    retention=Retention(words=_("It stays until the account is deleted.")),
    gone=_("Your account, with your name and your password"),
    private=False,
    models=(Person,),
    labels={field.name: field.verbose_name for field in TOLD},
    export=account_export,
    erase=account_erase,
)
SESSIONS = Kind(
    name="sessions",
    title=_("Being signed in"),
    what=_(
        "That a browser is yours, so that you sign in once and not on every page. A text that you send while you are "
        "signed out waits there for half an hour, to be sent once you sign in."
    ),
    retention=Retention(
        words=_("It is deleted when you sign out, and otherwise %(days)d days after you signed in."),
        days=settings.SESSION_COOKIE_AGE // 86_400,
        since=_("the sign-in, or the last thing that a visitor did"),
        forget=services.sessions_forget,
        task="accounts.tasks.sessions_forget",
    ),
    gone=_("Every sign-in, on every device"),
    private=False,
    models=(Session, UserSession),
    labels={"ends_at": _("signed in until")},
    export=sessions_export,
    erase=sessions_erase,
)
ADMIN_LOG = Kind(
    name="admin-log",
    title=_("The admin pages"),
    what=_("For the people who run this site: what they changed there, and when."),
    retention=Retention(
        words=_(
            "After %(days)d days the name of whom it was about is struck out; "
            "the rest stays until their account is deleted."
        ),
        days=TITLES_KEPT_FOR.days,
        since=_("the change"),
        forget=log_titles_forget,
        task="accounts.tasks.log_titles_forget",
    ),
    private=False,
    models=(LogEntry,),
    labels={"at": _("when"), "did": _("what they did"), "of": _("to what")},
    export=admin_log_export,
    erase=leave,
)
ERASED = Kind(
    name="erased",
    title=_("Erased accounts"),
    what=_(
        "The number of an account that was erased, and when it was made and erased. Without it a backup that has to be "
        "restored would bring the account back."
    ),
    retention=Retention(
        words=_("It is deleted %(days)d days after the erasure, when no backup is older."),
        days=services.BACKUPS_KEPT_FOR.days,
        since=_("the erasure"),
        forget=services.erased_people_forget,
        task="accounts.tasks.erased_people_forget",
    ),
    private=False,
    export=nothing,
    erase=leave,
)
TRIES = Kind(
    name="tries",
    title=_("Against abuse"),
    what=_("For minutes up to an hour, how often something was tried from one network address."),
    retention=Retention(words=_("The address is not written down beyond that.")),
    private=False,
    export=nothing,
    erase=leave,
)
UNCONFIRMED = Kind(
    name="unconfirmed-accounts",
    title=_("An account that was never confirmed"),
    what=_("What someone typed to sign up, until the link in our mail shows that the address is theirs."),
    retention=Retention(
        words=_(
            "If the link is not opened, the account is deleted after %(days)d days, with all that is in it."
        ),
        days=UNCONFIRMED_KEPT_FOR.days,
        since=_("the sign-up"),
        forget=unconfirmed_forget,
        task="accounts.tasks.unconfirmed_forget",
    ),
    private=True,
    export=nothing,
    erase=leave,
)
# A page shows them the other way round, the highest room first.
KINDS = (TRIES, ERASED, ADMIN_LOG, SESSIONS, SECOND_STEPS, ADDRESSES, UNCONFIRMED, ACCOUNT)
