"""A real SMTP server whose replies the tests choose."""

from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.live import free_port


class PostOffice:
    """Accepts and stores every message unless a test sets another reply."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.at_sender = self.at_recipient = self.at_text = "250 OK"
        self.hangs_up = False
        # Called after the 250 is sent and before any other reply.
        self.after_250: Callable[[], None] | None = None
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def has(self, count: int) -> bool:
        """Return whether this many messages have arrived."""
        return len(self.taken) >= count

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd looks for these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.at_sender

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_up:
            assert server.transport
            server.transport.close()
            return "421 Closing"
        if self.at_text.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.taken.append(message_from_bytes(envelope.content, policy=default))
        if self.after_250:
            await server.push("250 OK")
            self.after_250()
        return self.at_text
