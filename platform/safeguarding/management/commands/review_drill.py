"""Starts a drill of human review."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils.translation import gettext as _

from guard import Level
from kit.site import build_absolute_url
from safeguarding.drill import DRILL_LEVELS, DrillOpen, RealIncidentWaits, start_drill


class Command(BaseCommand):
    help = "Start a drill of human review: a made-up incident, of which the people on call are told. It never counts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--level", choices=[str(level) for level in DRILL_LEVELS], default=str(Level.ACUTE)
        )

    def handle(self, *, level: str, **_options: object) -> None:
        try:
            drill = start_drill(level=Level(level))
        except DrillOpen as error:
            raise CommandError(
                _("Another drill is open: %(url)s") % {"url": _build_url(error.drill.pk)}
            ) from error
        except RealIncidentWaits as error:
            raise CommandError(
                _("No drill was started: a real incident is waiting for someone to claim it.")
            ) from error
        self.stdout.write(_build_url(drill.pk))


def _build_url(drill_id: object) -> str:
    return build_absolute_url(reverse("review:incident", args=[drill_id]))
