"""Checks the answers of model servers that deviate from OpenAI's documentation.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.quirks [--only PART_OF_A_NAME] [--json]

Each row of tests/quirk_cases.py is a server that sends a stream byte for byte, over real HTTP. A teen asks each a
question through the worker, until the turn has ended and its hold is resolved. `wrong_text`: a wrong answer or end
reason, or visible thinking. `wrong_bill`: the ledger differs from the server's report, the teen paid for a failure, or
the audit finds a difference. `no_retry`: a failure without Retry, or Retry without a failure. All three should be 0.
"""

import argparse
import json
import logging
import os
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from tests.conftest import with_consent  # noqa: E402
from tests.quirk_cases import CASES, Case  # noqa: E402
from tests.quirks import Found, ask_case  # noqa: E402


def ask(case: Case, number: int) -> Found:
    teen = with_consent(Person.objects.create_user(f"teen-{number}", role=Role.TEEN))
    # The turn worker of this process takes the turn.
    with patch("chat.turns.queue.nudge_worker"):
        return ask_case(case, teen)


def measure(cases: list[Case]) -> dict[str, int]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    came = {"cases": len(cases), "wrong_text": 0, "wrong_bill": 0, "no_retry": 0}
    try:
        for number, case in enumerate(cases):
            outcome = ask(case, number)
            for key, problems in (
                ("wrong_text", outcome.text),
                ("wrong_bill", outcome.bill),
                ("no_retry", outcome.retry),
            ):
                came[key] += bool(problems)
                for problem in problems:
                    print(f"{case.name}: {problem}")
    finally:
        connection.close()
        teardown_databases(made, verbosity=0)
    return came


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--only", default="", help="run only rows with this in their name")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    settings.VALKEY_URL = settings.VALKEY_URL.rsplit("/", 1)[0] + "/9"
    came = measure([case for case in CASES if options.only in case.name])
    print(json.dumps(came) if options.json else "  ".join(f"{key} {value}" for key, value in came.items()))


if __name__ == "__main__":
    main()
