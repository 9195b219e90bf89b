"""Deviating model servers, through the worker: what is shown, remembered and charged.

tests/inference/test_quirks.py has every quirk, and `python -m benchmarks.quirks` every quirk through the worker.
"""

import pytest

from accounts.models import Person
from tests.quirk_cases import CASES, Case
from tests.quirks import ask_case

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

# One of each kind.
THROUGH_THE_WORKER = {
    "think tags over chunks",
    "only a closing tag",
    "thinking that takes all the room",
    "reasoning beside",
    "thinking only in the total",
    "cached tokens",
    "content_filter",
    "blanks",
    "finish_reason error",
    "silence in the middle",
    "JSON without usage",
    "a limit that the server ignores",
    "429 and a time",
}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name in THROUGH_THE_WORKER], ids=lambda case: case.name
)
def test_a_server_that_sends(case: Case, teen: Person) -> None:
    outcome = ask_case(case, teen)
    assert (outcome.text, outcome.bill, outcome.retry) == ([], [], [])
