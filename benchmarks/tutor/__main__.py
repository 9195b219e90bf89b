"""Evaluates a model as this site's tutor: homework, direct questions, long talks and conduct, in English and Spanish.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.tutor [--limit 5] [--json]
    TUTOR_BASE_URL=… TUTOR_MODEL=… KITCHEN_MODE=demo SECRET_KEY=x .venv/bin/python -m benchmarks.tutor --json

The model is that of the site's own settings (TUTOR_BASE_URL, TUTOR_MODEL, TUTOR_PROMPT_PROFILE …), or with --model one
of the admin pages, by its name there. It gets the site's prompts and memory; lessons, guard and output gate are left
out. Replies are kept in .data/tutor, and a run that was stopped goes on where it was. docs/tutor-evaluation.md explains
the figures; --record writes them there.

TUTOR_JUDGE_BASE_URL and TUTOR_JUDGE_MODEL name a second model that judges the replies as well; its verdicts are
reported apart. The exit code is 1 if an interview failed: the figures are then of the others.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from benchmarks.tutor.asking import compute_prompt_version, find_model, list_instructions  # noqa: E402
from benchmarks.tutor.data import compute_data_version, load_tutor_set  # noqa: E402
from benchmarks.tutor.interviews import list_interviews, mark_replies  # noqa: E402
from benchmarks.tutor.judging import Judgement, find_judge, judge_replies  # noqa: E402
from benchmarks.tutor.report import compute_figures, describe_rate, format_report, record  # noqa: E402
from benchmarks.tutor.running import ReplyStore, count_faults, hold_interviews  # noqa: E402
from inference.provider import close_clients  # noqa: E402
from routing.models import TutorModel  # noqa: E402

FOLDER = Path(".data") / "tutor"


async def evaluate(
    model: TutorModel,
    *,
    folder: Path | None = None,
    limit: int | None = None,
    at_once: int = 4,
    is_fresh: bool = False,
) -> dict[str, Any]:
    """Hold the interviews with a model and return the report."""
    tutor_set, prompts = load_tutor_set().limit(limit), compute_prompt_version(model)
    interviews = list_interviews(tutor_set)
    path = (folder or FOLDER) / f"{name_run(model, prompts)}.jsonl"
    if is_fresh:
        path.unlink(missing_ok=True)
    store = ReplyStore(path)

    def report_progress(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{len(interviews)} interviews", end="", file=sys.stderr, flush=True)

    try:
        outcome = await hold_interviews(
            model, interviews, store, at_once=at_once, report_progress=report_progress
        )
        marks = [
            mark
            for interview in interviews
            if interview.id in outcome.replies
            for mark in mark_replies(
                interview,
                [reply.text for reply in outcome.replies[interview.id]],
                tutor_set,
                list_instructions(model),
            )
        ]
        judge = find_judge()
        judgement = (
            await judge_replies(judge, interviews, outcome.replies, marks, store, at_once=at_once)
            if judge
            else None
        )
    finally:
        await close_clients()
    replies = [reply for held in outcome.replies.values() for reply in held]
    return {
        "benchmark": "tutor",
        "model": model.model_name,
        "prompts": prompts,
        "data": compute_data_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "limit": limit,
        "interviews": len(outcome.replies),
        "of": len(interviews),
        "reused": outcome.reused,
        "replies": len(replies),
        "seconds_a_reply": round(sum(reply.seconds for reply in replies) / max(1, len(replies)), 2),
        "metrics": compute_figures(marks),
        "faults": count_faults(outcome.replies),
        "errors": outcome.errors,
        **({"judge": describe_judgement(judgement)} if judgement else {}),
        "texts": {
            interview.id: [
                {
                    "message": message.text,
                    "reply": reply.text,
                    "marks": {
                        str(mark.metric): mark.passed
                        for mark in marks
                        if mark.item == interview.id and mark.reply == number
                    },
                }
                for number, (message, reply) in enumerate(
                    zip(interview.messages, outcome.replies[interview.id], strict=True)
                )
            ]
            for interview in interviews
            if interview.id in outcome.replies
        },
    }


def describe_judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "model": judgement.model,
        "passed": {name: describe_rate(rate) for name, rate in judgement.rates.items()},
        "agreement": {name: describe_rate(rate) for name, rate in judgement.agreement.items()},
        "errors": judgement.errors,
    }


def name_run(model: TutorModel, prompts: str) -> str:
    """Return a file name for what is asked of a model, at one address and with one version of the prompts."""
    # The embedded server has another port each time.
    where = json.dumps(
        [urlsplit(model.base_url).hostname, model.extra_fields, model.context_tokens, model.answer_tokens]
    )
    slug = re.sub(r"[^\w.-]+", "-", Path(model.model_name).name)
    return f"{slug}-{prompts}-{hashlib.sha256(where.encode()).hexdigest()[:6]}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", help="the name of a model of the admin pages (default: the settings' model)"
    )
    parser.add_argument(
        "--limit", type=int, help="at most so many of each part, and a third of that of long talks"
    )
    parser.add_argument("--at-once", type=int, default=4, help="how many conversations at the same time (4)")
    parser.add_argument("--fresh", action="store_true", help="ask everything again")
    parser.add_argument("--record", action="store_true", help="write the figures to docs/tutor-evaluation.md")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, with all replies, as the last line"
    )
    options = parser.parse_args()
    try:
        model = find_model(options.model)
    except TutorModel.DoesNotExist:
        parser.error(f"The admin pages have no model with the name {options.model!r}.")
    if not model.base_url:
        parser.error("No model is set. Set TUTOR_BASE_URL and TUTOR_MODEL (docs/operations.md).")
    report = asyncio.run(
        evaluate(model, limit=options.limit, at_once=options.at_once, is_fresh=options.fresh)
    )
    print(format_report(report))
    if options.record:
        record(report)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    return 1 if report["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
