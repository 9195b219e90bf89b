"""Verdicts on what comes in and what goes out. Pure Python; no I/O when judging. docs/safety.md has what it reaches.

Public: what is exported here, remote, rules.
"""

from guard.action import Action, action_for
from guard.conversation import get_ready, judge_conversation, judge_strictly
from guard.gate import OutputGate
from guard.judge import judge_input
from guard.output import judge_output
from guard.verdict import Category, Evidence, Level, Verdict, worst

__all__ = [
    "Action",
    "Category",
    "Evidence",
    "Level",
    "OutputGate",
    "Verdict",
    "action_for",
    "get_ready",
    "judge_conversation",
    "judge_input",
    "judge_output",
    "judge_strictly",
    "worst",
]
