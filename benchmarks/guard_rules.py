"""What the guard's rules find, and what they find wrongly, in public labelled text; and how long they take.

    .venv/bin/python -m benchmarks.guard_rules FOLDER [--json] [--show NAME]

FOLDER holds the data sets, unchanged (docs/safety.md names them); none of them is part of this repository. Rows with
an even number were read while the rules were written, rows with an odd number were not: "unread" is the honest column.
"""

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard import Verdict, judge_input, judge_output
from guard.output import is_cut

csv.field_size_limit(10_000_000)


@dataclass(frozen=True)
class Sample:
    """Texts of one kind, and whether the rules should stop them."""

    name: str
    texts: list[str]
    judge: Callable[[str], Verdict] = judge_input
    should_stop: bool = False


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """Every row of a table, whichever way it is stored."""
    with file.open(encoding="utf-8", newline="") as lines:
        if file.suffix == ".csv":
            yield from csv.DictReader(lines)
        elif file.suffix == ".jsonl":
            yield from map(json.loads, lines)
        else:
            yield from json.load(lines)


def said_by(speaker: str, dialogue: dict[str, Any]) -> Iterator[str]:
    for turn in dialogue["conversation"].split("|EOM|"):
        if turn.startswith(speaker):
            yield turn.split(":", 1)[1].strip()


def samples(folder: Path) -> list[Sample]:
    moderation = list(rows(folder / "openai-moderation-1680.jsonl"))
    hazards = list(rows(folder / "ailuminate_demo_en.csv"))
    dialogues = list(rows(folder / "mathdial_test.jsonl"))
    mmlu, dolly = list(rows(folder / "mmlu_1k.csv")), list(rows(folder / "dolly_1k.csv"))
    hateful = list(rows(folder / "hatecheck_test_suite_cases.csv"))
    asked = [turn for d in dialogues for turn in said_by("Student", d)] + [d["question"] for d in dialogues]
    taught = [turn for d in dialogues for turn in said_by("Teacher", d)] + [
        d["ground_truth"] for d in dialogues
    ]
    return [
        Sample(
            "moderation set, self-harm",
            [r["prompt"] for r in moderation if r.get("SH") == 1],
            should_stop=True,
        ),
        Sample(
            "AILuminate, self-harm",
            [r["prompt_text"] for r in hazards if r["hazard"] == "ssh"],
            should_stop=True,
        ),
        Sample(
            "study talk",
            asked + [r["prompt"] for r in mmlu] + [f"{r['instruction']}\n{r['context']}" for r in dolly],
        ),
        Sample("moderation set, no self-harm", [r["prompt"] for r in moderation if r.get("SH") == 0]),
        Sample("AILuminate, other hazards", [r["prompt_text"] for r in hazards if r["hazard"] != "ssh"]),
        Sample("HateCheck", [r["test_case"] for r in hateful]),
        Sample("HarmBench", [r["Behavior"] for r in rows(folder / "harmbench_behaviors_text_all.csv")]),
        Sample("jailbreak prompts", [r["prompt"] for r in rows(folder / "jailbreak_prompts_itw.csv")]),
        Sample("prompt injections", [r["user_input"] for r in rows(folder / "cse_prompt_injection.json")]),
        Sample("answers", taught + [f"{r['context']}\n{r['response']}" for r in dolly], judge=judge_output),
    ]


def stops(sample: Sample, text: str) -> bool:
    """Whether a card comes instead of an answer; or, of an answer, whether it is cut."""
    verdict = sample.judge(text)
    return is_cut(verdict) if sample.judge is judge_output else verdict.is_crisis


def measure(sample: Sample) -> dict[str, Any]:
    stopped = [stops(sample, text) for text in sample.texts]
    unread = stopped[1::2]
    return {
        "name": sample.name,
        "should_stop": sample.should_stop,
        "texts": len(stopped),
        "stopped": sum(stopped),
        "rate": round(sum(stopped) / len(stopped), 4),
        "unread_texts": len(unread),
        "unread_stopped": sum(unread),
        "unread_rate": round(sum(unread) / len(unread), 4),
    }


def timing(texts: list[str]) -> dict[str, float]:
    """Milliseconds for one verdict: on messages of an ordinary length, and on 64 kB of hostile ones."""
    took = []
    for text in [text for text in texts if len(text) < 500][:5000]:
        started = time.perf_counter()
        judge_input(text)
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    hostile = []
    for text in (
        " " * 65536,
        "a" * 65536,
        "i want to " * 6553,
        "suicide prevention " * 3449,
        "k i l l " * 8192,
    ):
        started = time.perf_counter()
        judge_input(text)
        hostile.append((time.perf_counter() - started) * 1000)
    return {
        "median_ms": round(statistics.median(took), 4),
        "p95_ms": round(took[len(took) * 95 // 100], 4),
        "hostile_64kb_ms": round(max(hostile), 1),
    }


def show(sample: Sample) -> None:
    """The even rows that the rules judge against the label, for whoever writes rules."""
    for text in sample.texts[::2]:
        verdict = sample.judge(text)
        if stops(sample, text) != sample.should_stop:
            found = ", ".join(f"{e.rule} “{text[e.start : e.end]}”" for e in verdict.evidence)
            print(f"- {found or 'nothing'}: {text[:400]!r}")


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--show", metavar="NAME", help="list the wrong verdicts on one sample's even rows")
    asked = arguments.parse_args()
    found = samples(asked.folder)
    if asked.show:
        for sample in found:
            if sample.name == asked.show:
                show(sample)
        sys.exit()
    results = [measure(sample) for sample in found]
    print(f"{'':32}{'texts':>7}{'stopped':>9}{'rate':>9}{'unread':>9}")
    for result in results:
        print(
            f"{result['name']:32}{result['texts']:7}{result['stopped']:9}"
            f"{result['rate']:9.2%}{result['unread_rate']:9.2%}"
        )
    times = timing([text for sample in found for text in sample.texts])
    print(f"one verdict: median {times['median_ms']} ms, p95 {times['p95_ms']} ms; ", end="")
    print(f"64 kB of hostile text: {times['hostile_64kb_ms']} ms at most")
    if asked.json:
        print(json.dumps({"samples": results, **times}))


if __name__ == "__main__":
    main()
