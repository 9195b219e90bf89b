"""Checks that invitations are right, spots are never oversold, and every email is sent once.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.invitations [--events N] [--emails N] [--json]

`mismatched`: N events are generated in 20 zones, each within hours of a clock change. This counts the events whose
invitation, update or cancellation another library (vobject, with the message's own zone rules) reads differently than
intended: method, UID, sequence, status, attendee, alarms, both instants and the clock time.
`oversold`: 200 people confirm at once for an event with 50 spots. This counts the spots beyond 50, plus the people on
the waitlist who are out of order. `missing_mails` and `duplicate_mails`: N people get an update through a real
worker, broker and SMTP server; the worker is killed (-9) five times, once right after the server's 250, and the broker
twice. A duplicate must have the first email's Message-ID: `changed_ids` counts those that do not.
"""

import argparse
import json
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402
from icalendar import Calendar  # noqa: E402

from events.changes import update_event  # noqa: E402
from events.itip import build_cancellation, build_request  # noqa: E402
from events.models import Event, SignUp, SignUpStatus  # noqa: E402
from events.spots import confirm_sign_up  # noqa: E402
from mail.models import Email, EmailState  # noqa: E402
from mail.sending import sweep_emails  # noqa: E402
from tests import live  # noqa: E402
from tests.budgets.rush import at_once  # noqa: E402
from tests.events.edges import list_mismatches, sign_ups  # noqa: E402
from tests.mail.post_office import PostOffice  # noqa: E402

SEED = 8
SPOTS, PEOPLE = 50, 200
PATIENCE = 300.0


def mismatched(count: int) -> int:
    """Return how many of `count` events one of the libraries reads differently than intended."""
    wrong = 0
    for sign_up in sign_ups(count, seed=SEED):
        event = sign_up.event
        messages = [("REQUEST", event.sequence, build_request(sign_up))]
        event.starts_at += timedelta(hours=1)
        event.sequence += 1
        update = build_request(sign_up)
        errors = list_mismatches(sign_up, update, method="REQUEST", sequence=event.sequence)
        errors += list_mismatches(
            sign_up,
            build_cancellation(sign_up, sequence=event.sequence + 1),
            method="CANCEL",
            sequence=event.sequence + 1,
        )
        event.starts_at -= timedelta(hours=1)
        method, sequence, first = messages[0]
        errors += list_mismatches(sign_up, first, method=method, sequence=sequence)
        for message in (first, update):
            calendar = Calendar.from_ical(message)
            calendar.validate()  # type: ignore[no-untyped-call]
            errors += [str(error) for error in calendar.errors + calendar.events[0].errors]
        wrong += bool(errors)
        if errors:
            print(sign_up.event.time_zone, sign_up.event.starts_at, *errors, sep="\n  ")
    return wrong


def create_event(slug: str, **fields: object) -> Event:
    values = {"title": "An hour", "summary": "About AI.", "time_zone": "America/Los_Angeles", "minutes": 60}
    starts_at = timezone.now() + timedelta(days=20)
    return Event.objects.create(slug=slug, starts_at=starts_at, is_published=True, **values | fields)


def create_sign_ups(event: Event, count: int, **fields: object) -> list[SignUp]:
    return SignUp.objects.bulk_create(
        SignUp(event=event, name=f"Kim {number}", email=f"kim{number}@example.org", **fields)
        for number in range(count)
    )


def oversold() -> int:
    """Return the number of spots beyond the limit, plus that of people on the waitlist out of order."""
    event = create_event("rush", capacity=SPOTS)
    begun = time.perf_counter()
    done = at_once([partial(confirm_sign_up, sign_up=sign_up) for sign_up in create_sign_ups(event, PEOPLE)])
    seconds = time.perf_counter() - begun
    going = [sign_up for sign_up in done if sign_up.is_going]
    waiting = [sign_up for sign_up in done if sign_up.status == SignUpStatus.WAITLISTED]
    last = max(sign_up.spot_given_at for sign_up in going if sign_up.spot_given_at)
    early = sum(1 for sign_up in waiting if sign_up.waitlisted_at is None or sign_up.waitlisted_at < last)
    lost = PEOPLE - len(going) - len(waiting)
    print(
        f"{PEOPLE} confirmed at once in {seconds:.1f} s: {len(going)} going, {len(waiting)} on the waitlist"
    )
    return abs(len(going) - SPOTS) + early + lost


class Parts:
    """A worker, a broker and a mail server. The worker and the broker are killed and replaced."""

    def __init__(self, logs: Path, post: PostOffice) -> None:
        self.logs, self.post = logs, post
        self.valkey = live.Valkey(logs / "valkey.log")
        # Celery reads this first, and keeps its connections. So it must be set before the first nudge.
        os.environ["CELERY_BROKER_URL"] = self.valkey.url
        self.worker: live.Worker

    def start_worker(self) -> live.Worker:
        log = self.logs / f"worker-{time.monotonic_ns()}.log"
        return live.Worker(log, VALKEY_URL=self.valkey.url, EMAIL_URL=self.post.url)

    def worker_killed(self) -> None:
        self.worker.kill()
        self.worker = self.start_worker()

    def worker_killed_after_250(self) -> None:
        """Kill a worker between reading the server's 250 and recording it. Only this sends an email again."""
        killed = self.worker
        self.post.after_250 = killed.kill
        sweep_until(self, lambda: self.worker is not killed, what="a 250")

    def keep_working(self) -> None:
        """Replace a worker that has ended, as a process manager does.

        A worker that acknowledges a task while the broker dies exits with code 1 (kombu 5).
        """
        if self.worker.child.poll() is not None:
            self.post.after_250 = None
            self.worker = self.start_worker()

    def broker_killed(self) -> None:
        self.valkey.kill()
        time.sleep(1)
        self.valkey = live.Valkey(self.logs / f"valkey-{time.monotonic_ns()}.log", self.valkey.port)


@contextmanager
def parts_running() -> Iterator[Parts]:
    with tempfile.TemporaryDirectory() as folder, PostOffice() as post:
        parts = Parts(Path(folder), post)
        try:
            yield parts
        finally:
            parts.valkey.kill()


def count_emails(parts: Parts, people: int) -> dict[str, int]:
    """Email a change to this many people while parts are killed, and count what arrives."""
    event = create_event("update")
    create_sign_ups(
        event, people, status=SignUpStatus.GOING, spot_given_at=timezone.now(), confirmed_at=timezone.now()
    )
    faults = [
        parts.worker_killed,
        parts.broker_killed,
        parts.worker_killed_after_250,
        parts.worker_killed,
        parts.broker_killed,
        parts.worker_killed,
        parts.worker_killed,
    ]
    parts.worker = parts.start_worker()
    try:
        event.minutes = 90
        began = time.perf_counter()
        update_event(event=event, notify=True)
        written = time.perf_counter() - began
        for number, fault in enumerate(faults, 1):
            enough = people * number // (len(faults) + 1)
            sweep_until(parts, partial(parts.post.has, enough), what=f"{enough} emails")
            fault()
            print(f"  {len(parts.post.taken):4} arrived: {fault.__name__}")
        sweep_until(
            parts, lambda: not Email.objects.exclude(state=EmailState.SENT).exists(), what="every email"
        )
        seconds = time.perf_counter() - began
    finally:
        parts.worker.kill()
    taken = Counter(str(mail["To"]) for mail in parts.post.taken)
    ids = {(str(mail["To"]), str(mail["Message-ID"])) for mail in parts.post.taken}
    print(f"{people} updates written in {written:.2f} s, sent in {seconds:.0f} s with {len(faults)} faults")
    return {
        "missing_mails": people - len(taken),
        "duplicate_mails": sum(taken.values()) - len(taken),
        "changed_ids": len(ids) - len(taken),
    }


def sweep_until(parts: Parts, true: Callable[[], bool], *, what: str) -> None:
    """Wait until `true()`, sweeping as beat does. Ends dead workers' leases at once, to save their three minutes."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited for {what}; {len(parts.post.taken)} emails arrived.")
        parts.keep_working()
        end_dead_leases(parts)
        sweep_emails()
        time.sleep(1)


def end_dead_leases(parts: Parts) -> None:
    """End the leases that began before the running worker did: their workers were killed."""
    born = timezone.now() - timedelta(seconds=time.time() - parts.worker.log.stat().st_ctime)
    begun_before = Email.objects.filter(state=EmailState.SENDING, lease_until__lt=born + timedelta(minutes=3))
    begun_before.update(lease_until=timezone.now())


def measure(events: int, emails: int) -> dict[str, int]:
    # The mail server logs a line for every command.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        with parts_running() as parts:
            results = {"events": events, "mismatched": mismatched(events), "oversold": oversold()}
            Email.objects.all().delete()
            results |= count_emails(parts, emails)
        live.wait_until(live.is_alone, what="the killed processes to leave the database")
    finally:
        connection.close()
        teardown_databases(made, verbosity=0)
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--events", type=int, default=1000)
    arguments.add_argument("--emails", type=int, default=500)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure(options.events, options.emails)
    print("  ".join(f"{key} {value}" for key, value in results.items()))
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
