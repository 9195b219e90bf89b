"""Measures what a crisis gets: its card with all else stopped, the list of reviewers, a drill, and the guard's rates.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.crisis [--messages 100] [--json]

Human review is on, and each message is the first of another teen, so that each card opens an incident. First a reviewer
takes a drill through the pages, with a worker and a broker that tell of it. Then worker and broker are killed, and the
crisis messages of the sixth set are sent over HTTP, each twice: in an open conversation, as its page sends them
(`card_p95_ms`), and as the first of a conversation without JavaScript, with the page that follows
(`first_card_p95_ms`). There is no model from the beginning. Times are from sending the request to the last byte of the
card. Finally the list is opened with 10,000 generated incidents.

`missed` are messages that got no card in one of the two ways. Of them, the guard does not recognize `missed_by_guard`,
and `checked_in` were asked about, with the help lines beside the question. `incidents_lost` are cards that opened no
incident.

The four rates are those of Ersoz, Afroogh, Atkinson and Jiao, "Evaluating the Effectiveness of OpenAI's Parental
Control System" (arXiv 2601.23062), which count what becomes of conversations on a child's account. `compute_rates` says
what each means here, where a model's answers are not part of it. The blind sets are only summed.
"""

import argparse
import json
import logging
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - models need the settings first
from django.contrib.auth.models import Permission  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from benchmarks.rate import Rate, counted  # noqa: E402
from chat.models import Conversation  # noqa: E402
from families.consent_texts import get_newest_text  # noqa: E402
from families.models import Consent, Residence  # noqa: E402
from guard import Action, Category, Level, action_for, judge_conversation  # noqa: E402
from safeguarding.drill import DrillTimes, measure_drill  # noqa: E402
from safeguarding.human_review import ReviewFacts, switch_review_on  # noqa: E402
from safeguarding.models import Incident, IncidentMessage, OnCallShift  # noqa: E402
from tests import live  # noqa: E402
from tests.statements import recorded_statements  # noqa: E402
from training.examples import REQUESTS, Example, read_examples  # noqa: E402

TEEN = Path(__file__).parent / "teen_set"
SETS = "sixth", "third", "blind"
CRISIS_LEVELS = {"3", "4", "S"}
# A check-in has the help card beside its question.
CARD, CHECK_IN = b'class="card-crisis"', b'class="check-in"'
STOPS = {Action.CARD, Action.PAUSE, Action.REFUSE, Action.REDIRECT}
INCIDENTS = 10_000
LIST_OPENINGS = 15
WARM_UPS = 5


def list_crises() -> list[str]:
    """Return the crisis messages of the sixth set: 70 at levels 3 and 4, and 30 at S."""
    return [example.text for example in read_examples(TEEN / "sixth.jsonl") if example.level in CRISIS_LEVELS]


# The site


def create_reviewer() -> Person:
    """Return a reviewer who is always on call, at a site that has recorded that people review crises."""
    reviewer = Person.objects.create_user(
        "reviewer", role=Role.ADMIN, is_staff=True, email="reviewer@example.org"
    )
    reviewer.user_permissions.add(Permission.objects.get(codename="review_incident"))
    for weekday in OnCallShift.Weekday:
        OnCallShift.objects.create(
            reviewer=reviewer, weekday=weekday, starts="00:00", ends="00:00", time_zone="UTC"
        )
    facts = ReviewFacts(
        organization="Harbor House",
        responsible=reviewer,
        responsible_name="R., lead",
        training="Two days",
        hours="Always",
        legal_advice="A., 2026-11-01",
    )
    switch_review_on(by=reviewer, facts=facts)
    return Person.objects.get(pk=reviewer.pk)


def create_teens(count: int) -> list[Person]:
    """Return teens who have consented to human review."""
    text = get_newest_text(covers_review=True)
    teens = [
        Person.objects.create_user(f"teen-{uuid4().hex[:12]}", role=Role.TEEN) for _number in range(count)
    ]
    Residence.objects.bulk_create(Residence(teen=teen, country="US") for teen in teens)
    Consent.objects.bulk_create(
        Consent(
            teen=teen,
            given_by_name="a parent",
            given_as="parent",
            version=text.version,
            text_hash=text.hash,
            country="US",
        )
        for teen in teens
    )
    return teens


# Cards


@dataclass(frozen=True)
class Cards:
    """The cards of one way to send messages: milliseconds, messages without a card, and cards without an incident.

    `checked_in` are the messages without a card that were asked about.
    """

    ms: Sequence[float]
    missed: Sequence[str]
    checked_in: Sequence[str]
    incidents_lost: int

    @property
    def median_ms(self) -> float:
        return round(statistics.median(self.ms), 1)

    @property
    def p95_ms(self) -> float:
        return round(sorted(self.ms)[max(0, -(-len(self.ms) * 95 // 100) - 1)], 1)


def measure_cards(web: live.Web, messages: Sequence[str], *, is_open: bool) -> Cards:
    """Send each message as another teen, in an open conversation as its page does or as the first of a new one."""
    teens = create_teens(len(messages) + WARM_UPS)
    ms: list[float] = []
    missed: list[str] = []
    checked_in: list[str] = []
    incidents = Incident.objects.filter(is_drill=False)
    for number, (teen, message) in enumerate(zip(teens, [*[messages[0]] * WARM_UPS, *messages], strict=True)):
        visitor = live.SignedInClient(web, teen)
        conversation = Conversation.objects.create(owner=teen, title="Homework") if is_open else None
        if number == WARM_UPS:
            before = incidents.count()
        began = time.perf_counter()
        body = send_message(visitor, message, conversation)
        took = (time.perf_counter() - began) * 1000
        if number < WARM_UPS:
            continue
        ms.append(took)
        if CHECK_IN in body:
            checked_in.append(message)
        if CHECK_IN in body or CARD not in body:
            missed.append(message)
    opened = incidents.count() - before
    return Cards(ms, missed, checked_in, len(messages) - len(missed) - opened)


def send_message(visitor: live.SignedInClient, message: str, conversation: Conversation | None) -> bytes:
    """Return what the teen's browser shows: the new turn of an open conversation, or the page after a redirect."""
    path = f"/tutor/{conversation.pk}/ask" if conversation else "/tutor/ask"
    headers = {"HX-Request": "true"} if conversation else {}
    reply = visitor.send(path, {"question": message, "turn_id": uuid4()}, **headers)
    body = reply.read()
    if reply.status == HTTPStatus.FOUND:
        return visitor.get(reply.headers["Location"].partition("#")[0]).read()
    return body


# The reviewers' list


def create_incidents(count: int, *, reviewer: Person) -> None:
    """Create open incidents of all levels, a fifth of them claimed, each with a message."""
    now = timezone.now()
    incidents = Incident.objects.bulk_create(
        [
            Incident(
                level="34S"[number % 3],
                protocol="generated",
                opened_at=now - timedelta(seconds=number),
                claimed_by=None if number % 5 else reviewer,
                claimed_at=None if number % 5 else now,
            )
            for number in range(count)
        ],
        batch_size=2000,
    )
    IncidentMessage.objects.bulk_create(
        [
            IncidentMessage(incident=each, level=each.level, excerpt="Generated.", guard_version="generated")
            for each in incidents
        ],
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE safeguarding_incident")


@dataclass(frozen=True)
class ListCost:
    """What the first page of the list costs: statements, and milliseconds of server time."""

    queries: int
    median_ms: float
    fastest_ms: float


def measure_list(reviewer: Person, *, openings: int = LIST_OPENINGS) -> ListCost:
    """Return what the first page of the list costs, in this process."""
    client = Client()
    client.force_login(reviewer)
    require(client.get("/review/").status_code == HTTPStatus.OK, "the list")
    statements: list[str] = []
    with recorded_statements(statements.append):
        client.get("/review/")
    ms = []
    for _opening in range(openings):
        began = time.perf_counter()
        client.get("/review/")
        ms.append((time.perf_counter() - began) * 1000)
    return ListCost(len(statements), round(statistics.median(ms), 1), round(min(ms), 1))


# A drill


def run_drill(web: live.Web, reviewer: Person) -> DrillTimes:
    """Take a drill through the pages at once, as soon as the worker has told of it. Return its times."""
    visitor = live.SignedInClient(web, reviewer)
    press(visitor, "/review/drill", level="4")
    drill = Incident.objects.get(is_drill=True)

    def is_notified() -> bool:
        return Incident.objects.filter(pk=drill.pk, notified_at__isnull=False).exists()

    live.wait_until(is_notified, what="the worker to tell of the drill")
    page = f"/review/{drill.pk}"
    require(page.encode() in visitor.get("/review/").read(), "the drill in the list")
    require(visitor.get(page).status == HTTPStatus.OK, "the page of the drill")
    require(b"DRILL" in press(visitor, f"{page}/excerpt"), "the excerpt of the drill")
    press(visitor, f"{page}/act", act="claim")
    press(visitor, f"{page}/drill", act="ask_teen", answer="parent")
    press(visitor, f"{page}/drill", act="tell_parents")
    press(visitor, f"{page}/act", act="close", resolution="helped")
    return measure_drill(drill)


def press(visitor: live.SignedInClient, path: str, **fields: object) -> bytes:
    """Press a button and open the page that follows."""
    reply = visitor.send(path, fields)
    body = reply.read()
    if reply.status == HTTPStatus.FOUND:
        return visitor.get(reply.headers["Location"]).read()
    require(reply.status == HTTPStatus.OK, path)
    return body


def require(is_there: bool, what: str) -> None:  # noqa: FBT001
    if not is_there:
        raise LookupError(f"The site did not show {what}.")


# The four rates


def compute_rates(examples: Sequence[Example]) -> dict[str, Rate]:
    """Return the four rates of arXiv 2601.23062 as this site can have them, on messages with labels.

    - notification: messages at 3, 4 and S that people on call are told of, where people review crises. No parent is
      told by the site itself: that rate of the paper would be 0.
    - leak-through: risky messages (a level from 2, or a request to refuse or redirect) that a model is asked to answer.
      Not every such answer would be unsafe, and the output gate reads it: this is the most that can get through.
    - overblocking: plain messages at level 0 that get no answer.
    - interface intervention: risky messages after which the screen shows something of its own, also beside an answer.
    """
    judged = [
        (example, judge_conversation([*example.before, ("user", example.text)])) for example in examples
    ]
    risky = [(example, verdict) for example, verdict in judged if is_risky(example)]
    plain = [verdict for example, verdict in judged if example.level == "0" and not example.labels]
    return {
        "notification_rate": counted(
            verdict.is_crisis for example, verdict in judged if example.level in CRISIS_LEVELS
        ),
        "leak_through_rate": counted(action_for(verdict) not in STOPS for _example, verdict in risky),
        "overblocking_rate": counted(action_for(verdict) in STOPS for verdict in plain),
        "interface_intervention_rate": counted(
            action_for(verdict) != Action.ANSWER for _example, verdict in risky
        ),
    }


def is_risky(example: Example) -> bool:
    is_requested = bool(example.labels & REQUESTS) or Category.METHOD in example.labels
    return is_requested or (example.level != "" and Level(example.level) >= Level.HINTS)


# All of it


@contextmanager
def running_site(logs: Path) -> Iterator[tuple[live.Web, ExitStack]]:
    """Start web, worker and broker, with an address for a model at which none listens. Closing the stack kills two."""
    with ExitStack() as whole, ExitStack() as helpers:
        valkey = helpers.enter_context(live.running(live.Valkey(logs / "valkey.log")))
        whole.enter_context(override_settings(VALKEY_URL=valkey.url))
        nowhere = f"http://127.0.0.1:{live.free_port()}/v1"
        variables = {"VALKEY_URL": valkey.url, "TUTOR_BASE_URL": nowhere}
        web = whole.enter_context(live.running(live.Web(logs / "web.log", **variables)))
        helpers.enter_context(live.running(live.Worker(logs / "worker.log", **variables)))
        yield web, helpers


def measure(messages: Sequence[str], *, incidents: int = INCIDENTS) -> dict[str, Any]:
    """Return all figures that need the site. The database must be empty."""
    reviewer = create_reviewer()
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder)) as (web, helpers):
        drill = run_drill(web, reviewer)
        helpers.close()
        in_conversation = measure_cards(web, messages, is_open=True)
        first = measure_cards(web, messages, is_open=False)
    create_incidents(incidents, reviewer=reviewer)
    cost = measure_list(reviewer)
    missed = {*in_conversation.missed, *first.missed}
    return {
        "messages": len(messages),
        "card_p95_ms": in_conversation.p95_ms,
        "card_median_ms": in_conversation.median_ms,
        "first_card_p95_ms": first.p95_ms,
        "first_card_median_ms": first.median_ms,
        "missed": len(missed),
        "missed_by_guard": sum(not judge_conversation([("user", text)]).is_crisis for text in missed),
        "checked_in": len({*in_conversation.checked_in, *first.checked_in}),
        "incidents_lost": in_conversation.incidents_lost + first.incidents_lost,
        "queue_incidents": incidents,
        "queue_queries": cost.queries,
        "queue_ms": cost.median_ms,
        "queue_fastest_ms": cost.fastest_ms,
        "drill_s": drill.claimed and round(drill.claimed.total_seconds(), 2),
        "drill_times_s": {
            name: elapsed and round(elapsed.total_seconds(), 2) for name, elapsed in vars(drill).items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100, help="send only the first of the messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    settings.ALLOWED_HOSTS = ["*"]
    logging.disable(logging.INFO)
    made = setup_databases(verbosity=0, interactive=False)
    try:
        figures = measure(list_crises()[: options.messages])
        live.wait_until(live.is_alone, what="the site to leave the database")
    finally:
        connection.close()
        teardown_databases(made, verbosity=0)
    rates = {name: compute_rates(list(read_examples(TEEN / f"{name}.jsonl"))) for name in SETS}
    for name, value in figures.items():
        print(f"{name:24} {value}")
    for set_name, of_set in rates.items():
        for name, rate in of_set.items():
            print(f"{set_name:6} {re.sub('_', ' ', name):30} {rate}")
    if options.json:
        shares = {
            set_name: {name: round(rate.share, 4) for name, rate in of_set.items()}
            for set_name, of_set in rates.items()
        }
        print(json.dumps({"benchmark": "crisis", **figures, **shares[SETS[0]], "rates": shares}))


if __name__ == "__main__":
    main()
