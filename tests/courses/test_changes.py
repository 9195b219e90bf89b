"""When the library changes, people's work stays with them: finishes stay, and renamed modules and lessons lead on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.learning.records import PersonRecord
from courses.models import Certificate, LessonDone, ModuleFinished
from courses.retrieval.search import get_passages
from events.models import Event
from privacy import registry
from tests.courses.conftest import do_all_steps_except
from tests.courses.copied import MODULE, add_lesson
from tests.events.conftest import make_event
from tests.markup import squeezed

__all__ = ["make_event"]

GB = "/learn/good-and-bad"


@pytest.fixture
def noor(teen: Person, as_person: Callable[[Person], Client], no_library: None, content: Path) -> Client:
    """Someone who has finished the module."""
    load_library(root=content)
    do_all_steps_except(teen)
    return as_person(teen)


def read(client: Client, path: str) -> str:
    return squeezed(client.get(path).content.decode())


class TestANewLesson:
    def test_leaves_the_module_finished_and_says_that_it_is_new(self, noor: Client, content: Path) -> None:
        add_lesson(content)
        load_library(root=content)
        page = read(noor, GB)
        assert "You’ve finished all of it" in page
        assert "New since you finished: New" in page
        assert page.count("new since you finished") == 1
        assert "Next: talk about it" in page
        assert "finished · 6 of 7 done" in read(noor, "/learn/")

    def test_is_new_until_it_is_read(self, noor: Client, content: Path) -> None:
        add_lesson(content)
        load_library(root=content)
        noor.post(f"{GB}/new/done")
        assert "since you finished" not in read(noor, GB)
        load_library(root=content)
        assert "since you finished" not in read(noor, GB)

    def test_is_open_to_someone_who_had_not_finished(
        self, noor: Client, parent: Person, as_person: Callable[[Person], Client], content: Path
    ) -> None:
        do_all_steps_except(parent, "what-it-is")
        add_lesson(content)
        load_library(root=content)
        page = read(as_person(parent), GB)
        assert "5 of 7 done" in page
        assert "since you finished" not in page
        assert ModuleFinished.objects.count() == 1

    def test_keeps_a_certificate_valid_and_a_later_one_says_only_what_was_done(
        self, noor: Client, client: Client, content: Path
    ) -> None:
        noor.post(f"{GB}/certificate", {"name": ""})
        certificate = Certificate.objects.get()
        add_lesson(content)
        load_library(root=content)
        assert "This certificate is real" in read(client, certificate.get_absolute_url())
        noor.post(f"{GB}/certificate/withdraw")
        noor.post(f"{GB}/certificate", {"name": ""})
        assert Certificate.objects.get().lessons == 5

    def test_loading_without_one_stores_nothing(self, noor: Client, content: Path) -> None:
        load_library(root=content)
        assert not ModuleFinished.objects.exists()

    def test_what_is_stored_is_exported_and_erased(self, noor: Client, teen: Person, content: Path) -> None:
        add_lesson(content)
        load_library(root=content)
        (kind,) = (kind for kind in registry.list_kinds() if kind.name == "module-progress")
        assert [row["module"] for row in kind.export(teen) if row["has_finished"]] == ["good-and-bad"]
        kind.erase(teen)
        assert not ModuleFinished.objects.exists()


class TestARenamedLesson:
    @pytest.fixture
    def renamed(self, noor: Client, content: Path) -> Client:
        before, after = content / MODULE / "1-what-it-is.md", content / MODULE / "1-a-new-name.md"
        after.write_text(before.read_text().replace("minutes = 5", 'minutes = 5\nwas = ["what-it-is"]'))
        before.unlink()
        load_library(root=content)
        return noor

    def test_redirects_permanently_from_its_old_address(self, renamed: Client) -> None:
        reply = renamed.get(f"{GB}/what-it-is?a=b")
        assert (reply.status_code, reply.headers["Location"]) == (301, f"{GB}/a-new-name?a=b")

    def test_takes_a_form_of_the_old_page(self, renamed: Client) -> None:
        reply = renamed.post(f"{GB}/what-it-is/done")
        assert (reply.status_code, reply.headers["Location"]) == (308, f"{GB}/a-new-name/done")

    def test_is_still_done(self, renamed: Client, teen: Person) -> None:
        assert "You’ve finished all of it" in read(renamed, GB)
        assert "since you finished" not in read(renamed, GB)
        assert not LessonDone.objects.filter(lesson_slug="what-it-is").exists()

    def test_counts_once_for_someone_who_read_it_under_both(
        self, renamed: Client, teen: Person, content: Path
    ) -> None:
        LessonDone.objects.create(person=teen, module_slug="good-and-bad", lesson_slug="what-it-is")
        load_library(root=content)
        assert LessonDone.objects.filter(person=teen).count() == 5

    def test_is_cited_under_its_new_address(self, renamed: Client) -> None:
        key = "good-and-bad/what-it-is#training"
        passage = get_passages([key])[key]
        assert passage.url == f"{GB}/a-new-name#training"

    def test_an_address_that_never_was_is_still_unknown(self, renamed: Client) -> None:
        assert renamed.get(f"{GB}/never").status_code == 404


class TestARenamedModule:
    @pytest.fixture
    def renamed(self, noor: Client, content: Path, make_event: Callable[..., Event]) -> Client:
        noor.post(f"{GB}/certificate", {"name": ""})
        make_event(module_slug="good-and-bad")
        folder = (content / MODULE).rename(content / "en" / "good-or-bad")
        module = folder / "module.md"
        module.write_text(module.read_text().replace("order = ", 'was = ["good-and-bad"]\norder = ', 1))
        load_library(root=content)
        return noor

    @pytest.mark.parametrize("part", ["", "/what-it-is", "/quiz", "/print", "/certificate"])
    def test_redirects_permanently_from_all_its_addresses(self, part: str, renamed: Client) -> None:
        reply = renamed.get(GB + part)
        assert (reply.status_code, reply.headers["Location"]) == (301, f"/learn/good-or-bad{part}")

    def test_is_still_finished_with_its_certificate_and_event(self, renamed: Client, teen: Person) -> None:
        assert set(PersonRecord(teen).list_completed()) == {"good-or-bad"}
        page = read(renamed, "/learn/good-or-bad")
        assert "You’ve finished all of it" in page
        assert "Your certificate" in page
        assert "One evening" in page

    def test_is_cited_under_its_new_address(self, renamed: Client) -> None:
        key = "good-and-bad/what-it-is#training"
        assert get_passages([key])[key].url == "/learn/good-or-bad/what-it-is#training"
