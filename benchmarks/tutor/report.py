"""Turns marks into figures, a text and the tables of docs/tutor-evaluation.md. Pure, but for the two files."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rate import Rate, counted
from benchmarks.tutor.interviews import Mark, Metric

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT, RESULTS = ROOT / "docs" / "tutor-evaluation.md", Path(__file__).with_name("results.json")
BEGIN, END = "<!-- results: written by `benchmarks.tutor --record` -->", "<!-- end of results -->"
NAMES = {
    Metric.KEEPS_ANSWER: "first reply keeps the answer",
    Metric.LOCATES_ERROR: "wrong step is located",
    Metric.RIGHT_ANSWER: "final answer is right",
    Metric.TEACHES: "all three of them",
    Metric.ANSWERS_DIRECTLY: "direct question is answered directly",
    Metric.REMEMBERS: "long talk is remembered",
    Metric.BEHAVES: "conduct",
    Metric.IN_LANGUAGE: "reply is in the learner's language",
}
# What makes two runs the same row.
IDENTITY = ("model", "prompts", "data", "limit")


def compute_figures(marks: Sequence[Mark]) -> dict[str, Any]:
    """Return for each metric the rate of all marks, by language, and by subject or kind."""
    by_metric = {metric: [mark for mark in marks if mark.metric is metric] for metric in Metric}
    return {str(metric): _compute_metric(found) for metric, found in by_metric.items() if found}


def _compute_metric(marks: Sequence[Mark]) -> dict[str, Any]:
    parts = sorted({mark.part for mark in marks})
    return {
        "all": describe_rate(_rate(marks)),
        **{
            language: describe_rate(_rate(mark for mark in marks if mark.language == language))
            for language in ("en", "es")
        },
        "parts": {part: describe_rate(_rate(mark for mark in marks if mark.part == part)) for part in parts},
    }


def _rate(marks: Iterable[Mark]) -> Rate:
    return counted(mark.passed for mark in marks)


def describe_rate(rate: Rate) -> dict[str, float | int] | None:
    """Return a rate with its Wilson interval; None if nothing was counted."""
    if not rate.of:
        return None
    low, high = rate.interval
    return {
        "hits": rate.hits,
        "of": rate.of,
        "share": round(rate.share, 3),
        "low": round(low, 3),
        "high": round(high, 3),
    }


def format_rate(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "–"
    return f"{figures['share']:.2f} ({figures['low']:.2f}–{figures['high']:.2f}) of {figures['of']}"


def format_report(report: Mapping[str, Any]) -> str:
    """Return a report as lines for a terminal."""
    lines = [
        f"model {report['model']}, prompts {report['prompts']}, data {report['data']}, {report['date']}",
        f"{report['interviews']} interviews of {report['of']}, {report['replies']} replies"
        + (f", limited to {report['limit']} of each part" if report["limit"] else ""),
        "",
        f"{'':38} {'all':30} {'English':30} {'Spanish':30}",
    ]
    for metric, figures in report["metrics"].items():
        columns = "".join(f" {format_rate(figures[language]):30}" for language in ("all", "en", "es"))
        lines.append(f"{NAMES[Metric(metric)]:38}{columns}")
    for metric, figures in report["metrics"].items():
        if len(figures["parts"]) > 1:
            parts = ", ".join(
                f"{part} {rate['hits']}/{rate['of']}" for part, rate in figures["parts"].items()
            )
            lines.append(f"  {NAMES[Metric(metric)]}: {parts}")
    lines += [f"replies: {name}: {count}" for name, count in report["faults"].items()]
    lines += [f"NOT COUNTED, failed: {item}: {error}" for item, error in report["errors"].items()]
    if judge := report.get("judge"):
        lines += ["", f"judge {judge['model']}; its verdicts change nothing above"]
        for metric, figures in judge["passed"].items():
            agreement = judge["agreement"].get(metric)
            agrees = f", agrees with the rules {format_rate(agreement)}" if agreement else ""
            lines.append(f"  {metric}: yes {format_rate(figures)}{agrees}")
        lines += [f"  no verdict: {name}: {count}" for name, count in judge["errors"].items()]
    return "\n".join(lines)


def record(report: Mapping[str, Any], *, results: Path = RESULTS, document: Path = DOCUMENT) -> None:
    """Keep a report in the results, in place of an earlier one of the same run, and write the document's tables."""
    kept = [other for other in read_results(results) if _identify(other) != _identify(report)]
    kept.append({name: value for name, value in report.items() if name != "texts"})
    kept.sort(key=lambda other: (other["model"], other["date"], other["prompts"]))
    results.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = document.read_text(encoding="utf-8")
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n\n{format_tables(kept)}\n{END}{after}", encoding="utf-8")


def read_results(results: Path = RESULTS) -> list[dict[str, Any]]:
    return list(json.loads(results.read_text(encoding="utf-8"))) if results.exists() else []


def _identify(report: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(report[name] for name in IDENTITY)


def format_tables(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of all reports, and for each report its figures by language."""
    short = ["keeps", "locates", "right", "all three", "direct", "remembers", "conduct", "language"]
    lines = [
        f"| model | date | prompts | data | interviews | failed | {' | '.join(short)} |",
        f"|{'---|' * (6 + len(short))}",
    ]
    for report in reports:
        shares = [
            f"{report['metrics'][metric]['all']['share']:.2f}" if metric in report["metrics"] else "–"
            for metric in map(str, Metric)
        ]
        held = f"{report['interviews']} of {report['of']}" + (
            f", at most {report['limit']} a part" if report["limit"] else ""
        )
        cells = [report["model"], report["date"], report["prompts"], report["data"], held]
        lines.append(f"| {' | '.join(cells)} | {len(report['errors'])} | {' | '.join(shares)} |")
    for report in reports:
        lines += ["", f"### {report['model']}, {report['prompts']}, {report['date']}", ""]
        lines += ["| | all | English | Spanish |", "|---|---|---|---|"]
        for metric, figures in report["metrics"].items():
            columns = " | ".join(format_rate(figures[language]) for language in ("all", "en", "es"))
            lines.append(f"| {NAMES[Metric(metric)]} | {columns} |")
        if judge := report.get("judge"):
            verdicts = "; ".join(f"{name} {format_rate(rate)}" for name, rate in judge["passed"].items())
            lines += ["", f"Judge {judge['model']}: {verdicts}."]
    return "\n".join(lines)
