"""Ask the site's model for the examples of all labs again, in each language, and write them to labs/examples."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from labs.lab import Lab
from labs.registry import LABS
from labs.runs import ask_model, choose_model
from labs.saved_examples import SavedExample, get_example_path, write_saved_example


class Command(BaseCommand):
    help = "Write the saved examples of the labs again, with this site's model."

    def handle(self, **_options: Any) -> None:
        for lab in LABS:
            for language, _name in settings.LANGUAGES:
                with translation.override(language):
                    saved = run_example(lab)
                write_saved_example(lab.slug, language, saved)
                self.stdout.write(str(get_example_path(lab.slug, language)))


def run_example(lab: Lab) -> SavedExample:
    """Ask the site's model for a lab's example in the active language. Raises ValueError if the form rejects it."""
    model, form = choose_model(None), lab.create_form(lab.get_example())
    if not form.is_valid():
        raise ValueError(form.errors)
    given = form.cleaned_data
    raw = ask_model(lab.plan(given, model)).raw
    return SavedExample(given=given, raw=raw, model=model.model_name, on=date.today())  # noqa: DTZ011 - a day, anywhere
