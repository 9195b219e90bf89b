from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.learning.records import PersonRecord
from courses.library.selectors import get_reader_module
from courses.models import Lesson, Module, Passage, Phrase, QuizAnswer, QuizQuestion
from kit.authored import InvalidFile
from tests.courses.copied import add_lesson


def rows() -> list[object]:
    """All loaded data, without row ids."""
    return [
        list(
            Module.objects.order_by("language", "slug").values(
                "language", "slug", "title", "outcomes", "sources"
            )
        ),
        list(
            Lesson.objects.order_by("module__language", "module__slug", "order").values(
                "module__slug", "slug", "order", "title", "sections"
            )
        ),
        list(
            QuizQuestion.objects.order_by("module__language", "module__slug", "order").values(
                "module__slug", "slug", "order", "html", "options"
            )
        ),
        list(
            Passage.objects.order_by("language", "key").values(
                "key", "title", "text", "extra_search_words", "search"
            )
        ),
        list(
            Phrase.objects.order_by("passage__key", "text").values("passage__key", "text", "search", "weight")
        ),
    ]


def test_loading_twice_changes_nothing(library: None) -> None:
    before = rows()
    load_library()
    assert rows() == before


def test_a_broken_file_changes_nothing(
    library: None, content: Path, change: Callable[[str, str, str], int]
) -> None:
    before = rows()
    change("1-what-it-is.md", "What it is", "Something new")
    change("quiz.md", "[x]", "[ ]")
    with pytest.raises(InvalidFile):
        load_library(root=content)
    assert rows() == before


def test_the_command_lists_the_errors(
    db: None, content: Path, change: Callable[[str, str, str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = change("3-bias-in-bias-out.md", "{#measured}", "")
    monkeypatch.setattr(
        "pages.management.commands.load_content.load_library", lambda: load_library(root=content)
    )
    with pytest.raises(CommandError, match=f"3-bias-in-bias-out.md, line {line}: .* Give it one") as error:
        call_command("load_content")
    assert "Nothing was loaded or changed." in str(error.value)


def test_a_removed_module_is_deleted(library: None, content: Path) -> None:
    other = content / "en" / "other"
    (content / "en" / "good-and-bad").rename(other)
    load_library(root=content)
    assert list(Module.objects.values_list("slug", flat=True)) == ["other"]


class TestProgressSurvivesAnEdit:
    def test_of_a_lesson(
        self, library: None, teen: Person, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        record = PersonRecord(teen)
        record.mark_lesson_done("good-and-bad", "what-it-is")
        change("1-what-it-is.md", 'title = "What it is"', 'title = "What it really is"')
        load_library(root=content)
        assert get_reader_module("good-and-bad", record).progress.done_count == 1

    def test_a_new_lesson_leaves_it_finished(self, library: None, teen: Person, content: Path) -> None:
        record = PersonRecord(teen)
        for lesson in Lesson.objects.all():
            record.mark_lesson_done("good-and-bad", lesson.slug)
        for question in QuizQuestion.objects.all():
            record.record_answer("good-and-bad", question.slug, question.options[0]["id"])
        assert get_reader_module("good-and-bad", record).progress.is_finished
        add_lesson(content)
        load_library(root=content)
        progress = get_reader_module("good-and-bad", record).progress
        assert progress.is_finished
        assert progress.next_step
        assert (progress.next_step.slug, progress.next_step.is_new) == ("new", True)

    def test_a_reworded_option_keeps_the_question_answered(
        self, library: None, teen: Person, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        record, asked = PersonRecord(teen), QuizQuestion.objects.get(module__language="en", slug="average")
        record.record_answer("good-and-bad", "average", asked.options[0]["id"])
        change("quiz.md", "For whom is it wrong?", "For which people is it wrong?")
        load_library(root=content)
        reader_module = get_reader_module("good-and-bad", record)
        assert "average" in reader_module.done.answers
        assert QuizAnswer.objects.get().option not in {
            option["id"] for option in QuizQuestion.objects.get(module__language="en", slug="average").options
        }
