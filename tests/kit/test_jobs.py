import logging

import pytest
from kombu.exceptions import OperationalError

from kit.jobs import nudge


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
