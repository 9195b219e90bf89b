"""Rate limits for signing in, signing up and emails. docs/threat-model.md gives the reasons for the numbers."""

import hashlib

from django.http import HttpRequest

from accounts.auth_backend import find_person, normalize_login
from accounts.known_devices import find_known_device
from kit.email_addresses import get_mailbox_key
from kit.rate_limits import (
    ClientRateLimit,
    EmailRateLimited,
    FailureBackoff,
    RateLimit,
    RateLimited,
    get_client_network,
)

MINUTE_SECONDS = 60
# Wrong passwords. The first is for browsers in which the owner has signed in before, the others for unknown ones.
known_device_failures = FailureBackoff(
    "sign-in, known device", free=10, first=30, longest=15 * MINUTE_SECONDS
)
login_failures_from_network = FailureBackoff("sign-in, name", free=5, first=30, longest=30 * MINUTE_SECONDS)
# Far above what one network reaches in a day, so that one attacker never slows down the owner elsewhere.
login_failures = FailureBackoff(
    "sign-in, name from anywhere", free=100, first=30, longest=30 * MINUTE_SECONDS
)
network_failures = RateLimit("sign-in, network", "300/10minutes")
site_failures = RateLimit("sign-in, everyone", "600/minute")

# A form with a password may trigger a breach check, which sends a request to another server.
sign_up_forms = ClientRateLimit(
    "sign-up form", person="60/hour", network="300/minute", everyone="1200/minute"
)
accounts_created = ClientRateLimit(
    "accounts made", person="10/hour", network="300/hour;1000/day", everyone="3000/hour"
)

# Emails that anyone can make us send to an address.
sign_up_emails = RateLimit("sign-up mail", "5/hour;20/day")
reset_emails = RateLimit("reset mail", "5/hour;20/day")
reset_requests = ClientRateLimit(
    "reset asked", person="20/hour", network="100/hour;500/day", everyone="1000/hour"
)


type Counted[Limit] = list[tuple[Limit, tuple[str, ...]]]


def hash_login(name: str) -> str:
    """Return the counter key for a login, so that the counters hold no names. Case-insensitive."""
    return hashlib.sha256(name.strip().casefold().encode(errors="replace")).hexdigest()[:32]


def count_email(mails: RateLimit, email: str) -> None:
    """Count one email to a mailbox, whether we know it or not. Raises EmailRateLimited."""
    try:
        mails.hit(hash_login(get_mailbox_key(email)))
    except RateLimited as error:
        raise EmailRateLimited(error.wait_seconds) from error


class SignInAttempt:
    """One password attempt. It counts as a failure from the start, because others run at the same time."""

    def __init__(self, request: HttpRequest, login: str) -> None:
        person = find_person(login)
        device = find_known_device(request, person) if person else None
        if person and device:
            self.waits: list[tuple[FailureBackoff, tuple[str, ...]]] = [
                (known_device_failures, (str(person.pk), device))
            ]
            self.throttles: list[tuple[RateLimit, tuple[str, ...]]] = []
            return
        # Count by account if there is one, because its username and email address open the same account.
        name = f"account {person.pk}" if person else hash_login(normalize_login(login))
        network = get_client_network(request)
        self.waits = [(login_failures_from_network, (name, network)), (login_failures, (name,))]
        self.throttles = [(network_failures, (network,)), (site_failures, ())]

    def begin(self) -> None:
        """Count the attempt. Raises RateLimited; then only the limit that refused still counts it."""
        limits: list[tuple[FailureBackoff | RateLimit, tuple[str, ...]]] = [*self.waits, *self.throttles]
        for number, (limit, who) in enumerate(limits):
            try:
                limit.hit(*who)
            except RateLimited:
                for counted, key in limits[:number]:
                    counted.undo_hit(*key)
                raise

    def succeed(self) -> None:
        """Clear the account's failures, and take this attempt back from the network's and the site's counts."""
        for wait, who in self.waits:
            wait.clear(*who)
        for throttle, key in self.throttles:
            throttle.undo_hit(*key)
