import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from budgets.audit import find_ledger_differences
from desk.load.generating import AlreadyGenerated, LoadSize, generate_load


class Command(BaseCommand):
    help = (
        "Generate people, turns, events and ledger entries that add up, to measure the site by. Only in demo mode: "
        "there is no way back but `make reset`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        size = LoadSize()
        for name in ("turns", "people", "events", "days", "seed"):
            default = getattr(size, name)
            parser.add_argument(f"--{name}", type=int, default=default, help=f"Default: {default}.")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This works only in demo mode: it would mix made-up turns with real ones.")
        size = LoadSize(**{name: options[name] for name in ("turns", "people", "events", "days", "seed")})
        began = time.monotonic()
        try:
            generate_load(size=size)
        except AlreadyGenerated as error:
            raise CommandError(
                "This database has generated people already. `make reset` deletes them."
            ) from error
        seconds = time.monotonic() - began
        differences = sum(1 for _ in find_ledger_differences())
        self.stdout.write(
            f"Generated in {seconds:.1f} s: {size.turns:,} turns of {size.people:,} people in {size.days} days, "
            f"{size.events:,} events. Differences between the ledger's sums and its entries: {differences}."
        )
