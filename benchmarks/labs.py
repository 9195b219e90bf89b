"""Measures every lab: its time beside the model's own, twenty people at once, its numbers, weight and accessibility.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.labs --json [--runs 7]

A run is one press of the button: the form posted to a real web server as labs.js does, the whole reply received. The
model's own time is that of the same calls to its server, sent directly and in the same way (together where the lab
sends them together), with other words each time, so that neither gets the other's cache. `median_ratio` is the median
of the labs' ratios. `mismatched` counts saved counts and chances that differ from what the model replies now.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.core.management import call_command  # noqa: E402 - models need the settings first
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from inference import loop  # noqa: E402
from kit import valkey  # noqa: E402
from labs import kept_replies  # noqa: E402
from labs.lab import Lab, ModelReply  # noqa: E402
from labs.management.commands.save_lab_examples import run_example  # noqa: E402
from labs.registry import LABS  # noqa: E402
from labs.runs import choose_model  # noqa: E402
from labs.saved_examples import find_saved_example  # noqa: E402
from tests import live  # noqa: E402
from tests.browser.checks import list_overflows, list_problems  # noqa: E402
from tests.browser.conftest import launch  # noqa: E402
from tests.browser.test_labs import weigh_page  # noqa: E402
from tests.labs.test_saved_examples import round_numbers  # noqa: E402

TOGETHER = 20
MAX_BYTES = 150_000
WORDS = (
    "apple",
    "river",
    "window",
    "garden",
    "paper",
    "market",
    "ladder",
    "summer",
    "button",
    "kitchen",
    "bridge",
)
# Labs whose replies are kept.
KEPT = {"sure-and-wrong"}
# Replies that are numbers: these must be the same each time. The others are sampled words.
EXACT = {"tokens", "what-comes-next", "sure-and-wrong", "memory-price"}


class Timing(NamedTuple):
    """Seconds of one lab: a run, the model's own part, and the slowest of twenty people at once.

    `first` is until the slowest sees anything, and `words` until they see words of the model. `kept` are runs whose
    replies were kept, if the lab keeps any.
    """

    lab: float
    model: float
    together: float
    failed: int
    first: float
    words: float
    kept: float | None
    kept_together: float | None

    @property
    def ratio(self) -> float:
        return self.lab / self.model


def build_form(lab: Lab, number: int) -> dict[str, str]:
    """Return the form of a lab, with other words for each number."""
    word = f"{WORDS[number % len(WORDS)]} {WORDS[number // len(WORDS) % len(WORDS)]}"
    own: dict[str, dict[str, str]] = {
        "tokens": {"text": f"Bread and {word} are here.", "other": f"Pan y {word}."},
        "what-comes-next": {"text": f"The old {word} is on the"},
        "memory-price": {"text": f"What is a {word}?\nIt is a {word}.\nWhy?\nBecause of the {word}."},
        "sure-and-wrong": {"round": str(number % 3)},
        "voices": {"question": f"What do you think about the {word}?"},
        "where-from": {"question": f"What is a token, and what is a {word}?"},
    }
    given = {name: str(value) for name, value in lab.get_example().items() if value != ""}
    return given | own[lab.slug]


@contextmanager
def site() -> Iterator[live.Web]:
    """Run the web server on a test database with the modules loaded."""
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    call_command("load_content", verbosity=0)
    with tempfile.TemporaryDirectory() as folder, live.running(live.Web(Path(folder) / "web.log")) as web:
        yield web
    live.wait_until(live.is_alone, what="the site to leave the database")
    teardown_databases(made, verbosity=0)


class Run(NamedTuple):
    """Seconds until a page shows the first of a reply, the first words of the model, and all."""

    first: float
    words: float
    all: float


def time_run(client: live.SignedInClient, lab: Lab, number: int) -> Run:
    """Press the button once, as labs.js does."""
    began, times = time.perf_counter(), list[float]()
    wanted = "parts" if lab.shows_parts else "outcome"
    reply = client.send(lab.url, build_form(lab, number), **{"Lab-Reply": wanted})
    lines = [reply.readline()]
    times.append(time.perf_counter() - began)
    if lab.shows_parts:
        while line := reply.readline():
            if not line.strip():
                continue
            lines.append(line)
            times.append(time.perf_counter() - began)
    else:
        lines.append(reply.read())
        times.append(time.perf_counter() - began)
    last = lines[-1].decode()
    if reply.status != 200 or "lab-cost" not in last:
        raise RuntimeError(f"{lab.slug} answered {reply.status} without a run: {last[:800]}")
    return Run(times[0], times[1], times[-1])


def time_model(lab: Lab, number: int) -> float:
    """Return the seconds of the model's own part of a run."""
    form = lab.create_form(build_form(lab, number))
    if not form.is_valid():
        raise ValueError(form.errors)
    planned = lab.plan(form.cleaned_data, choose_model(None))

    async def ask() -> ModelReply:
        return await planned.ask(lambda _number, _text: None)

    began = time.perf_counter()
    loop.submit(ask()).result(60)
    return time.perf_counter() - began


def forget_replies() -> None:
    """Let the model be asked again for what was kept."""
    client = valkey.create_client()
    for key in client.scan_iter(match=f"*{kept_replies.PREFIX}:*"):
        client.delete(key)


def time_together(client: live.SignedInClient, lab: Lab, number: int) -> Run | None:
    """Return the seconds of a run beside nineteen others; None if no model answered in time."""
    try:
        return time_run(client, lab, number)
    except (RuntimeError, TimeoutError):
        return None


def measure_lab(lab: Lab, people: list[live.SignedInClient], runs: int) -> Timing:
    """Time a lab and the model's part of it in turns, then twenty people at once, with other words for each.

    Kept replies are forgotten first. They are timed apart, at one person and at twenty.
    """
    time_run(people[0], lab, 100)
    own, model, kept = list[float](), list[float](), list[float]()
    for run in range(runs):
        forget_replies()
        own.append(time_run(people[run % len(people)], lab, 2 * run).all)
        kept.append(time_run(people[(run + 1) % len(people)], lab, 2 * run).all)
        model.append(time_model(lab, 2 * run + 1))
    forget_replies()
    together = run_together(lab, people)
    answered = [run for run in together if run is not None]
    again = [run.all for run in run_together(lab, people) if run] if lab.slug in KEPT else []
    return Timing(
        statistics.median(own),
        statistics.median(model),
        max((run.all for run in answered), default=0.0),
        TOGETHER - len(answered),
        max((run.first for run in answered), default=0.0),
        max((run.words for run in answered), default=0.0),
        statistics.median(kept) if lab.slug in KEPT else None,
        max(again, default=None),
    )


def run_together(lab: Lab, people: list[live.SignedInClient]) -> list[Run | None]:
    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(lambda place: time_together(people[place], lab, 50 + place), range(TOGETHER)))


def count_mismatched() -> int:
    """Return how many saved replies with numbers differ from what the model replies now."""
    exact = [lab for lab in LABS if lab.slug in EXACT]
    saved = {lab: find_saved_example(lab.slug, "en") for lab in exact}
    return sum(
        one is None or round_numbers(one.raw) != round_numbers(run_example(lab).raw)
        for lab, one in saved.items()
    )


def look_at_pages(web: live.Web) -> tuple[int, dict[str, int]]:
    """Return how many problems axe and the widths find on all labs, and the bytes of each page.

    With an empty cache, and texts in gzip as the proxy sends them."""
    problems, weights = 0, dict[str, int]()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for path in ["/labs/", *(lab.url for lab in LABS)]:
            context = browser.new_context(base_url=web.url, service_workers="block")
            page = context.new_page()
            weights[path] = weigh_page(page, path)
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 844})
                problems += len(list(list_problems(page)))
            problems += len(list(list_overflows(page)))
            context.close()
        browser.close()
    return problems, weights


def measure(runs: int) -> dict[str, Any]:
    with site() as web:
        people = [
            live.SignedInClient(web, Person.objects.create_user(f"person{place}", role=Role.PARENT))
            for place in range(TOGETHER)
        ]
        timings = {lab.slug: measure_lab(lab, people, runs) for lab in LABS}
        problems, weights = look_at_pages(web)
        mismatched = count_mismatched()
    return {
        "labs": {
            slug: {
                "seconds": round(timing.lab, 3),
                "model_seconds": round(timing.model, 3),
                "ratio": round(timing.ratio, 2),
                "seconds_at_20": round(timing.together, 2),
                "failed_at_20": timing.failed,
                "first_shown_at_20": round(timing.first, 2),
                "first_words_at_20": round(timing.words, 2),
            }
            | {
                name: round(seconds, 3)
                for name, seconds in (
                    ("kept_seconds", timing.kept),
                    ("kept_seconds_at_20", timing.kept_together),
                )
                if seconds is not None
            }
            for slug, timing in timings.items()
        },
        "median_ratio": round(statistics.median(timing.ratio for timing in timings.values()), 2),
        "mismatched": mismatched,
        "axe_violations": problems,
        "bytes": weights,
        "too_heavy": [path for path, weight in weights.items() if weight > MAX_BYTES],
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    results = measure(given.runs)
    if given.json:
        print(json.dumps(results, indent=1))
        return
    for slug, lab in results["labs"].items():
        print(f"{slug:18} {lab}")
    print({name: value for name, value in results.items() if name != "labs"})


if __name__ == "__main__":
    main()
