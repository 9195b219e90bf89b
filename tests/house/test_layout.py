"""The rules that the layout itself keeps."""

import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_platform_is_a_source_root_and_never_a_package() -> None:
    """With an __init__.py it would hide the standard library's module, and uuid and openai would break."""
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert platform.python_version_tuple()[:2] == ("3", "13")
    assert not Path(platform.__file__).is_relative_to(ROOT)


def test_the_lock_names_no_host() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        assert "://" not in lock.read_text(), lock.name


def test_every_locked_package_has_a_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = [block for block in (ROOT / name).read_text().split("\n") if "==" in block]
        assert pins
        assert all(pin.rstrip().endswith("\\") for pin in pins)


def test_files_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for room in ("platform", "courses", "chat", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > 500
    }
    assert not long
