"""Ask the site's model for the examples of all labs again, in each language, and write them to labs/printed."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from labs.lab import Lab
from labs.printed import Printed, get_path, write_printed
from labs.runs import ask_model, choose_model
from labs.shelf import LABS


class Command(BaseCommand):
    help = "Write the printed examples of the labs anew, with the model of this site."

    def handle(self, **_options: Any) -> None:
        for lab in LABS:
            for language, _name in settings.LANGUAGES:
                with translation.override(language):
                    printed = print_lab(lab)
                write_printed(lab.slug, language, printed)
                self.stdout.write(str(get_path(lab.slug, language)))


def print_lab(lab: Lab) -> Printed:
    """Ask the site's model for the example of a lab in the active language."""
    model, form = choose_model(None), lab.create_form(lab.get_example())
    if not form.is_valid():
        raise ValueError(form.errors)
    given = form.cleaned_data
    raw = ask_model(lab.plan(given, model)).raw
    return Printed(given=given, raw=raw, model=model.model_name, on=date.today())  # noqa: DTZ011 - a day, anywhere
