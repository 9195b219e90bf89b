import json

from django.core.management.base import BaseCommand

from chat.reports import iterate_examples, list_shared_reports


class Command(BaseCommand):
    help = "Write shared reports to standard output as JSON lines, to measure the guard."

    def handle(self, **_options: object) -> None:
        for example in iterate_examples(list_shared_reports()):
            self.stdout.write(json.dumps(example, ensure_ascii=False))
