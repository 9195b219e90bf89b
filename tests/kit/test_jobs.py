import logging
from time import perf_counter

import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from pytest_django import Settings

from kit.jobs import nudge
from tests.live import free_port


@pytest.mark.parametrize("fault", [OperationalError, ConnectionRefusedError])
def test_an_unavailable_broker_is_logged(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("kit.jobs.current_app.send_task", refuse)
    with caplog.at_level(logging.WARNING):
        nudge("mail.tasks.send_email", "7")
    assert "mail.tasks.send_email of 7 waits for the sweep" in caplog.text


def test_a_nudge_names_its_task_and_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr("kit.jobs.current_app.send_task", lambda task, args: sent.append((task, *args)))
    nudge("mail.tasks.send_email", "7")
    assert sent == [("mail.tasks.send_email", "7")]


def test_no_page_waits_for_a_broker_that_is_down(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = Celery(broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    app.conf.task_publish_retry = settings.CELERY_TASK_PUBLISH_RETRY
    monkeypatch.setattr("kit.jobs.current_app", app)
    began = perf_counter()
    nudge("mail.tasks.send_email", "7")
    # kombu alone would wait six seconds. A busy machine takes part of one to load it.
    assert perf_counter() - began < 3
    assert "waits for the sweep" in caplog.text
