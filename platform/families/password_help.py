"""A forgotten password, where no mail can help: a parent says that it is the teen, and gains no way into the chats.

Whoever has the screen on which it was asked chooses the new password, and a parent may well be holding it. So what
the teen kept to themselves until then is closed with it, for everybody who signs in; the old password opens it.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person, Role
from families.errors import PasswordHelpExpired, WrongCode
from families.models import PasswordHelp
from families.notices import send_notice
from families.selectors import list_parents

PASSWORD_HELP_LIFETIME = timedelta(minutes=30)
# How long a request that nobody used is kept.
PASSWORD_HELP_RETENTION = timedelta(days=2)
CODE_DIGITS = 6


def generate_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


@transaction.atomic
def request_password_help(*, username: str, code: str) -> PasswordHelp | None:
    """Ask for help with the password of `username`. None where no parent could give it; whoever asks is not told.

    `code` is what the page shows to whoever asks, in either case. Somebody else's request never ends another's.
    """
    teen = Person.objects.filter(username__iexact=username.strip(), role=Role.TEEN, is_active=True).first()
    if teen is None or not list_parents(teen).exists():
        return None
    return PasswordHelp.objects.create(teen=teen, code=code)


@transaction.atomic
def grant_password_help(*, teen: Person, by: Person, code: str) -> PasswordHelp:
    """A linked parent says that it is the teen who asks, by the code on the teen's screen. Raises CodeWrong."""
    since = timezone.now() - PASSWORD_HELP_LIFETIME
    open_ones = PasswordHelp.objects.select_for_update().filter(teen=teen, used_at=None, asked_at__gt=since)
    asked = open_ones.filter(code=code).first()
    if asked is None or not list_parents(teen).filter(pk=by.pk).exists():
        raise WrongCode
    if asked.granted_at is None:
        asked.granted_by, asked.granted_at = by, timezone.now()
        asked.save(update_fields=["granted_by", "granted_at"])
    return asked


def get_password_help(help_id: UUID) -> PasswordHelp:
    """A help that a parent has given and that can still be used. Raises HelpOver."""
    since = timezone.now() - PASSWORD_HELP_LIFETIME
    given = PasswordHelp.objects.select_related("teen", "granted_by").filter(
        pk=help_id, used_at=None, granted_at__isnull=False, asked_at__gt=since
    )
    found = given.first()
    if found is None:
        raise PasswordHelpExpired
    return found


@transaction.atomic
def use_password_help(*, help_id: UUID, password: str) -> Person:
    """Choose the new password, and close what was kept before. Every session of the teen ends by it.

    The password is taken as it is: a form has judged it. Raises HelpOver, also for whoever comes second.
    """
    found = PasswordHelp.objects.select_for_update(of=("self",)).filter(pk=help_id).first()
    if found is None:
        raise PasswordHelpExpired
    asked = get_password_help(found.pk)
    teen = Person.objects.select_for_update().get(pk=asked.teen_id)
    now = timezone.now()
    asked.used_at, asked.old_password = now, teen.password
    asked.save(update_fields=["used_at", "old_password"])
    teen.set_password(password)
    teen.sealed_before = now
    teen.save(update_fields=["password", "sealed_before"])
    words = _(
        "You have a new password, with the help of %(who)s. What you wrote before is closed; your old one opens it."
    )
    send_notice(
        person=teen,
        text=words % {"who": asked.granted_by or _("a parent")},
        action_text=_("Type your old password there, if you remember it:"),
        path=reverse("families:sealed"),
    )
    return teen


@transaction.atomic
def unseal_data(*, teen: Person, old_password: str) -> bool:
    """Open what was closed, as far as this password once opened it. False when it was never theirs.

    A password opens what was kept while it was the password, and what was kept after; not what an earlier one kept.
    """
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
    """Delete the requests that came to nothing. Returns how many there were."""
    before = (now or timezone.now()) - PASSWORD_HELP_RETENTION
    return PasswordHelp.objects.filter(used_at=None, asked_at__lt=before).delete()[0]
