from typing import Any

from django.core.management.base import BaseCommand

from accounts.demo import DEMO_PEOPLE, demo_people_load


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Makes the demo people and prints a line for each: username, password and who it is, between tabs."

    def handle(self, *_args: Any, **_options: Any) -> None:
        demo_people_load()
        for demo in DEMO_PEOPLE:
            self.stdout.write(f"{demo.username}\t{demo.password}\t{demo.who}")
