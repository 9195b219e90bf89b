"""What the supervisor knows of a part."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from embedded.child import Launch


class StartupError(Exception):
    """The site cannot run. The message says why and what to do, for people."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Part(Protocol):
    """A server that is started, watched and stopped."""

    @property
    def name(self) -> str:
        """For people, in a line of its own: "Database"."""

    def preparation(self) -> Launch | None:
        """A process that must succeed before the first launch, if there is one to run."""

    def launch(self) -> Launch:
        """How to start it, now. Called again for each restart."""

    def ready(self) -> bool:
        """Whether it really answers. Never raises."""

    def environment(self) -> Mapping[str, str]:
        """The variables by which the site finds it."""


def strip_secrets(address: str) -> str:
    """An address for the screen: no user, no password, no query."""
    found = urlsplit(address)
    port = f":{found.port}" if found.port else ""
    return f"{found.scheme}://{found.hostname or ''}{port}{found.path}"
