"""Each diagram has a text description and takes its colors from the style sheet."""

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("lesson", "diagram"),
    [
        ("good-and-bad/what-it-is", "trained"),
        ("good-and-bad/bias-in-bias-out", "bias"),
        ("looking-inside/features", "tokens"),
    ],
)
def test_a_lesson_shows_it_with_its_words_below(
    library: None, client: Client, lesson: str, diagram: str
) -> None:
    page = client.get(f"/learn/{lesson}").content.decode()
    figure = page[page.index('<figure class="diagram">') : page.index("</figure>")]
    assert f'id="{diagram}-title"' in figure
    assert "<figcaption" in figure
