from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.demo import DEMO_PEOPLE, load_demo_people
from events.demo import load_demo_event
from families.demo import load_demo_family


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Create the site's content, a demo event and the demo people, and print a line for each person: username, "
        "password and description, separated by tabs."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        load_demo_people()
        # Silent: the supervisor reads this command's output.
        call_command("load_content", verbosity=0)
        load_demo_event()
        load_demo_family()
        for demo in DEMO_PEOPLE:
            self.stdout.write(f"{demo.username}\t{demo.password}\t{demo.who}")
