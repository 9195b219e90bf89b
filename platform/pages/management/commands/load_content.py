from typing import Any

from django.core.management.base import BaseCommand, CommandError

from budgets.allowances import load_plans
from courses.authoring.loading import load_library
from events.archive import load_first_event
from kit.authored import InvalidFile


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Load the modules and briefings from courses/content/, and create the past events and the plans that come "
        "with the site. If a file has an error, report its name and line and change nothing."
    )

    def handle(self, *_args: Any, verbosity: int = 1, **_options: Any) -> None:
        try:
            loaded = load_library()
        except InvalidFile as broken:
            raise CommandError(f"Nothing was loaded or changed.\n{broken}") from broken
        events = int(load_first_event())
        load_plans()
        if verbosity:
            self.stdout.write(
                f"Loaded: {loaded.modules} modules, {loaded.lessons} lessons, {loaded.questions} questions, "
                f"{loaded.passages} passages, {loaded.briefings} briefings. Past events created: {events}."
            )
