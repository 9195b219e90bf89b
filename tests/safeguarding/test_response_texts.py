"""Lessons that the fixed texts refer to."""

import pytest

from courses.retrieval.search import get_passages
from tests.library import fill_library
from tests.unit.safeguarding.test_response_text_files import LANGUAGES, list_replies


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_referenced_lesson_exists(language: str, db: None) -> None:
    fill_library()
    named = {reply.lesson for reply in list_replies(language)} - {""}
    assert named
    assert set(get_passages(named, language="en")) == named
