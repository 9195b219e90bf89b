import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from privacy.services import LastAdmin, erase_again


class Command(BaseCommand):
    help = "Erase accounts printed by `list_erased` that a restored backup brought back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("keys", nargs="?", type=Path, help="a file; otherwise standard input")

    def handle(self, *_args: Any, keys: Path | None, **_options: Any) -> None:
        lines = (keys.read_text() if keys else sys.stdin.read()).splitlines()
        try:
            count = erase_again(keys=list(_parse_keys(lines)))
        except LastAdmin as error:
            raise CommandError("One of them is the last admin. Create another admin first.") from error
        self.stdout.write(f"{count} account(s) erased.")


def _parse_keys(lines: Iterable[str]) -> Iterator[tuple[int, datetime]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            key, joined_at = line.split()
            yield int(key), datetime.fromisoformat(joined_at)
        except ValueError as error:
            raise CommandError(
                f"Line {number} is not an account key: {line.strip()!r}. Nothing was erased."
            ) from error
