"""Verdicts on what comes in and what goes out. Pure Python; no I/O when judging. docs/safety.md has what it reaches."""

from guard.gate import OutputGate
from guard.judge import judge_input, judge_output
from guard.verdict import Category, Evidence, Level, Verdict, worst

__all__ = ["Category", "Evidence", "Level", "OutputGate", "Verdict", "judge_input", "judge_output", "worst"]
