"""Files that documents name exist."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATH = re.compile(
    r"(?<![\w/.{<*-])(?:[\w.-]+/)+[\w.-]+\.(?:py|md|toml|sql|html|css|js|yml|yaml|sh|po)\b(?![\w/*])"
)
# Names in examples and in rejected designs. DATE stands for any date.
NOT_OURS = {"docs/authoring.md", "docs/adr/0001-platform-is-a-source-root.md"}
FOLDERS = (
    "platform",
    "chat",
    "courses",
    "templates",
    "static",
    "tests",
    "tools",
    "benchmarks",
    "docs",
    "locale",
)


def test_every_file_that_a_document_names_exists() -> None:
    missing = {
        f"{document.relative_to(ROOT)}: {name}"
        for document in DOCUMENTS
        if str(document.relative_to(ROOT)) not in NOT_OURS
        for name in PATH.findall(document.read_text())
        if "DATE" not in name and not is_there(name)
    }
    assert not missing


def is_there(name: str) -> bool:
    """Return whether a file's path ends like this: documents may leave out the first folders."""
    end = "/" + name.removeprefix("./").removeprefix("../")
    return any(path.endswith(end) for path in files())


@cache
def files() -> list[str]:
    return [path.as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
