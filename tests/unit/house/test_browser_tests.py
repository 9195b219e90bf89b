"""Browser tests wait for the page that a click opens before they check it or go on to another one."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

BROWSER_TESTS = sorted(Path("tests/browser").glob("*.py"))
TOO_EARLY = {"audit", "audit_page", "looked_at", "fits", "list_problems", "list_overflows", "goto", "reload"}


def list_hasty_steps(source: str) -> Iterator[int]:
    """Return the lines that check or leave the page right after a click, which may return before its page opens."""
    for node in ast.walk(ast.parse(source)):
        for block in ("body", "orelse", "finalbody"):
            steps = getattr(node, block, None)
            if isinstance(steps, list):
                yield from (
                    after.lineno
                    for step, after in pairwise(steps)
                    if get_called_name(step) == "click" and get_called_name(after) in TOO_EARLY
                )


def get_called_name(step: ast.stmt) -> str:
    match step:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name))):
            return name
    return ""


@pytest.mark.parametrize("file", BROWSER_TESTS, ids=lambda file: file.stem)
def test_no_page_is_checked_right_after_a_click(file: Path) -> None:
    assert not list(list_hasty_steps(file.read_text(encoding="utf-8")))


def test_a_hasty_step_is_found() -> None:
    assert list(list_hasty_steps("def test() -> None:\n    link.click()\n    audit()\n")) == [3]
    assert not list(list_hasty_steps("link.click()\nexpect(page).to_have_title('x')\naudit()\n"))
