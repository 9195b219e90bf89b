"""The rules that the layout itself keeps."""

import ast
import platform
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES_OF_SQL = 3


def test_platform_is_a_source_root_and_never_a_package() -> None:
    """With an __init__.py it would hide the standard library's module, and uuid and openai would break."""
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert not (ROOT / "tools" / "__init__.py").exists()
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


def test_rooms_declare_what_their_contracts_let_through() -> None:
    """A reader of a room's docstring knows what may be imported of it, without looking into pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    declared = [
        (room, module.removeprefix(f"** -> {room}."))
        for contract in contracts
        if contract["type"] == "protected"
        for room in contract["protected_modules"]
        for module in contract["ignore_imports"]
        if module.startswith(f"** -> {room}.")
    ]
    assert declared
    assert not [(room, module) for room, module in declared if module not in words_of_docstring(room)]


def words_of_docstring(package: str) -> list[str]:
    path = Path(*package.split("."), "__init__.py")
    [found] = [root / path for root in (ROOT, ROOT / "platform") if (root / path).exists()]
    return re.findall(r"\w+(?:\.\w+)*", ast.get_docstring(ast.parse(found.read_text())) or "")


def test_long_statements_stand_in_sql_files() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{string.lineno}"
        for room in ("platform", "courses", "chat")
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
        for string in ast.walk(ast.parse(path.read_text()))
        if isinstance(string, ast.Constant)
        and isinstance(string.value, str)
        and re.match(r"(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", string.value.strip())
        and len(string.value.strip().splitlines()) > MOST_LINES_OF_SQL
    ]
    assert not long
