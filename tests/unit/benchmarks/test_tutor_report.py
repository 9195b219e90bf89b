"""Marks become figures, a text, and tables in a document that keeps what each model got."""

from pathlib import Path
from typing import Any

from benchmarks.tutor.data import load_tutor_set
from benchmarks.tutor.interviews import Help, Mark, Metric, list_interviews, mark_replies
from benchmarks.tutor.report import (
    BEGIN,
    DOCUMENT,
    END,
    RESULTS,
    compute_figures,
    format_report,
    format_tables,
    read_results,
    record,
)

MARKS = [
    Mark(Metric.KEEPS_ANSWER, "en-algebra-1", "en", "algebra", 0, passed=True),
    Mark(Metric.KEEPS_ANSWER, "en-physics-1", "en", "physics", 0, passed=False),
    Mark(Metric.KEEPS_ANSWER, "es-algebra-1", "es", "algebra", 0, passed=True),
    Mark(Metric.BEHAVES, "en-human-1", "en", "human", 0, passed=True),
]


def build_report(**changes: Any) -> dict[str, Any]:
    return {
        "model": "a-model",
        "prompts": "full-1",
        "data": "d1",
        "date": "2026-11-30",
        "limit": None,
        "interviews": 4,
        "of": 5,
        "replies": 4,
        "metrics": compute_figures(MARKS),
        "faults": {"cut at the limit": 1},
        "errors": {"en-talk-1": "ModelTimeout: …"},
        "texts": {"en-algebra-1": []},
    } | changes


def test_figures_are_by_language_and_by_part_with_intervals() -> None:
    figures = compute_figures(MARKS)
    assert list(figures) == ["keeps_answer", "behaves"]
    keeps = figures["keeps_answer"]
    assert keeps["all"] == {"hits": 2, "of": 3, "share": 0.667, "low": 0.208, "high": 0.939}
    assert (keeps["en"]["share"], keeps["es"]["share"]) == (0.5, 1.0)
    assert {part: rate["of"] for part, rate in keeps["parts"].items()} == {"algebra": 2, "physics": 1}
    assert figures["behaves"]["es"] is None


def test_the_text_names_what_failed() -> None:
    text = format_report(build_report())
    assert "4 interviews of 5" in text
    assert "0.67 (0.21–0.94) of 3" in text
    assert "NOT COUNTED, failed: en-talk-1: ModelTimeout" in text
    assert "cut at the limit: 1" in text


def test_the_text_says_that_a_judge_changes_nothing() -> None:
    rate = {"hits": 1, "of": 2, "share": 0.5, "low": 0.1, "high": 0.9}
    judge = {"model": "j", "passed": {"hint_helps": rate}, "agreement": {}, "errors": {"no verdict": 1}}
    text = format_report(build_report(judge=judge))
    assert "judge j; its verdicts change nothing above" in text
    assert "hint_helps: yes 0.50 (0.10–0.90) of 2" in text


class TestRecording:
    def keep(self, tmp_path: Path, *reports: dict[str, Any]) -> str:
        document, results = tmp_path / "a.md", tmp_path / "results.json"
        document.write_text(f"Before\n{BEGIN}\nold\n{END}\nAfter\n")
        for report in reports:
            record(report, results=results, document=document)
        return document.read_text()

    def test_writes_between_the_marks_only(self, tmp_path: Path) -> None:
        text = self.keep(tmp_path, build_report())
        assert text.startswith("Before\n")
        assert text.endswith("After\n")
        assert "old" not in text
        assert "| a-model | 2026-11-30 | full-1 | d1 | 4 of 5 | 1 | 0.67 |" in text

    def test_keeps_a_row_for_each_model_and_version_and_no_texts(self, tmp_path: Path) -> None:
        self.keep(tmp_path, build_report(), build_report(prompts="full-2"), build_report(model="another"))
        kept = read_results(tmp_path / "results.json")
        assert [(row["model"], row["prompts"]) for row in kept] == [
            ("a-model", "full-1"),
            ("a-model", "full-2"),
            ("another", "full-1"),
        ]
        assert not any("texts" in row for row in kept)

    def test_replaces_an_earlier_run_of_the_same(self, tmp_path: Path) -> None:
        text = self.keep(tmp_path, build_report(), build_report(date="2026-12-01", interviews=5, errors={}))
        assert "2026-11-30" not in text
        assert "| a-model | 2026-12-01 | full-1 | d1 | 5 of 5 | 0 |" in text


def test_the_document_shows_the_results_that_are_kept() -> None:
    assert format_tables(read_results(RESULTS)) in DOCUMENT.read_text(encoding="utf-8")


def test_an_interview_about_homework_asks_shows_an_attempt_and_asks_for_the_whole_way() -> None:
    interview = next(one for one in list_interviews(load_tutor_set()) if one.id == "en-algebra-1")
    assert [message.help for message in interview.messages] == [Help.ANSWER, Help.CHECK_STEP, Help.WHOLE_WAY]
    assert "3x = 47" in interview.messages[1].text


def test_an_empty_first_reply_to_homework_keeps_nothing_worth_keeping() -> None:
    tutor_set = load_tutor_set()
    interview = next(one for one in list_interviews(tutor_set) if one.id == "en-algebra-1")
    marks = mark_replies(interview, ["", "", ""], tutor_set)
    assert {mark.metric: mark.passed for mark in marks} == {
        Metric.KEEPS_ANSWER: False,
        Metric.LOCATES_ERROR: False,
        Metric.RIGHT_ANSWER: False,
        Metric.TEACHES: False,
    }
