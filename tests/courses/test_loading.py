from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Person
from courses.authoring.loading import library_load
from courses.authoring.source import ContentBroken
from courses.learning.records import PersonRecord
from courses.library.selectors import course_of
from courses.models import Answer, Lesson, Module, Passage, Phrase, Question


def rows() -> list[object]:
    """All that was loaded, without the numbers of its rows."""
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
            Question.objects.order_by("module__language", "module__slug", "order").values(
                "module__slug", "slug", "order", "html", "options"
            )
        ),
        list(Passage.objects.order_by("language", "key").values("key", "title", "text", "asked", "search")),
        list(
            Phrase.objects.order_by("passage__key", "text").values("passage__key", "text", "search", "weight")
        ),
    ]


def test_loading_twice_changes_nothing(library: None) -> None:
    before = rows()
    library_load()
    assert rows() == before


def test_a_broken_file_changes_nothing(
    library: None, content: Path, change: Callable[[str, str, str], int]
) -> None:
    before = rows()
    change("1-what-it-is.md", "What it is", "Something new")
    change("quiz.md", "[x]", "[ ]")
    with pytest.raises(ContentBroken):
        library_load(root=content)
    assert rows() == before


def test_the_command_names_what_is_broken(
    db: None, content: Path, change: Callable[[str, str, str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = change("3-bias-in-bias-out.md", "{#measured}", "")
    monkeypatch.setattr(
        "pages.management.commands.load_content.library_load", lambda: library_load(root=content)
    )
    with pytest.raises(CommandError, match=f"3-bias-in-bias-out.md, line {line}: .* Give it one") as told:
        call_command("load_content")
    assert "nothing has changed" in str(told.value)


def test_a_module_that_was_taken_away_is_gone(library: None, content: Path) -> None:
    other = content / "en" / "other"
    (content / "en" / "good-and-bad").rename(other)
    library_load(root=content)
    assert list(Module.objects.values_list("slug", flat=True)) == ["other"]


class TestProgressSurvivesAnEdit:
    def test_of_a_lesson(
        self, library: None, teen: Person, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        record = PersonRecord(teen)
        record.lesson_done("good-and-bad", "what-it-is")
        change("1-what-it-is.md", 'title = "What it is"', 'title = "What it really is"')
        library_load(root=content)
        assert course_of("good-and-bad", record).progress.done_count == 1

    def test_and_a_new_lesson_is_to_do(self, library: None, teen: Person, content: Path) -> None:
        record = PersonRecord(teen)
        for lesson in Lesson.objects.all():
            record.lesson_done("good-and-bad", lesson.slug)
        for question in Question.objects.all():
            record.question_answered("good-and-bad", question.slug, question.options[0]["id"])
        assert course_of("good-and-bad", record).progress.is_whole
        new = content / "en" / "good-and-bad" / "6-new.md"
        new.write_text('+++\ntitle = "New"\nminutes = 1\n+++\n\nSomething new.\n')
        library_load(root=content)
        progress = course_of("good-and-bad", record).progress
        assert not progress.is_whole
        assert progress.next_step
        assert progress.next_step.slug == "new"

    def test_a_reworded_option_keeps_the_question_answered(
        self, library: None, teen: Person, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        record, asked = PersonRecord(teen), Question.objects.get(slug="average")
        record.question_answered("good-and-bad", "average", asked.options[0]["id"])
        change("quiz.md", "For whom is it wrong?", "For which people is it wrong?")
        library_load(root=content)
        course = course_of("good-and-bad", record)
        assert "average" in course.done.answers
        assert Answer.objects.get().option not in {
            option["id"] for option in Question.objects.get(slug="average").options
        }
