from typing import Any

from django.core.management.base import BaseCommand

from privacy.models import ErasedPerson


class Command(BaseCommand):
    help = "Print the keys of erased accounts for `erase_again`, one a line. Keep them separate from the backups."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for erased in ErasedPerson.objects.order_by("pk").iterator():
            self.stdout.write(str(erased))
