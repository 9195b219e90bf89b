"""A person's sign-in sessions. We store the browser, the platform and when it was last seen, but no IP address."""

from datetime import timedelta
from typing import Any

from allauth.account.signals import user_logged_in
from allauth.usersessions.models import UserSession
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person, Session

PLACEHOLDER_ADDRESS = "0.0.0.0"  # noqa: S104 - a placeholder for allauth's required address; nothing listens there
SEEN_AT_KEY = "seen_at"
SEEN_AT_PRECISION = timedelta(minutes=5)

# The order matters: most browsers also claim to be the ones below.
BROWSERS = {
    "Edge": ("Edg", "Edge"),
    "Opera": ("OPR", "OPT/", "Opera"),
    "Samsung Internet": ("SamsungBrowser", "Samsung Internet"),
    "Firefox": ("Firefox", "FxiOS"),
    "Chrome": ("Chrome", "CriOS", "Chromium"),
    "Safari": ("Safari",),
}
PLATFORMS = {
    "iPhone": ("iPhone",),
    "iPad": ("iPad",),
    "Android": ("Android",),
    "ChromeOS": ("CrOS", "ChromeOS"),
    "Windows": ("Windows",),
    "Mac": ("Macintosh", "Mac"),
    "Linux": ("Linux", "X11"),
}


def _find_name(names: dict[str, tuple[str, ...]], text: str) -> str:
    return next((name for name, marks in names.items() if any(mark in text for mark in marks)), "")


def parse_browser(user_agent: str) -> str:
    """Return the stored form of a user agent, such as "Firefox/Android". Idempotent."""
    return f"{_find_name(BROWSERS, user_agent)}/{_find_name(PLATFORMS, user_agent)}"


def format_browser(stored: str) -> str:
    """Return the stored form in words: "Firefox on Android"."""
    browser, _slash, machine = stored.partition("/")
    if browser and machine:
        return _("%(browser)s on %(machine)s") % {"browser": browser, "machine": machine}
    return browser or machine or _("Unknown browser")


@receiver(pre_save, sender=UserSession)
def strip_session_record(instance: UserSession, **_more: Any) -> None:
    """Drop the IP address and shorten the user agent before a session record is saved."""
    instance.ip = PLACEHOLDER_ADDRESS
    instance.user_agent = parse_browser(instance.user_agent)


@receiver(user_logged_in)
def begin_session_record(request: HttpRequest, **_more: Any) -> None:
    """Start counting a session's inactivity at sign-in. A receiver of Django's signal."""
    request.session[SEEN_AT_KEY] = int(timezone.now().timestamp())


def mark_seen(request: HttpRequest) -> None:
    """Record that a signed-in session is in use, at most every five minutes."""
    now = timezone.now()
    seen_at = request.session.get(SEEN_AT_KEY)
    if seen_at is None or now.timestamp() - seen_at < SEEN_AT_PRECISION.total_seconds():
        return
    request.session[SEEN_AT_KEY] = int(now.timestamp())
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)


def list_sessions(person: Person) -> list[UserSession]:
    """Return a person's active sessions, the last seen first."""
    active: list[UserSession] = UserSession.objects.purge_and_list(person)
    return sorted(active, key=lambda session: session.last_seen_at, reverse=True)


def revoke_session(*, person: Person, session_id: int) -> bool:
    """End one of a person's sessions. Return False if they don't have it."""
    session = UserSession.objects.filter(user=person, pk=session_id).first()
    if session is None:
        return False
    session.end()
    return True


def revoke_other_sessions(*, person: Person, current_key: str) -> int:
    """End every session of a person except the current one. Return how many."""
    others = list(UserSession.objects.filter(user=person).exclude(session_key=current_key))
    for session in others:
        session.end()
    return len(others)


def delete_ended_session_records() -> None:
    """Delete the records of ended sessions."""
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
