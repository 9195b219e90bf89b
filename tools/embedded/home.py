"""A home: the folder that holds the data, the logs and the secrets of one supervisor."""

import hashlib
import os
import pwd
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# PostgreSQL refuses to run as root, and root's checkout may stand where nobody else can go (/root).
ROOT_USER_HOMES = Path("/var/lib/kitchen-table")


@dataclass(frozen=True)
class Owner:
    """A user to run as, by numbers."""

    uid: int
    gid: int


def get_postgres_owner() -> Owner | None:
    """Whom PostgreSQL runs as: this very user (None), but nobody in place of root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid)


def make_folder(path: Path, mode: int = 0o700, owner: Owner | None = None) -> Path:
    """Make a folder with exactly this mode. One that is there already is left as it is."""
    try:
        path.mkdir()
    except FileExistsError:
        return path
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)
    return path


def make_root_user_homes() -> Path:
    """The folder of root's homes, made where it is missing."""
    make_folder(ROOT_USER_HOMES.parent, 0o755)
    return make_folder(ROOT_USER_HOMES, 0o755)


@dataclass(frozen=True)
class Home:
    """Where one supervisor keeps everything. Its folder is made on `open`."""

    folder: Path

    @classmethod
    def of(cls, checkout: Path) -> Self:
        """The lasting home of a checkout."""
        if os.geteuid() != 0:
            return cls(checkout / ".data")
        key = hashlib.sha256(str(checkout).encode()).hexdigest()[:8]
        return cls(ROOT_USER_HOMES / f"{checkout.name}-{key}")

    @classmethod
    def temporary(cls) -> Self:
        """A fresh home, for its caller to remove."""
        if os.geteuid() != 0:
            return cls(Path(tempfile.mkdtemp(prefix="kitchen-table-")))
        folder = Path(tempfile.mkdtemp(prefix="temporary-", dir=make_root_user_homes()))
        folder.chmod(0o711)
        return cls(folder)

    def open(self) -> None:
        """Make what is missing. Root's home lets PostgreSQL's user pass through, but not look around."""
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
        """A random secret, made at the first call and kept in a private file."""
        path = self.folder / f"{name}.secret"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text()


def write_private(path: Path, text: str, owner: Owner | None = None) -> None:
    """Write a whole file or none, readable by its owner alone."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if owner is not None:
        os.chown(draft, owner.uid, owner.gid)
    draft.replace(path)
