"""The saved examples are what the model of the demo replies."""

import pytest
from django.conf import settings
from django.utils import translation

from labs.lab import Lab
from labs.management.commands.save_lab_examples import run_example
from labs.registry import LABS
from labs.saved_examples import find_saved_example

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
        saved = find_saved_example(lab.slug)
        assert saved
        assert saved.model == "SmolLM2-135M-Instruct"
        assert lab.build(saved.given, saved.raw)["announcement"]


@pytest.mark.parametrize(
    "lab", [lab for lab in LABS if lab.slug in {"tokens", "memory-price"}], ids=lambda lab: lab.slug
)
def test_saved_counts_equal_those_of_the_model(lab: Lab, db: None) -> None:
    saved = find_saved_example(lab.slug)
    assert saved
    assert run_example(lab).raw == saved.raw


@pytest.mark.parametrize(
    "lab",
    [lab for lab in LABS if lab.slug in {"what-comes-next", "sure-and-wrong"}],
    ids=lambda lab: lab.slug,
)
def test_saved_chances_equal_those_of_the_model(lab: Lab, db: None) -> None:
    saved = find_saved_example(lab.slug)
    assert saved
    assert round_numbers(run_example(lab).raw) == round_numbers(saved.raw)
