"""What is printed is what the model of the demo replies."""

import pytest
from django.conf import settings
from django.utils import translation

from labs.lab import Lab
from labs.management.commands.print_labs import print_lab
from labs.printed import load_printed
from labs.shelf import LABS

LANGUAGES = [code for code, _name in settings.LANGUAGES]


def round_numbers(value: object) -> object:
    """Return a reply with probabilities as exact as they are shown."""
    if isinstance(value, float):
        return round(value, 1)
    if isinstance(value, list):
        return [round_numbers(one) for one in value]
    if isinstance(value, dict):
        return {name: round_numbers(one) for name, one in value.items()}
    return value


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_every_lab_has_an_example_in_every_language(lab: Lab, language: str, library: None) -> None:
    with translation.override(language):
        printed = load_printed(lab.slug)
        assert printed
        assert printed.model == "SmolLM2-135M-Instruct"
        assert lab.build(printed.given, printed.raw)["announcement"]


@pytest.mark.parametrize(
    "lab", [lab for lab in LABS if lab.slug in {"tokens", "memory-price"}], ids=lambda lab: lab.slug
)
def test_counts_that_are_printed_equal_those_of_the_model(lab: Lab, db: None) -> None:
    printed = load_printed(lab.slug)
    assert printed
    assert print_lab(lab).raw == printed.raw


@pytest.mark.parametrize(
    "lab",
    [lab for lab in LABS if lab.slug in {"what-comes-next", "sure-and-wrong"}],
    ids=lambda lab: lab.slug,
)
def test_chances_that_are_printed_equal_those_of_the_model(lab: Lab, db: None) -> None:
    printed = load_printed(lab.slug)
    assert printed
    assert round_numbers(print_lab(lab).raw) == round_numbers(printed.raw)
