"""PostgreSQL is killed while answers are written. All connections are lost, so this test starts its own services, by
the benchmark that does the same with two hundred turns.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.embedded.conftest import SUPERVISOR
from tests.live import ROOT

# The variables that name the services of this test run.
OURS = ("DATABASE_URL", "VALKEY_URL", "TUTOR_BASE_URL", "TUTOR_MODEL", "TUTOR_API_KEY", "EMAIL_URL")


@pytest.mark.faults
def test_no_turn_is_lost_or_paid_twice() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [*SUPERVISOR, "with", "--", sys.executable, "-m", "benchmarks.faults"]
    command += ["--turns", "16", "--only", "database killed", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts.pop("answered") + counts.pop("refunded") == 16
    assert counts == {"lost": 0, "double": 0, "leaked": 0, "ledger_differences": 0}
