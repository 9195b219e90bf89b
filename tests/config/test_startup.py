"""Rules and networks are loaded before a process serves requests, and in no other process."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.core.checks import run_checks

from config import celery
from config.handler import Handler
from encoders import embedding
from guard import conversation, judge_conversation, rule_books
from guard.rules import RuleBook
from tests.live import environment

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
HEAVY_MODULES = {
    "numpy",
    "onnxruntime",
    "openai._client",
    "aiohttp",
    "httpx",
    "icalendar.cal",
    "markdown_it",
    "pydantic",
    "redis",
    "limits",
}
HEAVY_FILES = ("guard/rules/", "guard/model/", "encoders/model/")
# Prints which of them the process had loaded at its end.
BEFORE = """
import os, sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
"""
AFTER = """
import json
print(json.dumps([opened, list(sys.modules)]))
"""
COMMAND = "from django.core.management import execute_from_command_line as go\ngo(['manage.py', {words}])"
NO_SUCH_RULE = '[[rules]]\nid = "x"\nlevel = 9\ncategories = []\nphrases = ["x"]\nexamples = ["x"]\n'
# How a process handles invalid rules.
BROKEN = "from pathlib import Path\nfrom guard import rule_books\nrule_books.FILES = Path({folder!r})\n{code}"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def loaded_by(code: str) -> set[str]:
    done = run(f"{BEFORE}{code}{AFTER}")
    assert done.returncode == 0, done.stderr
    opened, modules = json.loads(done.stdout.splitlines()[-1])
    return {file for file in opened if any(part in file for part in HEAVY_FILES)} | (
        HEAVY_MODULES & set(modules)
    )


class TestNothingHeavy:
    @pytest.mark.parametrize("words", ["'check'", "'migrate', '--plan'"])
    def test_a_command_loads_none_of_it(self, words: str) -> None:
        assert loaded_by(COMMAND.format(words=words)) == set()

    def test_importing_the_site_loads_none_of_it(self) -> None:
        assert (
            loaded_by("import config.asgi, config.urls\nimport django.urls\ndjango.urls.reverse('home')")
            == set()
        )

    def test_the_clock_loads_none_of_it(self) -> None:
        tasks = "from config.celery import app\napp.loader.init_worker()\napp.finalize()"
        assert loaded_by(tasks) == set()

    def test_a_serving_process_loads_everything(self) -> None:
        web = loaded_by("import config.asgi\nfrom config.startup import load_for_web\nload_for_web()")
        assert {"numpy", "onnxruntime", "redis", "limits"} <= web
        for file in ("rules/en.toml", "rules/traces.toml", "model/weights.bin", "guard.onnx", "sense.onnx"):
            assert any(path.endswith(file) for path in web)
        worker = loaded_by(
            "import config.asgi\nfrom config.startup import load_for_worker\nload_for_worker()"
        )
        assert {"numpy", "onnxruntime", "openai._client"} <= worker
        assert any(path.endswith("rules/output_en.toml") for path in worker)


@pytest.fixture
def unloaded() -> Iterator[None]:
    heavy = (
        *(rule_books.input_rules, rule_books.care_rules, rule_books.trace_rules, rule_books.output_rules),
        *(conversation.get_classifier, conversation.get_encoder, embedding._network),
    )
    for cached in heavy:
        cached.clear()
    yield
    for cached in heavy:
        cached.clear()


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unloaded: None) -> Path:
    for name in ("en", "es"):
        (tmp_path / f"{name}.toml").write_text(NO_SUCH_RULE)
    monkeypatch.setattr(rule_books, "FILES", tmp_path)
    return tmp_path


def test_two_who_ask_first_at_once_load_once(unloaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made, begins = list[str](), Barrier(4)
    make = rule_books._load_rule_book

    def make_and_tell(*names: str) -> RuleBook:
        made.append(names[0])
        return make(*names)

    monkeypatch.setattr(rule_books, "_load_rule_book", make_and_tell)

    def ask(_number: int) -> Any:
        begins.wait()
        return judge_conversation([("user", "i want to kill myself")])

    with ThreadPoolExecutor(4) as threads:
        first, *others = threads.map(ask, range(4))
    assert first.is_crisis
    assert all(other == first for other in others)
    assert sorted(made) == ["care_en", "en", "traces"]


class TestLifespan:
    def live(self) -> list[str]:
        messages = list[Mapping[str, Any]]()

        async def receive() -> Mapping[str, Any]:
            return {"type": "lifespan.startup" if not messages else "lifespan.shutdown"}

        async def send(message: Mapping[str, Any]) -> None:
            messages.append(message)

        asyncio.run(Handler()({"type": "lifespan"}, receive, send))
        return [f"{message['type']} {message.get('message', '')}".strip() for message in messages]

    def test_startup_completes_after_everything_is_loaded(self, unloaded: None) -> None:
        assert self.live() == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert rule_books.output_rules.is_loaded
        assert conversation.get_encoder.is_loaded
        assert embedding._network.is_loaded

    def test_startup_fails_and_names_an_invalid_file(self, broken: Path) -> None:
        (message,) = self.live()
        assert message.startswith(
            "lifespan.startup.failed InvalidFile: en.toml, line 3: “level” in “rules” is 9"
        )


def test_a_deployment_check_names_a_file_that_cannot_be_used(broken: Path) -> None:
    def list_error_messages(*, deploy: bool) -> list[str]:
        errors = run_checks(include_deployment_checks=deploy)
        return [error.msg for error in errors if error.id == "safeguarding.E003"]

    assert list_error_messages(deploy=False) == []
    assert list_error_messages(deploy=True) == [
        f"{name}.toml, line 3: “level” in “rules” is 9." for name in ("en", "es")
    ]


def test_a_worker_exits_if_a_file_is_invalid(broken: Path) -> None:
    with pytest.raises(SystemExit, match=r"InvalidFile: en\.toml, line 3: “level” in “rules” is 9"):
        celery.load_before_first_task()


@pytest.mark.parametrize(
    "code",
    [
        "import uvicorn\nuvicorn.main(['config.asgi:application', '--port', '0', '--lifespan', 'on'])",
        "from config.celery import app\napp.worker_main(['worker', '-P', 'threads', '-c', '1'])",
    ],
    ids=["web", "worker"],
)
def test_no_process_serves_with_rules_that_cannot_be_used(code: str, broken: Path) -> None:
    done = run(BROKEN.format(folder=str(broken), code=code))
    assert done.returncode not in {0, None}
    assert "en.toml, line 3: “level” in “rules” is 9" in done.stdout + done.stderr
