"""Data kinds of this room: the account, its email addresses, second steps and sessions."""

from collections.abc import Iterator

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.confirmations import UNCONFIRMED_RETENTION, delete_unconfirmed_accounts
from accounts.models import MailboxConfirmation, Person, Session
from privacy.admin_log import redact_names, redact_rows
from privacy.registry import DataKind, Retention, Row, erased_by_cascade, no_rows

# The password hash and the id are of no use to the person.
UNEXPORTED_FIELDS = ("id", "password")
EXPORTED_FIELDS = [field for field in Person._meta.concrete_fields if field.name not in UNEXPORTED_FIELDS]  # noqa: SLF001


def export_account(person: Person) -> Iterator[Row]:
    yield {field.name: field.value_from_object(person) for field in EXPORTED_FIELDS}


def erase_account(person: Person) -> None:
    """Remove the person's names from the admin log. `erase_person` deletes the row itself last."""
    redact_rows(Person.objects.filter(pk=person.pk))
    # The log keeps the title of a row that an admin deleted, and no other link to it.
    redact_names(names=[person.username, person.display_name, person.email])


def export_sessions(person: Person) -> Iterator[Row]:
    for session in Session.objects.filter(person=person).order_by("expire_date"):
        yield {"ends_at": session.expire_date}


def erase_sessions(person: Person) -> None:
    """Delete all sessions of a person. They are signed out everywhere."""
    Session.objects.filter(person=person).delete()


def export_addresses(person: Person) -> Iterator[Row]:
    for address in EmailAddress.objects.filter(user=person).select_related("confirmation").order_by("pk"):
        confirmation = getattr(address, "confirmation", None)
        yield {
            "email": address.email,
            "verified": address.verified,
            "confirmed_at": confirmation.confirmed_at if confirmation else None,
            "primary": address.primary,
        }


def export_second_steps(person: Person) -> Iterator[Row]:
    """Export the type and dates of second steps. Their secrets would let a finder of the export sign in."""
    for step in Authenticator.objects.filter(user=person).order_by("created_at"):
        yield {"kind": step.get_type_display(), "since": step.created_at, "last_used": step.last_used_at}


ADDRESSES = DataKind(
    name="addresses",
    title=_("Email addresses"),
    description=_("The addresses you gave us, and when you first confirmed each one."),
    retention=Retention(text=_("We keep them until you remove them or the account is deleted.")),
    is_private=False,
    models=(EmailAddress, EmailConfirmation, MailboxConfirmation),
    labels={
        "email": _("address"),
        "verified": _("confirmed"),
        "confirmed_at": _("confirmed on"),
        "primary": _("main address"),
    },
    erasure_removes=_("Your email addresses"),
    export=export_addresses,
    erase=erased_by_cascade,
)
SECOND_STEPS = DataKind(
    name="second-steps",
    title=_("Second steps for signing in"),
    description=_("Authenticator app codes, passkeys and recovery codes, if you set them up."),
    retention=Retention(text=_("We keep them until you remove them or the account is deleted.")),
    is_private=True,
    models=(Authenticator,),
    labels={"kind": _("kind"), "since": _("since"), "last_used": _("last used")},
    erasure_removes=_("Your second steps"),
    export=export_second_steps,
    erase=erased_by_cascade,
)
ACCOUNT = DataKind(
    name="account",
    title=_("Your account"),
    description=_(
        "Your username, display name and time zone; for teens, also the birth month; for adults, the "
        "email address if they gave one."
    ),
    retention=Retention(text=_("We keep it until the account is deleted.")),
    erasure_removes=_("Your account, with your name and your password"),
    is_private=False,
    models=(Person,),
    labels={field.name: field.verbose_name for field in EXPORTED_FIELDS},
    export=export_account,
    erase=erase_account,
)
SESSIONS = DataKind(
    name="sessions",
    title=_("Sign-in sessions"),
    description=_(
        "Which browsers you’re signed in with, so you don’t have to sign in on every page. If you "
        "send text while signed out, we keep it for half an hour so you can send it after you sign "
        "in."
    ),
    retention=Retention(
        text=_("We delete it when you sign out, or %(days)d days after you signed in."),
        days=settings.SESSION_COOKIE_AGE // 86_400,
        counted_from=_("the sign-in, or a visitor’s last activity"),
        delete_expired=services.delete_expired_sessions,
        task="accounts.tasks.delete_expired_sessions",
    ),
    erasure_removes=_("Your sign-in sessions on every device"),
    is_private=False,
    models=(Session, UserSession),
    labels={"ends_at": _("signed in until")},
    export=export_sessions,
    erase=erase_sessions,
)
UNCONFIRMED = DataKind(
    name="unconfirmed-accounts",
    title=_("Unconfirmed accounts"),
    description=_("What someone entered to sign up, until they open the link in our email."),
    retention=Retention(
        text=_(
            "If they don’t open the link, we delete the account and everything in it after %(days)d days."
        ),
        days=UNCONFIRMED_RETENTION.days,
        counted_from=_("the sign-up"),
        delete_expired=delete_unconfirmed_accounts,
        task="accounts.tasks.delete_unconfirmed_accounts",
    ),
    is_private=True,
    export=no_rows,
    erase=erased_by_cascade,
)
# Pages show them in reverse order, the highest room first.
KINDS = (SESSIONS, SECOND_STEPS, ADDRESSES, UNCONFIRMED, ACCOUNT)
