"""Judges questions and answers. No Django, and no I/O while judging. docs/safety.md has its measured quality.

Public: what is exported here, remote, rules.
"""

from guard.action import Action, action_for
from guard.answers import AnswerJudge, SentenceJudge
from guard.conversation import (
    get_guard_version,
    judge_by_rules,
    judge_conversation,
    judge_strictly,
    load_guard,
)
from guard.gate import OutputGate
from guard.judge import judge_input
from guard.output import judge_output, judge_sentence
from guard.sentence_gate import SentenceGate
from guard.verdict import Category, Evidence, Level, Verdict, merge_verdicts

__all__ = [
    "Action",
    "AnswerJudge",
    "Category",
    "Evidence",
    "Level",
    "OutputGate",
    "SentenceGate",
    "SentenceJudge",
    "Verdict",
    "action_for",
    "get_guard_version",
    "judge_by_rules",
    "judge_conversation",
    "judge_input",
    "judge_output",
    "judge_sentence",
    "judge_strictly",
    "load_guard",
    "merge_verdicts",
]
