"""The site's own processes and their environment variables."""

import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded.child import SITE, Launch
from embedded.health import SIGNATURE, fetch, is_healthy
from embedded.home import Home, make_folder
from embedded.model import Model
from embedded.ports import LOOPBACK
from embedded.postgres import Postgres
from embedded.service import Service, StartupError, strip_secrets
from embedded.valkey import Valkey

EXTERNAL_VARIABLES = {"DATABASE_URL": "Database", "VALKEY_URL": "Queue", "TUTOR_BASE_URL": "Tutor model"}
"""If one of these variables is set, that service is external and not started here."""
ACCOUNT_TABS = 2


def create_embedded_services(
    home: Home, environ: Mapping[str, str], *, throwaway: bool = False
) -> list[Service]:
    """Create the services that the environment does not declare as external. Raises StartupError."""
    if environ.get("TUTOR_BASE_URL") and not environ.get("TUTOR_MODEL"):
        raise StartupError("TUTOR_BASE_URL is set, but TUTOR_MODEL is not. Set it to the name of its model.")
    services: list[Service] = []
    # The slowest to start is first.
    if not environ.get("TUTOR_BASE_URL"):
        # llama.cpp's threads spin while they wait for each other: with tests on every core, one thread is faster.
        services.append(Model(home, threads=1 if throwaway else None))
    if not environ.get("DATABASE_URL"):
        services.append(Postgres(home, throwaway=throwaway))
    if not environ.get("VALKEY_URL"):
        services.append(Valkey(home))
    return services


def list_external_services(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the name and the address, without secrets, of each external service."""
    return [
        (name, strip_secrets(environ[key])) for key, name in EXTERNAL_VARIABLES.items() if environ.get(key)
    ]


def build_site_environment(
    home: Home, environ: Mapping[str, str], services: list[Service], address: str
) -> dict[str, str]:
    """Return the site's variables: our defaults, overridden by the user's, overridden by those of our services."""
    defaults = {
        "KITCHEN_MODE": "demo",
        "SECRET_KEY": home.secret("site"),
        "SITE_URL": address,
        "PYTHONUNBUFFERED": "1",
    }
    chosen = {key: value for key, value in environ.items() if value or key not in defaults}
    ours = [service.get_environment() for service in services]
    return defaults | chosen | {key: value for part in ours for key, value in part.items()}


@dataclass(frozen=True)
class Site:
    """The site's code, port and environment."""

    checkout: Path
    home: Home
    port: int
    env: Mapping[str, str]
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    """A signature of our pages, so that another site on the same port is not mistaken for this one."""

    def build_launch(self, log: str, *words: str, **extra: str) -> Launch:
        argv = [sys.executable, *words]
        return Launch(argv, {**extra, **self.env}, self.home.log(log), cwd=self.checkout, stage=SITE)

    def migrate(self) -> Launch:
        return self.build_launch("migrate", "manage.py", "migrate", "--no-input", "--skip-checks")

    def load_demo(self) -> Launch:
        return self.build_launch("load_demo", "manage.py", "load_demo")

    def accounts(self) -> list[list[str]]:
        """Return the demo accounts (username, password, description) from the output of `load_demo`."""
        lines = self.home.log("load_demo").read_text().splitlines()
        return [line.split("\t") for line in lines if line.count("\t") == ACCOUNT_TABS]

    def health(self) -> dict[str, str]:
        """Return the status of the worker and each service: "ok", or what is wrong."""
        _, body = fetch(self.port, "/readyz", signed=self.run, seconds=3)
        try:
            return dict(json.loads(body))
        except ValueError:
            return {}

    def services(self) -> list[Service]:
        return [Web(self), Worker(self), Beat(self)]


class SiteService:
    """Base class of the site's processes."""

    name = ""

    def __init__(self, site: Site) -> None:
        self.site = site

    def build_preparation(self) -> None:
        pass

    def get_environment(self) -> dict[str, str]:
        return {}


class Web(SiteService):
    """The web server."""

    name = "Website"

    def build_launch(self) -> Launch:
        where = ["--host", LOOPBACK, "--port", str(self.site.port)]
        words = ["--timeout-graceful-shutdown", "5", "--no-server-header", "--lifespan", "on"]
        words += ["--header", f"{SIGNATURE}:{self.site.run}"]
        return self.site.build_launch("web", "-m", "uvicorn", "config.asgi:application", *where, *words)

    def is_ready(self) -> bool:
        return is_healthy(self.site.port, "/healthz", signed=self.site.run)


class Worker(SiteService):
    """The Celery worker."""

    name = "Worker"

    def build_launch(self) -> Launch:
        words = ["-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", "8"]
        words += ["--without-gossip", "--without-mingle"]
        return self.site.build_launch("worker", *words, DATABASE_POOL="20")

    def is_ready(self) -> bool:
        return self.site.health().get("worker") == "ok"


class Beat(SiteService):
    """Celery beat."""

    name = "Clock"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._folder = site.home.folder / "beat"
        self._launched = 0.0

    def build_launch(self) -> Launch:
        schedule = make_folder(self._folder) / "schedule"
        self._launched = time.time()
        words = ["-m", "celery", "-A", "config", "beat", "--schedule", str(schedule), "--pidfile", ""]
        return self.site.build_launch("beat", *words)

    def is_ready(self) -> bool:
        """Return whether it has written its schedule file, as it answers no requests."""
        return any(file.stat().st_mtime >= self._launched for file in self._folder.glob("schedule*"))
