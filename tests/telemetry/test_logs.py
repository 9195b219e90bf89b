"""Log lines identify their subject by ids, and never contain text of a conversation."""

import http.client
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import load_plans
from chat.models import Conversation, Turn
from inference import loop
from telemetry import context
from telemetry.context import bind_log_ids, bound_log_ids, get_log_ids
from telemetry.logs import JSONFormatter, LineFormatter, RouteFilter, build_logging_config
from tests import live

MARK, TOKEN = "zebrafish", "a-token-in-an-address"
QUESTION = f"Why does a {MARK} have stripes? Say the word {MARK} in the answer."
# A site outside demo mode. Sessions of the test's process are valid in it.
PRODUCTION = {
    "KITCHEN_MODE": "production",
    "LOG_LEVEL": "DEBUG",
    "SITE_URL": "https://kitchen.example",
    "ALLOWED_HOSTS": "127.0.0.1",
    "SECURE_SSL_REDIRECT": "false",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "ORGANIZATION": "Harbor House",
    "DEFAULT_FROM_EMAIL": "Harbor House <info@example.org>",
    "CRISIS_TEXTS_REVIEW": "Dr A. Name, 2026-11-22",
}


def record(message: str = "Said.", **more: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "room", "levelname": "INFO", "msg": message} | more)


@pytest.fixture(autouse=True)
def about_nothing() -> Iterator[None]:
    """Clear the log context: the test client runs all requests in one task, so it would leak into the next."""
    before = context._ids.set({})
    yield
    context._ids.reset(before)


class TestContext:
    def test_it_is_about_one_thing_within_a_block(self) -> None:
        with bound_log_ids(turn=1):
            assert get_log_ids() == {"turn": "1"}
            with bound_log_ids(request="r"):
                assert get_log_ids() == {"turn": "1", "request": "r"}
            assert get_log_ids() == {"turn": "1"}
        assert get_log_ids() == {}

    def test_ids_bound_in_a_block_end_with_it(self) -> None:
        with bound_log_ids(request="r"):
            bind_log_ids(turn=1)
            assert get_log_ids() == {"turn": "1", "request": "r"}
        assert get_log_ids() == {}

    def test_the_workers_loop_keeps_it(self) -> None:
        async def seen() -> dict[str, str]:
            return dict(get_log_ids())

        with bound_log_ids(turn=1):
            assert loop.submit(seen()).result(timeout=5) == {"turn": "1"}


class TestForms:
    def test_a_line_for_people(self) -> None:
        with bound_log_ids(turn="t-1"):
            assert LineFormatter().format(record()).endswith(" INFO room Said. turn=t-1")

    def test_an_object_for_programs(self) -> None:
        with bound_log_ids(turn="t-1"):
            fields = json.loads(JSONFormatter().format(record(status=200, request=object())))
        assert fields.pop("time").endswith("+00:00")
        assert fields == {"level": "INFO", "logger": "room", "message": "Said.", "turn": "t-1", "status": 200}

    @pytest.mark.parametrize("form", [LineFormatter, JSONFormatter])
    def test_a_database_error_does_not_quote_its_row(
        self, form: type[logging.Formatter], teen: Person
    ) -> None:
        conversation = Conversation.objects.create(owner=teen, title="T")
        turn = Turn(pk=uuid4(), conversation=conversation, question=f"{MARK}\n\n{MARK}", state="odd")
        with pytest.raises(IntegrityError, match=MARK) as met, transaction.atomic():
            turn.save()
        text = form().format(record(exc_info=(met.type, met.value, met.tb)))
        assert MARK not in text
        assert "violates check constraint" in text
        assert text.count("Traceback") == 2

    def test_a_level_may_be_raised_and_libraries_never_tell_more_than_they_should(self) -> None:
        quiet, loud = (build_logging_config(level=level, as_json=True) for level in ("error", "debug"))
        assert quiet["loggers"]["openai"]["level"] == logging.ERROR
        assert loud["loggers"]["openai"]["level"] == logging.INFO


class TestRequests:
    def test_every_answer_has_a_name_and_a_line(
        self, client: Client, db: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "telemetry.request_log")
        reply = client.get("/family/join/a-secret", headers={"X-Request-ID": "from-the-proxy"})
        assert reply.headers["X-Request-ID"] == "from-the-proxy"
        assert "GET family/join/<" in caplog.text
        assert "a-secret" not in "".join(
            r.getMessage() for r in caplog.records if r.name == "telemetry.request_log"
        )

    @pytest.mark.parametrize("name", ["short", "a b" * 9, "x" * 65, ""])
    def test_an_invalid_name_is_replaced(self, name: str, client: Client, db: None) -> None:
        assert len(client.get("/about", headers={"X-Request-ID": name}).headers["X-Request-ID"]) == 32

    def test_a_monitor_leaves_no_lines(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        client.get("/healthz")
        assert not caplog.records


@pytest.fixture
def site(
    tmp_path: Path, settings: Settings, transactional_db: None
) -> Iterator[tuple[live.Web, live.Worker, live.Model]]:
    """A production site at its most verbose log level, with its own broker and model."""
    # The tutor stays closed without a plan, and unless the protocol's page answers, which needs the names of static
    # files.
    load_plans()
    settings.STATIC_ROOT = str(tmp_path / "static")
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    call_command("collectstatic", "--no-input", verbosity=0)
    with ExitStack() as stack:

        def run[P: live.Process](process: P) -> P:
            return stack.enter_context(live.running(process))

        valkey, model = run(live.Valkey(tmp_path / "valkey.log")), run(live.Model(tmp_path / "model.log"))
        own = PRODUCTION | {
            "STATIC_ROOT": settings.STATIC_ROOT,
            "VALKEY_URL": valkey.url,
            "TUTOR_BASE_URL": model.url,
        }
        web, worker = (
            run(live.Web(tmp_path / "web.log", **own)),
            run(live.Worker(tmp_path / "worker.log", **own)),
        )
        yield web, worker, model


def test_logs_follow_a_turn_by_its_id_and_contain_none_of_its_text(
    teen: Person, site: tuple[live.Web, live.Worker, live.Model]
) -> None:
    web, worker, model = site
    web_client, turn_id = live.SignedInClient(web, teen), uuid4()
    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=40)
    headers = web_client.headers | {"Content-Type": "application/json", "Idempotency-Key": str(turn_id)}
    headers["X-CSRFToken"] = web_client.cookies["csrftoken"]
    line.request("POST", "/api/v1/turns", json.dumps({"question": QUESTION}), headers)
    assert line.getresponse().status == 201
    web_client.get(f"/api/v1/turns/{turn_id}/events").read()
    web_client.get(f"/tutor/turns/{turn_id}/stream?token={TOKEN}").read()
    live.wait_until(lambda: f"Turn {turn_id} is answered." in worker.read_log(), what="the turn's last line")

    asked, answered = lines(web, turn_id), lines(worker, turn_id)
    assert [entry["route"] for entry in asked if "route" in entry] == [
        "api/v1/turns",
        "api/v1/turns/<uuid:turn_id>/events",
        "tutor/turns/<uuid:turn_id>/stream",
    ]
    assert all(entry["request"] for entry in asked)
    assert answered[-1]["answer_tokens"] > 0

    logs, answer = web.read_log() + worker.read_log() + model.read_log(), Turn.objects.get(pk=turn_id).answer
    assert answer
    assert MARK not in logs
    assert TOKEN not in logs
    assert answer[:40] not in logs


def lines(process: live.Process, turn_id: UUID) -> list[dict[str, Any]]:
    """Return the log lines of a process about a turn."""
    entries = [json.loads(line) for line in process.read_log().splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry.get("turn") == str(turn_id)]


def test_no_address_that_opens_something_is_in_the_log(client: Client, db: None) -> None:
    """An invitation's token is in its path."""
    line = logging.getLogger("django.request")
    kept: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign,assignment]
    handler.addFilter(RouteFilter())
    line.addHandler(handler)
    try:
        client.get("/family/join/a-token-that-opens")
    finally:
        line.removeHandler(handler)
    [record_kept] = kept
    assert record_kept.getMessage() == "Not Found: family/join/<slug:token>"
