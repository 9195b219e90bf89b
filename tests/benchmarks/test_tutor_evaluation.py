"""The evaluation of a tutor, with scripted tutors over real HTTP, from the first request to the report."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from pytest_django import Settings

from benchmarks.tutor import __main__ as command
from benchmarks.tutor.asking import find_model
from benchmarks.tutor.data import TutorSet, load_tutor_set
from benchmarks.tutor.interviews import Metric, list_interviews
from benchmarks.tutor.report import format_report
from inference import errors
from routing.models import TutorModel
from tests.benchmarks.tutors import (
    BAD,
    IDEAL,
    KEEPS_BUT_WRONG,
    TELLS_ALL,
    ScriptedTutor,
    TutorServer,
    serve,
    serve_tutor,
)

LIMIT = 12
GOOD, POOR = 0.95, 0.05
ALL = set(Metric)
MEASURES_KNOWLEDGE = {
    Metric.LOCATES_ERROR,
    Metric.RIGHT_ANSWER,
    Metric.TEACHES,
    Metric.ANSWERS_DIRECTLY,
    Metric.REMEMBERS,
}


@pytest.fixture(scope="module")
def tutor_set() -> TutorSet:
    return load_tutor_set()


@pytest.fixture(autouse=True)
def _no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUTOR_JUDGE_BASE_URL", raising=False)
    # Waiting for a server that comes back is not what is tested here.
    monkeypatch.setattr("benchmarks.tutor.asking.RETRY_SECONDS", (0.0,))
    monkeypatch.setattr("benchmarks.tutor.judging.RETRY_SECONDS", (0.0,))


def evaluate(server: TutorServer, settings: Settings, folder: Path, **options: Any) -> dict[str, Any]:
    settings.TUTOR_BASE_URL, settings.TUTOR_MODEL = server.url, "scripted"
    return asyncio.run(command.evaluate(find_model(None), folder=folder, **{"limit": LIMIT, **options}))


def get_shares(report: Mapping[str, Any]) -> dict[str, float]:
    return {metric: figures["all"]["share"] for metric, figures in report["metrics"].items()}


@pytest.mark.parametrize(
    ("tutor", "good"),
    [
        pytest.param(IDEAL, ALL, id="ideal"),
        pytest.param(BAD, set(), id="bad"),
        pytest.param(
            TELLS_ALL, ALL - {Metric.KEEPS_ANSWER, Metric.TEACHES}, id="gives answers away but is right"
        ),
        pytest.param(KEEPS_BUT_WRONG, ALL - MEASURES_KNOWLEDGE, id="never gives answers away but is wrong"),
    ],
)
def test_the_metrics_tell_tutors_apart(
    tutor: ScriptedTutor, good: set[Metric], tutor_set: TutorSet, settings: Settings, tmp_path: Path
) -> None:
    with serve_tutor(tutor, tutor_set) as server:
        report = evaluate(server, settings, tmp_path)
    shares = get_shares(report)
    assert not report["errors"]
    assert set(shares) == ALL
    assert {metric for metric in ALL if shares[metric] >= GOOD} == good, shares
    assert {metric for metric in ALL if shares[metric] <= POOR} == ALL - good, shares


def test_the_model_gets_the_prompts_of_this_site(
    tutor_set: TutorSet, settings: Settings, tmp_path: Path
) -> None:
    with serve_tutor(IDEAL, tutor_set) as server:
        evaluate(server, settings, tmp_path, limit=1)
    first = server.asked[0]["messages"]
    assert first[0]["role"] == "system"
    assert "You are a tutor for teenagers" in first[0]["content"]
    # What was said before is remembered as on the site.
    assert any(len(request["messages"]) > 20 for request in server.asked)


def test_several_conversations_go_on_at_the_same_time(
    tutor_set: TutorSet, settings: Settings, tmp_path: Path
) -> None:
    together = Barrier(4)
    met: list[bool] = []
    with serve_tutor(IDEAL, tutor_set) as server:

        def reply(request: Mapping[str, Any]) -> str | None:
            if not met:
                try:
                    together.wait(10)
                    met.append(True)
                except BrokenBarrierError:
                    pytest.fail("Four requests were never open at once.")
            return server.reply(request)

        with serve(reply) as server.url:
            report = evaluate(server, settings, tmp_path, limit=4, at_once=4)
    assert met
    assert not report["errors"]


class TestARunThatFails:
    def test_says_which_interviews_are_missing_and_counts_only_the_others(
        self, tutor_set: TutorSet, settings: Settings, tmp_path: Path
    ) -> None:
        with serve_tutor(IDEAL, tutor_set, answers_before_failing=10) as server:
            report = evaluate(server, settings, tmp_path, at_once=1, limit=6)
        assert report["interviews"] + len(report["errors"]) == report["of"] == 20
        assert report["interviews"] == 10
        assert {error.partition(":")[0] for error in report["errors"].values()} == {
            errors.ModelMisconfigured.__name__,
            "not asked",
        }
        assert all(share == 1 for share in get_shares(report).values())

    def test_asks_only_the_rest_when_it_is_run_again(
        self, tutor_set: TutorSet, settings: Settings, tmp_path: Path
    ) -> None:
        with serve_tutor(IDEAL, tutor_set, answers_before_failing=10) as server:
            evaluate(server, settings, tmp_path, at_once=1, limit=6)
        with serve_tutor(IDEAL, tutor_set) as server:
            report = evaluate(server, settings, tmp_path, at_once=2, limit=6)
        assert report["reused"] == 10
        assert not report["errors"]
        messages = sum(len(interview.messages) for interview in list_interviews(tutor_set.limit(6)))
        assert len(server.asked) == messages - 10

    def test_has_no_figures_if_the_server_is_away(self, settings: Settings, tmp_path: Path) -> None:
        settings.TUTOR_BASE_URL, settings.TUTOR_MODEL = "http://127.0.0.1:9/v1", "away"
        report = asyncio.run(command.evaluate(find_model(None), folder=tmp_path, limit=3))
        assert report["metrics"] == {}
        assert report["interviews"] == 0
        assert len(report["errors"]) == report["of"]
        assert "ModelUnreachable" in format_report(report)

    def test_reads_a_file_whose_last_line_is_half(
        self, tutor_set: TutorSet, settings: Settings, tmp_path: Path
    ) -> None:
        with serve_tutor(IDEAL, tutor_set) as server:
            evaluate(server, settings, tmp_path, limit=2)
            (path,) = tmp_path.glob("*.jsonl")
            path.write_text(path.read_text().rstrip()[:-40])
            report = evaluate(server, settings, tmp_path, limit=2)
            assert report["reused"] == 6
            assert evaluate(server, settings, tmp_path, limit=2)["reused"] == 7


class TestAJudge:
    @pytest.fixture
    def judged(
        self, tutor_set: TutorSet, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[dict[str, Any]]:
        def judge(request: Mapping[str, Any]) -> str:
            reply = re.search(r"<reply>\n(.*)\n</reply>", request["messages"][-1]["content"], re.DOTALL)
            assert reply
            return (
                "NO. It is praise." if "Well done" in reply[1] or "Muy bien" in reply[1] else "YES, it does."
            )

        with serve_tutor(KEEPS_BUT_WRONG, tutor_set) as server, serve(judge) as address:
            monkeypatch.setenv("TUTOR_JUDGE_BASE_URL", address)
            monkeypatch.setenv("TUTOR_JUDGE_MODEL", "judge")
            yield evaluate(server, settings, tmp_path, limit=3)

    def test_is_reported_apart_with_how_often_it_agrees_with_the_rules(self, judged: dict[str, Any]) -> None:
        assert get_shares(judged)[Metric.LOCATES_ERROR] == 0
        assert get_shares(judged)[Metric.RIGHT_ANSWER] == 0
        judge = judged["judge"]
        assert judge["model"] == "judge"
        assert judge["passed"]["locates_error"]["share"] == 0
        assert judge["agreement"]["locates_error"]["share"] == 1
        # This judge believes all other replies.
        assert judge["passed"]["right_answer"]["share"] == 1
        assert judge["agreement"]["right_answer"]["share"] == 0

    def test_also_says_whether_hints_help_which_no_rule_can(self, judged: dict[str, Any]) -> None:
        assert judged["judge"]["passed"]["hint_helps"]["of"] == 3
        assert "hint_helps" not in judged["judge"]["agreement"]


@pytest.mark.django_db
def test_a_model_of_the_admin_pages_is_found_by_its_name() -> None:
    TutorModel.objects.create(name="Large", base_url="http://127.0.0.1:1/v1", model_name="large-1")
    assert find_model("Large").endpoint.model == "large-1"
    with pytest.raises(TutorModel.DoesNotExist):
        find_model("Small")


def test_the_command_prints_the_report_and_one_line_of_json(
    tutor_set: TutorSet,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["tutor", "--limit", "1", "--json"])
    with serve_tutor(IDEAL, tutor_set) as server:
        settings.TUTOR_BASE_URL, settings.TUTOR_MODEL = server.url, "scripted"
        assert command.main() == 0
    printed = capsys.readouterr().out
    assert "model scripted" in printed
    report = json.loads(printed.splitlines()[-1])
    assert report["benchmark"] == "tutor"
    assert report["texts"]["en-arithmetic-1"][0]["marks"]["keeps_answer"] is True
