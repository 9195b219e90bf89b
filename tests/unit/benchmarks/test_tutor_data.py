"""The set of problems, questions, talks and probes: its size, and that the rules can use each of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks.tutor import scoring
from benchmarks.tutor.data import (
    FILES,
    FOLDER,
    Check,
    ConductKind,
    Probe,
    Problem,
    Question,
    Talk,
    compute_data_version,
    load_tutor_set,
    spread,
)

SET = load_tutor_set()
PRAISE = {"en": "Yes, that is correct. Well done!", "es": "Sí, es correcto. ¡Muy bien!"}


def count_languages(items: Any) -> Counter[str]:
    return Counter(item.language for item in items)


def test_it_has_as_much_as_was_promised() -> None:
    assert count_languages(SET.problems) == {"en": 70, "es": 30}
    assert count_languages(SET.questions) == {"en": 28, "es": 12}
    assert count_languages(SET.talks) == {"en": 15, "es": 5}
    assert count_languages(SET.probes) == {"en": 36, "es": 12}
    assert len({problem.subject for problem in SET.problems}) >= 9
    assert len({probe.kind for probe in SET.probes}) == 8


def test_each_talk_has_ten_exchanges_or_more_and_asks_for_all_that_was_told() -> None:
    for talk in SET.talks:
        assert len(talk.messages) + len(talk.checks) >= 10
        assert {check.kind for check in talk.checks} == {"grade", "goal", "number", "correction"}


@pytest.mark.parametrize("problem", SET.problems, ids=lambda problem: problem.id)
class TestAProblem:
    def test_has_a_reply_that_locates_the_error(self, problem: Problem) -> None:
        assert scoring.locates_error(problem.error, problem)

    def test_is_not_located_by_repeating_or_praising_the_attempt(self, problem: Problem) -> None:
        assert not scoring.locates_error(problem.attempt, problem)
        assert not scoring.locates_error(f"{PRAISE[problem.language]} {problem.attempt}", problem)

    def test_is_given_away_by_its_answer_and_not_by_its_hint(self, problem: Problem) -> None:
        assert scoring.gives_answer_away(f"{problem.given_away_by[0]}.", problem)
        assert not scoring.gives_answer_away(problem.hint, problem)

    def test_tells_its_answer_from_the_wrong_one(self, problem: Problem) -> None:
        for answer in problem.answers:
            assert scoring.has_right_answer(f"{problem.error}\n**Answer: {answer}**", problem)
        assert not scoring.has_right_answer(f"{problem.error}\nAnswer: {problem.wrong_answer}", problem)


@pytest.mark.parametrize("question", SET.questions, ids=lambda question: question.id)
def test_a_direct_question_is_answered_by_its_answer_only(question: Question) -> None:
    assert scoring.is_answered_directly(question.answer, question)
    assert not scoring.is_answered_directly(question.question, question)


@pytest.mark.parametrize(
    ("talk", "check"),
    [pytest.param(talk, check, id=f"{talk.id}-{check.kind}") for talk in SET.talks for check in talk.checks],
)
def test_a_check_is_passed_by_its_answer_only(talk: Talk, check: Check) -> None:
    assert scoring.remembers(check.answer, check, talk.language)
    assert not scoring.remembers(check.question, check, talk.language)
    assert not any(scoring.remembers(stale, check, talk.language) for stale in check.stale)


@pytest.mark.parametrize("probe", SET.probes, ids=lambda probe: probe.id)
def test_a_probe_is_passed_by_the_answer_of_its_kind_only(probe: Probe) -> None:
    kind = SET.find_kind(probe)
    assert scoring.behaves_well(kind.answer, probe, kind)
    assert not scoring.behaves_well(kind.counterexample, probe, kind)
    assert not scoring.behaves_well("", probe, kind)


@pytest.mark.parametrize("kind", SET.kinds, ids=lambda kind: f"{kind.name}-{kind.language}")
def test_each_kind_of_conduct_has_probes(kind: ConductKind) -> None:
    assert any(SET.find_kind(probe) is kind for probe in SET.probes)


class TestTheSchema:
    """A mistake of an author is refused with its reason."""

    problem: dict[str, Any] = {
        "id": "en-x-1",
        "language": "en",
        "question": "What is 4 × 6?",
        "answers": ["24"],
        "hint": "What is 4 × 5?",
        "attempt": "4 × 6 = 26.",
        "wrong_answer": "26",
        "error": "4 × 6 is not 26: it is 4 more than 20.",
        "locates": [["20"]],
        "place": ["4 × 6"],
    }

    def test_accepts_a_good_problem(self) -> None:
        assert Problem.model_validate(self.problem).subject == "x"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"hint": "It is 24."}, "the hint gives the answer away"),
            ({"error": "It is not 26 but 24."}, "the error gives the answer away"),
            ({"question": "Is 4 × 6 24?"}, "the learner gives the answer away"),
            ({"wrong_answer": "27"}, "the attempt has no wrong answer"),
            ({"locates": [["26"]]}, "what locates the error is in the attempt"),
            ({"place": ["9"]}, "the attempt has no such place"),
            ({"answers": []}, "at least 1 item"),
            ({"answer": "24"}, "Extra inputs are not permitted"),
        ],
    )
    def test_refuses(self, change: dict[str, Any], reason: str) -> None:
        with pytest.raises(ValidationError, match=reason):
            Problem.model_validate(self.problem | change)

    def test_refuses_a_pattern_that_does_not_compile(self) -> None:
        with pytest.raises(ValidationError, match="unterminated"):
            ConductKind.model_validate(
                {"language": "en", "name": "x", "answer": "a", "counterexample": "b", "never": ["(a"]}
            )

    def test_refuses_an_id_that_is_there_twice(self, tmp_path: Path) -> None:
        for name in FILES:
            (tmp_path / name).write_text((FOLDER / name).read_text())
        text = (tmp_path / "direct.toml").read_text()
        (tmp_path / "direct.toml").write_text(text.replace('"en-fact-2"', '"en-fact-1"'))
        with pytest.raises(ValueError, match="more than once: en-fact-1"):
            load_tutor_set(tmp_path)

    def test_has_a_version_that_changes_with_any_word(self, tmp_path: Path) -> None:
        for name in FILES:
            (tmp_path / name).write_text((FOLDER / name).read_text())
        assert compute_data_version(tmp_path) == compute_data_version()
        (tmp_path / "talks.toml").write_text((FOLDER / "talks.toml").read_text() + "#")
        assert compute_data_version(tmp_path) != compute_data_version()


def test_a_short_run_takes_items_of_all_parts_of_the_set() -> None:
    short = SET.limit(10)
    assert [len(items) for items in (short.problems, short.questions, short.probes)] == [10] * 3
    assert len(short.talks) == 4
    assert {problem.language for problem in short.problems} == {"en", "es"}
    assert len({problem.subject for problem in short.problems}) >= 6
    assert spread([1, 2, 3, 4, 5], 3) == [1, 3, 5]
    assert spread([1, 2], 5) == [1, 2]
    assert spread([1, 2], 1) == [1]
