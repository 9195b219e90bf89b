"""The site's own processes, and the variables that they are given."""

import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded.child import SITE, Launch
from embedded.home import Home, make_folder
from embedded.model import Model
from embedded.page import SIGNATURE, fetch, is_healthy
from embedded.part import Part, StartupError, strip_secrets
from embedded.ports import LOOPBACK
from embedded.postgres import Postgres
from embedded.valkey import Valkey

EXTERNAL_VARIABLES = {"DATABASE_URL": "Database", "VALKEY_URL": "Queue", "TUTOR_BASE_URL": "Tutor model"}
"""A variable that is set names a part that runs elsewhere, so it is not started here."""
ACCOUNT_TABS = 2


def create_embedded_parts(home: Home, environ: Mapping[str, str], *, throwaway: bool = False) -> list[Part]:
    """The parts that the environment does not name elsewhere."""
    if environ.get("TUTOR_BASE_URL") and not environ.get("TUTOR_MODEL"):
        raise StartupError("TUTOR_BASE_URL is set, but TUTOR_MODEL is not. Set it to the model's name there.")
    parts: list[Part] = []
    # The slowest to start comes first.
    if not environ.get("TUTOR_BASE_URL"):
        # llama.cpp's threads spin while they wait for one another: beside tests that fill every core, one is faster.
        parts.append(Model(home, threads=1 if throwaway else None))
    if not environ.get("DATABASE_URL"):
        parts.append(Postgres(home, throwaway=throwaway))
    if not environ.get("VALKEY_URL"):
        parts.append(Valkey(home))
    return parts


def list_external_parts(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and address of each part that runs elsewhere, fit to be shown."""
    return [
        (name, strip_secrets(environ[key])) for key, name in EXTERNAL_VARIABLES.items() if environ.get(key)
    ]


def build_site_environment(
    home: Home, environ: Mapping[str, str], parts: list[Part], address: str
) -> dict[str, str]:
    """What the site is told. What the user has set goes before our defaults, and our parts before both."""
    defaults = {
        "KITCHEN_MODE": "demo",
        "SECRET_KEY": home.secret("site"),
        "SITE_URL": address,
        "PYTHONUNBUFFERED": "1",
    }
    chosen = {key: value for key, value in environ.items() if value or key not in defaults}
    ours = [part.environment() for part in parts]
    return defaults | chosen | {key: value for one in ours for key, value in one.items()}


@dataclass(frozen=True)
class Site:
    """Where the site's code is, where it listens, and what it is told."""

    checkout: Path
    home: Home
    port: int
    env: Mapping[str, str]
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    """Signs our pages: another site that has just taken the port must not pass for this one."""

    def launch(self, log: str, *words: str, **extra: str) -> Launch:
        argv = [sys.executable, *words]
        return Launch(argv, {**extra, **self.env}, self.home.log(log), cwd=self.checkout, stage=SITE)

    def migrate(self) -> Launch:
        return self.launch("migrate", "manage.py", "migrate", "--no-input", "--skip-checks")

    def load_demo(self) -> Launch:
        return self.launch("load_demo", "manage.py", "load_demo")

    def accounts(self) -> list[list[str]]:
        """The demo accounts: username, password and who it is, from the lines that `load_demo` printed."""
        lines = self.home.log("load_demo").read_text().splitlines()
        return [line.split("\t") for line in lines if line.count("\t") == ACCOUNT_TABS]

    def health(self) -> dict[str, str]:
        """What the site says of its worker and of each part that it stands on: "ok", or what is wrong."""
        _, body = fetch(self.port, "/readyz", signed=self.run, seconds=3)
        try:
            return dict(json.loads(body))
        except ValueError:
            return {}

    def parts(self) -> list[Part]:
        return [Web(self), Worker(self), Beat(self)]


class SitePart:
    """One of the site's servers."""

    name = ""

    def __init__(self, site: Site) -> None:
        self.site = site

    def preparation(self) -> None:
        pass

    def environment(self) -> dict[str, str]:
        return {}


class Web(SitePart):
    """The pages."""

    name = "Website"

    def launch(self) -> Launch:
        where = ["--host", LOOPBACK, "--port", str(self.site.port)]
        words = ["--timeout-graceful-shutdown", "5", "--no-server-header", "--lifespan", "on"]
        words += ["--header", f"{SIGNATURE}:{self.site.run}"]
        return self.site.launch("web", "-m", "uvicorn", "config.asgi:application", *where, *words)

    def ready(self) -> bool:
        return is_healthy(self.site.port, "/healthz", signed=self.site.run)


class Worker(SitePart):
    """The Celery worker."""

    name = "Worker"

    def launch(self) -> Launch:
        words = ["-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", "8"]
        words += ["--without-gossip", "--without-mingle"]
        return self.site.launch("worker", *words, DATABASE_POOL="20")

    def ready(self) -> bool:
        return self.site.health().get("worker") == "ok"


class Beat(SitePart):
    """Celery's clock."""

    name = "Clock"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._folder = site.home.folder / "beat"
        self._launched = 0.0

    def launch(self) -> Launch:
        schedule = make_folder(self._folder) / "schedule"
        self._launched = time.time()
        words = ["-m", "celery", "-A", "config", "beat", "--schedule", str(schedule), "--pidfile", ""]
        return self.site.launch("beat", *words)

    def ready(self) -> bool:
        """It answers nobody, but it writes its schedule as soon as it ticks."""
        return any(file.stat().st_mtime >= self._launched for file in self._folder.glob("schedule*"))
