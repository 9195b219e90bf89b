from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from desk.health import PartState, ask_every_part
from desk.setup import check_setup
from safeguarding.review import is_tutor_open


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Say what is set up, what is missing and how to fix it, and how each part is. The status is 1 if the tutor "
        "can't open. The guide on the desk makes the same checks."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        with translation.override("en"):
            results = check_setup()
            for result in results:
                mark = "✓" if result.is_done else "✗" if result.check.is_required else "!"
                self.stdout.write(f"  {mark} {result.check.title}: {result.problem or result.check.done}")
                if result.problem:
                    self.stdout.write(f"      {result.check.fix}")
            self.stdout.write("")
            for part in ask_every_part():
                mark = "✓" if part.state is PartState.GOOD else "✗"
                self.stdout.write(f"  {mark} {part.name}: {part.sentence}")
                if part.fix:
                    self.stdout.write(f"      {part.fix}")
            self.stdout.write("")
            if not is_tutor_open():
                missing = ", ".join(str(result.check.title) for result in results if result.keeps_closed)
                raise CommandError(f"The tutor is closed. Missing: {missing}.")
            self.stdout.write("The tutor is open.")
