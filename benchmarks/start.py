"""Measures how long `make run` takes, cold and warm, and the peak memory of all processes.

    .venv/bin/python -m benchmarks.start [--json]

Cold is a fresh clone with an empty package cache: environment, database and all. Warm is every start after it. Memory
is the proportional share (PSS) of all processes together, sampled from the start to the end of an answered question.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
WARM_STARTS = 3
READY = re.compile(r"Kitchen Table is ready: (\S+)")


class Run:
    """One `make run`, from start until it is stopped with Ctrl-C."""

    def __init__(self, checkout: Path, cache: Path) -> None:
        self.peak = 0
        env = os.environ | {"PORT": str(_free_port()), "UV_CACHE_DIR": str(cache), "NO_COLOR": "1"}
        started = time.perf_counter()
        self.process = subprocess.Popen(
            ["make", "run"], cwd=checkout, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        threading.Thread(target=self._sample, daemon=True).start()
        self.address = self._wait()
        self.seconds = time.perf_counter() - started

    def _wait(self) -> str:
        assert self.process.stdout  # noqa: S101
        for line in self.process.stdout:
            if match := READY.search(line):
                return match[1]
        raise RuntimeError("make run ended before the site was ready")

    def _sample(self) -> None:
        whole = psutil.Process(self.process.pid)
        while self.process.poll() is None:
            with suppress(psutil.Error):
                family = [whole, *whole.children(recursive=True)]
                self.peak = max(self.peak, sum(_read_memory_share(process) for process in family))
            time.sleep(0.2)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.communicate(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read_memory_share(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0


def ask(address: str) -> None:
    """Ask a question as the demo teen and wait for the whole answer."""
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(base_url=address)
        page.goto("/sign-in?next=/tutor/")
        page.get_by_role("button", name=re.compile("Noor")).click()
        page.get_by_label("Your question").fill("Why is the sky blue?")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator(".answer-foot").wait_for(timeout=60_000)
        browser.close()


def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        checkout, cache = Path(folder) / "clone", Path(folder) / "cache"
        subprocess.run(["git", "clone", "-q", ROOT, checkout], check=True)
        cold = Run(checkout, cache)
        ask(cold.address)
        cold.stop()
        warm = []
        for _ in range(WARM_STARTS):
            run = Run(checkout, cache)
            warm.append(run.seconds)
            run.stop()
        subprocess.run(["make", "reset"], cwd=checkout, stdout=subprocess.DEVNULL, check=True)
    return {
        "cold_s": round(cold.seconds, 1),
        "warm_s": round(statistics.median(warm), 1),
        "peak_mib": round(cold.peak / 2**20),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure()
    print(f"cold start, fresh clone and empty cache  {results['cold_s']:7.1f} s")
    print(f"warm start, median of {WARM_STARTS}                  {results['warm_s']:7.1f} s")
    print(f"peak memory of the whole stack           {results['peak_mib']:7d} MiB")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
