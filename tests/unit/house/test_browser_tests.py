"""After a click, browser tests wait for the page that it opens before they check it or go to another page."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

BROWSER_TESTS = sorted(Path("tests/browser").glob("*.py"))
TOO_EARLY = {
    "audit",
    "audit_page",
    "check_layout",
    "fits",
    "list_problems",
    "list_overflows",
    "goto",
    "reload",
}


def list_hasty_steps(source: str) -> Iterator[int]:
    """Yield the lines that check or leave a page right after a click: the new page may not be open yet."""
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
    """Return the name of the function or method that a statement calls, or ""."""
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


@pytest.mark.parametrize("file", BROWSER_TESTS, ids=lambda file: file.stem)
def test_nothing_waits_by_the_eval_that_the_content_security_policy_stops(file: Path) -> None:
    # The first look is allowed and the later ones are not, so it fails only where the page is slow.
    assert ".wait_for_function(" not in file.read_text(encoding="utf-8")
