from typing import Any

from django.core.management.base import BaseCommand

from events.archive import archive_load


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Makes the content that comes with the site, where it is not there yet. What was edited stays."

    def handle(self, *_args: Any, verbosity: int = 1, **_options: Any) -> None:
        events = int(archive_load())
        if verbosity:
            self.stdout.write(f"Past events made: {events}.")
