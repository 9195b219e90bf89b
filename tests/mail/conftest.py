from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django import Settings

from mail.models import Email
from mail.services import NewAttachment, queue_email
from tests.mail.post_office import PostOffice

Queue = Callable[..., Email]

CALENDAR = NewAttachment(
    filename="café.ics",
    content_type="text/calendar; method=PUBLISH; charset=utf-8",
    content="BEGIN:VCALENDAR\r\nSUMMARY:Café\r\nEND:VCALENDAR\r\n",
)


@pytest.fixture
def queue(db: None) -> Queue:
    """Queues an email in its own transaction."""

    def queueing(
        to: str = "noor@example.org",
        subject: str = "You have a seat",
        text: str = "See you on Thursday.",
        *,
        key: str = "",
        attachments: Sequence[NewAttachment] = (),
        unsubscribe_url: str = "",
    ) -> Email:
        with transaction.atomic():
            return queue_email(
                key=key or f"test:{uuid4()}",
                to=to,
                subject=subject,
                text=text,
                attachments=attachments,
                unsubscribe_url=unsubscribe_url,
            )

    return queueing


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    sent: list[object] = []
    monkeypatch.setattr("mail.nudge.send", sent.append)
    return sent


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture
def smtp(settings: Settings, post: PostOffice) -> dict[str, object]:
    """The options of this process's mailer, which sends to the test's mail server. Tests may change them."""
    options: dict[str, object] = {"host": "127.0.0.1", "port": post.port, "timeout": 5}
    settings.MAILERS = {
        "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
    }
    return options
