"""A home: the folder with the data, logs and secrets of one supervisor."""

import hashlib
import os
import pwd
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# PostgreSQL refuses to run as root, and other users may have no access to root's checkout (/root).
ROOT_USER_HOMES = Path("/var/lib/kitchen-table")


@dataclass(frozen=True)
class Owner:
    """A user by id and group id."""

    uid: int
    gid: int


def get_postgres_owner() -> Owner | None:
    """Return the user that runs PostgreSQL: None for the current user, or `nobody` instead of root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid)


def make_folder(path: Path, mode: int = 0o700, owner: Owner | None = None) -> Path:
    """Create a folder with exactly this mode. An existing one is not changed."""
    try:
        path.mkdir()
    except FileExistsError:
        return path
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)
    return path


def make_root_user_homes() -> Path:
    """Return the folder of root's homes. Creates it if it is missing."""
    make_folder(ROOT_USER_HOMES.parent, 0o755)
    return make_folder(ROOT_USER_HOMES, 0o755)


@dataclass(frozen=True)
class Home:
    """The files of one supervisor. `open` creates the folder."""

    folder: Path

    @classmethod
    def from_checkout(cls, checkout: Path) -> Self:
        """Return the permanent home of a checkout."""
        if os.geteuid() != 0:
            return cls(checkout / ".data")
        key = hashlib.sha256(str(checkout).encode()).hexdigest()[:8]
        return cls(ROOT_USER_HOMES / f"{checkout.name}-{key}")

    @classmethod
    def temporary(cls) -> Self:
        """Create a temporary home. The caller removes it."""
        if os.geteuid() != 0:
            return cls(Path(tempfile.mkdtemp(prefix="kitchen-table-")))
        folder = Path(tempfile.mkdtemp(prefix="temporary-", dir=make_root_user_homes()))
        folder.chmod(0o711)
        return cls(folder)

    def open(self) -> None:
        """Create what is missing. PostgreSQL's user can enter root's home but not list it."""
        as_root = os.geteuid() == 0
        if as_root:
            make_root_user_homes()
        make_folder(self.folder, 0o711 if as_root else 0o700)
        make_folder(self.logs)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def secret(self, name: str) -> str:
        """Return a random secret, created on the first call and stored in a private file."""
        path = self.folder / f"{name}.secret"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text()


def write_private(path: Path, text: str, owner: Owner | None = None) -> None:
    """Write a file atomically, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if owner is not None:
        os.chown(draft, owner.uid, owner.gid)
    draft.replace(path)
