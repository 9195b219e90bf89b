"""Compares the time to the first token through the whole site with that of the model's server alone.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.first_token [--json]

Both use the same prompt. Through the site the time is from the question's POST to the first words on the page's event
stream, with sign-in, guard, ledger, queue, worker, output gate and stream. The two alternate, so that both run under
the same load.
"""

import argparse
import http.client
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - models need the settings first
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from chat.prompt import build_prompt  # noqa: E402
from tests import live  # noqa: E402

PAIRS = 20
WARM_UP = 3
# Several people ask in turn, because of the limit of twelve questions a minute per person.
PEOPLE = 4
QUESTION = "Why is the sky blue?"
ANSWER_TOKENS = 16


def direct() -> float:
    """Return the seconds from the request to the model's first token."""
    at = urlsplit(settings.TUTOR_BASE_URL)
    body = {
        "model": settings.TUTOR_MODEL,
        "messages": build_prompt(QUESTION, remembered=[]).messages,
        "max_tokens": ANSWER_TOKENS,
        "stream": True,
    }
    headers = {"Authorization": f"Bearer {settings.TUTOR_API_KEY}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
    started = time.perf_counter()
    connection.request("POST", f"{at.path}/chat/completions", json.dumps(body), headers)
    reply = connection.getresponse()
    for line in iter(reply.readline, b""):
        if line.startswith(b"data: {") and (json.loads(line[6:])["choices"][0]["delta"].get("content")):
            break
    took = time.perf_counter() - started
    connection.close()
    return took


def through_site(web_client: live.SignedInClient) -> float:
    """Return the seconds from the question's POST to its first text on the event stream."""
    started = time.perf_counter()
    turn_id = web_client.ask(QUESTION)
    reply = web_client.get(f"/tutor/turns/{turn_id}/stream")
    for line in iter(reply.readline, b""):
        if b"-growing" in line:
            break
    took = time.perf_counter() - started
    for line in iter(reply.readline, b""):
        if line.startswith(b"event: done"):
            break
    reply.close()
    return took


@contextmanager
def site() -> Iterator[list[live.SignedInClient]]:
    """Run web and worker on a test database. Yields several signed-in people."""
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        with live.running(live.Web(logs / "web.log")) as web, live.running(live.Worker(logs / "worker.log")):
            people = [Person.objects.create_user(f"teen{number}", role=Role.TEEN) for number in range(PEOPLE)]
            yield [live.SignedInClient(web, person) for person in people]
        live.wait_until(live.is_alone, what="the site to leave the database")
    teardown_databases(made, verbosity=0)


def measure() -> dict[str, Any]:
    with site() as people:
        for number in range(WARM_UP):
            direct()
            through_site(people[number % PEOPLE])
        pairs = [(direct(), through_site(people[number % PEOPLE])) for number in range(PAIRS)]
    straight, whole = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    return {
        "pairs": PAIRS,
        "direct_ms": round(straight, 1),
        "site_ms": round(whole, 1),
        "added_ms": round(statistics.median(b - a for a, b in pairs) * 1000, 1),
        "ratio": round(statistics.median(b / a for a, b in pairs), 2),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure()
    print(f"time to first token, median of {results['pairs']} pairs, warm")
    print(f"  straight from the model's server  {results['direct_ms']:8.1f} ms")
    print(f"  through the whole site            {results['site_ms']:8.1f} ms")
    print(f"  added                             {results['added_ms']:8.1f} ms   ratio {results['ratio']:.2f}")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
