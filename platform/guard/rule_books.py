"""The rule books. Each is loaded on first use or by `guard.load_guard`."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from guard.rules import RuleBook
from kit.lazy import load_once

FILES = Path(__file__).parent / "rules"
_loading_lock = RLock()


@load_once
def input_rules() -> RuleBook:
    """Signs of a crisis."""
    return _load_rule_book("en", "es")


@load_once
def care_rules() -> RuleBook:
    """Texts that need care without being a crisis, and requests that are refused."""
    return _load_rule_book("care_en", "care_es", "requests_en", "requests_es")


@load_once
def trace_rules() -> RuleBook:
    """Traces of danger, which are too weak by themselves."""
    return _load_rule_book("traces")


@load_once
def identity_rules() -> RuleBook:
    """Who someone is and whom they love."""
    return _load_rule_book("identity_en", "identity_es")


@load_once
def output_rules() -> RuleBook:
    """What the tutor must never say."""
    return _load_rule_book(*sorted(file.stem for file in FILES.glob("output_*.toml")))


def load_rule_books() -> None:
    """Load every rule book. Raises kit.authored.InvalidFile with every error."""
    for book in (input_rules, care_rules, trace_rules, identity_rules, output_rules):
        book()


def _load_rule_book(*names: str) -> RuleBook:
    with _loading_lock, _freeze_garbage():
        return RuleBook(FILES / f"{name}.toml" for name in names)


@contextmanager
def _freeze_garbage() -> Iterator[None]:
    """Exempt objects created in the block from garbage collection.

    The rules are half a million small objects: each full collection would pause a server for a third of a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
