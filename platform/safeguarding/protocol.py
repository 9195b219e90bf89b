"""The version of the crisis protocol: of the guard that finds a crisis and of the texts that answer it."""

import hashlib
from functools import cache

from guard import get_guard_version
from safeguarding.datafile import FOLDER


@cache
def get_protocol_version() -> str:
    """Return the guard's version and the start of the texts' hash, as in “2026.11.9 3f2a9c1b”."""
    texts = hashlib.sha256()
    for file in sorted(FOLDER.glob("*.toml")):
        texts.update(file.name.encode() + file.read_bytes())
    return f"{get_guard_version()} {texts.hexdigest()[:8]}"
