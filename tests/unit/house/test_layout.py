"""Rules about modules and packages."""

import ast
import platform
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LONGEST_FILE = 500
# A shorter module that is imported only once belongs in its importer or in a similar module.
SHORTEST_FILE = 60
MAX_SQL_LINES = 3
# Names that Django or most rooms use: readers look for these modules, however short.
KNOWN_NAMES = {
    "__init__", "__main__", "admin", "api", "apps", "asgi", "celery", "context", "errors", "forms", "middleware",
    "models", "personal", "selectors", "services", "tasks", "urls", "views",
}  # fmt: skip
# Modules that a package's __init__ exports, an AppConfig registers, or a URL conf names.
KNOWN_USERS = {"__init__", "apps", "urls"}
FOLDERS_OF_DJANGO = {"migrations", "management", "templatetags"}
# Short modules with one importer that are clearer as they are.
ACCEPTED_SHORT = {
    "accounts.session_store": "SESSION_ENGINE names it",
    "courses.retrieval.spelling": "trigrams, of which the ranking of passages knows nothing",
    "events.previews": "every mail of an event as staff see it, which grows with the mails",
    "families.family_export": "a service: making a copy is not the business of the page that hands it over",
    "labs.call_queue": "whose turn it is, whatever a lab asks",
    "labs.drawing": "pure, and static/js/chances.js does the same in the browser",
    "guard.identity": "what the networks may not read of a message, apart from how verdicts are joined",
    "mail.send_errors": "classifies the errors of mail servers, independent of claims and leases",
}


def python_files(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def get_module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "platform" else parts).removesuffix(".__init__")


@cache
def list_nodes(path: Path) -> list[ast.AST]:
    """Return the nodes of a file, which several tests read."""
    return list(ast.walk(ast.parse(path.read_text())))


def imported(path: Path) -> Iterator[str]:
    for node in list_nodes(path):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def short_with_one_user() -> set[str]:
    files = python_files("platform", "courses", "chat")
    users: defaultdict[str, set[Path]] = defaultdict(set)
    for path in files:
        for name in imported(path):
            users[name].add(path)
    return {
        get_module_name(path)
        for path in files
        if len(path.read_text().splitlines()) < SHORTEST_FILE
        and path.stem not in KNOWN_NAMES
        and not FOLDERS_OF_DJANGO & set(path.parts)
        and len(theirs := users[get_module_name(path)]) == 1
        and not {user.stem for user in theirs} & KNOWN_USERS
        and not any(FOLDERS_OF_DJANGO & set(user.parts) for user in theirs)
    }


def test_platform_is_a_source_root_and_never_a_package() -> None:
    """With an __init__.py it would hide the standard library's module, and uuid and openai would break."""
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert not (ROOT / "tools" / "__init__.py").exists()
    assert platform.python_version_tuple()[:2] == ("3", "13")
    assert not Path(platform.__file__).is_relative_to(ROOT)


def test_every_room_has_its_place_in_the_layers_and_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    linter = project["tool"]["importlinter"]
    layers = {room for layer in linter["contracts"][0]["layers"] for room in layer.split(" | ")}
    packages = {Path(path).name for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    rooms = {
        path.parent.name for root in ("platform", "tools") for path in (ROOT / root).glob("*/__init__.py")
    }
    rooms |= {"chat", "courses"}
    assert layers == set(linter["root_packages"]) == rooms
    assert packages == rooms - {"training"}


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
        get_module_name(path): count
        for path in python_files("platform", "courses", "chat", "benchmarks", "tools")
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert not long


def test_short_modules_with_one_user_are_listed() -> None:
    assert short_with_one_user() == set(ACCEPTED_SHORT)


def test_each_module_of_the_kit_has_two_users() -> None:
    users: defaultdict[str, set[str]] = defaultdict(set)
    for path in python_files("platform", "courses", "chat"):
        for name in imported(path):
            users[name].add(get_module_name(path))
    kit = {get_module_name(path) for path in python_files("platform/kit")} - {"kit"}
    assert not {module for module in kit if len(users[module]) < 2}


def test_rooms_declare_their_public_modules() -> None:
    """A room's docstring lists what may be imported from it, so readers need not look in pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    declared = [
        (room, module.removeprefix(f"** -> {room}."))
        for contract in contracts
        if contract["type"] == "protected"
        for room in contract["protected_modules"]
        for module in contract.get("ignore_imports", ())
        if module.startswith(f"** -> {room}.")
    ]
    assert declared
    assert not [(room, module) for room, module in declared if module not in list_docstring_words(room)]


def list_docstring_words(package: str) -> list[str]:
    path = Path(*package.split("."), "__init__.py")
    [folder] = [root / path for root in (ROOT, ROOT / "platform") if (root / path).exists()]
    return re.findall(r"\w+(?:\.\w+)*", ast.get_docstring(ast.parse(folder.read_text())) or "")


def test_long_statements_are_in_sql_files() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{string.lineno}"
        for room in ("platform", "courses", "chat")
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
        for string in list_nodes(path)
        if isinstance(string, ast.Constant)
        and isinstance(string.value, str)
        and re.match(r"(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", string.value.strip())
        and len(string.value.strip().splitlines()) > MAX_SQL_LINES
    ]
    assert not long
