"""Help with a forgotten password for a teen without an email address: a parent confirms that it is the teen.

The parent might be holding the screen on which the new password is chosen. Therefore everything the teen wrote before
is sealed for everyone who signs in; the old password unseals it.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person, Role
from families.errors import PasswordHelpNotUsable, WrongPasswordHelpCode
from families.models import PasswordHelp
from families.notices import NoticeText as _
from families.notices import send_notice
from families.selectors import list_parents

PASSWORD_HELP_LIFETIME = timedelta(minutes=30)
# How long an unused request is kept.
PASSWORD_HELP_RETENTION = timedelta(days=2)
CODE_DIGITS = 6


def generate_code() -> str:
    """Return a random code of CODE_DIGITS digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


@transaction.atomic
def request_password_help(*, username: str, code: str) -> PasswordHelp | None:
    """Request help for `username`. Return None if no parent could grant it; the visitor is not told.

    The page shows `code` in either case. A request never replaces another one, which may be someone else's.
    """
    teen = Person.objects.filter(username__iexact=username.strip(), role=Role.TEEN, is_active=True).first()
    if teen is None or not list_parents(teen).exists():
        return None
    return PasswordHelp.objects.create(teen=teen, code=code)


@transaction.atomic
def grant_password_help(*, teen: Person, by: Person, code: str) -> PasswordHelp:
    """Grant the request whose code a linked parent typed. Raises WrongPasswordHelpCode."""
    since = timezone.now() - PASSWORD_HELP_LIFETIME
    open_requests = PasswordHelp.objects.select_for_update().filter(
        teen=teen, used_at=None, asked_at__gt=since
    )
    help_request = open_requests.filter(code=code).first()
    if help_request is None or not list_parents(teen).filter(pk=by.pk).exists():
        raise WrongPasswordHelpCode
    if help_request.granted_at is None:
        help_request.granted_by, help_request.granted_at = by, timezone.now()
        help_request.save(update_fields=["granted_by", "granted_at"])
    return help_request


def get_password_help(help_id: UUID) -> PasswordHelp:
    """Return a granted request that can still be used. Raises PasswordHelpNotUsable."""
    since = timezone.now() - PASSWORD_HELP_LIFETIME
    usable = PasswordHelp.objects.select_related("teen", "granted_by").filter(
        pk=help_id, used_at=None, granted_at__isnull=False, asked_at__gt=since
    )
    help_request = usable.first()
    if help_request is None:
        raise PasswordHelpNotUsable
    return help_request


@transaction.atomic
def use_password_help(*, help_id: UUID, password: str) -> Person:
    """Set the new password, seal earlier data and end all sessions of the teen.

    The caller has validated the password. Raises PasswordHelpNotUsable, also if the request was used in the meantime.
    """
    locked = PasswordHelp.objects.select_for_update(of=("self",)).filter(pk=help_id).first()
    if locked is None:
        raise PasswordHelpNotUsable
    help_request = get_password_help(locked.pk)
    teen = Person.objects.select_for_update().get(pk=help_request.teen_id)
    now = timezone.now()
    help_request.used_at, help_request.old_password = now, teen.password
    help_request.save(update_fields=["used_at", "old_password"])
    teen.set_password(password)
    teen.sealed_before = now
    teen.save(update_fields=["password", "sealed_before"])
    text = _(
        "You have a new password, with help from %(who)s. What you wrote before is locked. Your old "
        "password unlocks it."
    )
    send_notice(
        person=teen,
        text=text % {"who": help_request.granted_by or _("a parent")},
        action_text=_("If you remember your old password, type it here:"),
        path=reverse("families:sealed"),
    )
    return teen


@transaction.atomic
def unseal_data(*, teen: Person, old_password: str) -> bool:
    """Unseal the data written while `old_password` was in use, and later data. Return False if it was never used."""
    teen = Person.objects.select_for_update().get(pk=teen.pk)
    helps = list(PasswordHelp.objects.filter(teen=teen, used_at__isnull=False).order_by("used_at"))
    for number, used in enumerate(helps):
        if check_password(old_password, used.old_password):
            teen.sealed_before = helps[number - 1].used_at if number else None
            teen.save(update_fields=["sealed_before"])
            PasswordHelp.objects.filter(pk__in=[later.pk for later in helps[number:]]).delete()
            return True
    return False


@transaction.atomic
def delete_expired_password_helps(*, now: datetime | None = None) -> int:
    """Delete unused requests older than PASSWORD_HELP_RETENTION. Return how many."""
    before = (now or timezone.now()) - PASSWORD_HELP_RETENTION
    return PasswordHelp.objects.filter(used_at=None, asked_at__lt=before).delete()[0]
