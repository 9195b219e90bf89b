"""The interface between the supervisor and a service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from embedded.child import Launch


class StartupError(Exception):
    """The site cannot run. The message says why and what to do; `log` is the log with details."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Service(Protocol):
    """A server that the supervisor starts, watches and stops."""

    @property
    def name(self) -> str:
        """The name on the screen, such as "Database"."""

    def build_preparation(self) -> Launch | None:
        """Return a process that must succeed before the first launch, if any."""

    def build_launch(self) -> Launch:
        """Return the process to start, or to start again."""

    def is_ready(self) -> bool:
        """Return whether the service answers. Never raises."""

    def get_environment(self) -> Mapping[str, str]:
        """Return the environment variables by which the site finds the service."""


def strip_secrets(address: str) -> str:
    """Return a URL without user, password and query, for the screen."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
