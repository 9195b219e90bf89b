"""The index in memory follows the library: at once in the process that changed it, and soon in all others."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, connections, transaction
from pytest_django import DjangoAssertNumQueries

from courses.authoring.loading import load_library
from courses.library.results import search_lessons
from courses.models import LibraryVersion, Passage, Phrase
from courses.retrieval import current_index
from courses.retrieval.current_index import get_index
from courses.retrieval.index import index_passages
from courses.retrieval.passage_index import PassageIndex
from courses.retrieval.search import find_passages, rank_passages

PHRASE = "my goldfish ate the remote control"
COVERED = "Why does AI make things up?"


@pytest.fixture(autouse=True)
def _own_indexes(library: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without any index, as a process that has just started."""
    monkeypatch.setattr(current_index, "_keepers", {})


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The languages whose indexes were read from the database."""
    read, languages = current_index._read_index, []

    def count(language: str, version: UUID | None) -> PassageIndex:
        languages.append(language)
        return read(language, version)

    monkeypatch.setattr(current_index, "_read_index", count)
    return languages


def add_phrase() -> None:
    Phrase.objects.create(
        passage=Passage.objects.get(language="en", key="good-and-bad/what-it-is#chance"), text=PHRASE
    )
    index_passages()


def change_in_another_process() -> None:
    """Change the library's version as a process does whose callbacks never run in this one."""
    LibraryVersion.objects.update(version=uuid4())


def check_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_index, "CHECK_SECONDS", 0)
    for keeper in current_index._keepers.values():
        keeper.expire()


class Undone(Exception):
    """Rolls back."""


class TestAQuestion:
    def test_costs_no_query_to_rank(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        get_index("en")
        with django_assert_num_queries(0):
            assert rank_passages(COVERED, most=2, language="en").keys

    def test_reads_each_language_once(self, reads: list[str]) -> None:
        for question in (COVERED, "¿Qué pasa si llamo al 988?", "What is photosynthesis?"):
            for language in ("en", "es"):
                find_passages(question, language=language)
        assert sorted(reads) == ["en", "es"]

    def test_in_a_language_without_lessons_finds_nothing_in_it(self) -> None:
        assert rank_passages(COVERED, most=2, language="fr").keys == []


class TestAChangeInATransaction:
    def test_is_seen_within_it(self) -> None:
        assert find_passages(PHRASE) == []
        add_phrase()
        assert find_passages(PHRASE)

    def test_is_read_once_within_it(self, reads: list[str]) -> None:
        add_phrase()
        for _ in range(3):
            find_passages(PHRASE, language="en")
        assert reads == ["en"]

    def test_that_is_undone_is_forgotten(self, reads: list[str]) -> None:
        before = get_index("en")
        with suppress(Undone), transaction.atomic():
            add_phrase()
            assert find_passages(PHRASE)
            raise Undone
        assert find_passages(PHRASE) == []
        assert get_index("en") is before

    def test_that_follows_an_undone_one_is_seen(self) -> None:
        add_phrase()
        with suppress(Undone), transaction.atomic():
            Phrase.objects.filter(text=PHRASE).delete()
            index_passages()
            assert find_passages(PHRASE) == []
            raise Undone
        assert find_passages(PHRASE)


@pytest.mark.django_db(transaction=True)
class TestACommittedChange:
    def test_is_seen_with_the_next_question_of_this_process(self) -> None:
        assert find_passages(PHRASE) == []
        with transaction.atomic():
            add_phrase()
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(in_a_thread(find_passages), PHRASE).result() == []
        assert find_passages(PHRASE)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(in_a_thread(find_passages), PHRASE).result()

    def test_that_is_undone_leaves_the_index(self) -> None:
        before = get_index("en")
        with suppress(Undone), transaction.atomic():
            add_phrase()
            raise Undone
        assert get_index("en") is before

    def test_during_a_check_is_not_missed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The version was read before the commit, and the index would be kept until the next check."""
        get_index("en")
        current_index._get_keeper("en").expire()
        read = current_index._read_version

        def read_and_commit() -> UUID | None:
            version = read()
            monkeypatch.setattr(current_index, "_read_version", read)
            add_phrase()
            return version

        monkeypatch.setattr(current_index, "_read_version", read_and_commit)
        get_index("en")
        assert find_passages(PHRASE)

    def test_loading_the_library_again_leaves_answers_as_they_are(self) -> None:
        keys = [passage.key for passage in find_passages(COVERED)]
        load_library()
        assert [passage.key for passage in find_passages(COVERED)] == keys != []


class TestAChangeInAnotherProcess:
    def test_is_seen_at_the_next_check(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = get_index("en")
        change_in_another_process()
        assert get_index("en") is before
        check_always(monkeypatch)
        assert get_index("en") is not before

    def test_that_replaces_all_rows_takes_no_passage_from_questions_before_it_is_seen(self) -> None:
        keys = [passage.key for passage in find_passages(COVERED)]
        old = dict(current_index._keepers)
        load_library()
        # As in a process that has not seen it yet.
        connection.run_on_commit.clear()
        current_index._keepers.update(old)
        assert [passage.key for passage in find_passages(COVERED)] == keys != []

    def test_passages_that_are_gone_are_left_out(self) -> None:
        keys = [passage.key for passage in find_passages(COVERED, most=3)]
        Passage.objects.filter(key=keys[0]).delete()
        assert [passage.key for passage in find_passages(COVERED, most=3)] == keys[1:]
        assert keys[0] not in {hit.passage.key for result in search_lessons(COVERED) for hit in result.hits}

    def test_one_check_costs_one_query(
        self, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        get_index("en")
        check_always(monkeypatch)
        with django_assert_num_queries(1):
            get_index("en")


def in_a_thread[**P, R](call: Callable[P, R]) -> Callable[P, R]:
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return run


class TestReadingTheIndex:
    @pytest.fixture
    def slow_read(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Event, Event, list[str]]]:
        """Reading begins, and ends when it is told to; the thread that reads needs no database."""
        began, may_end, languages = Event(), Event(), []
        index = current_index._read_index("en", uuid4())

        def read(language: str, _version: UUID | None) -> PassageIndex:
            languages.append(language)
            began.set()
            assert may_end.wait(10)
            return index

        monkeypatch.setattr(current_index, "_read_index", read)
        monkeypatch.setattr(current_index, "_read_version", uuid4)
        yield began, may_end, languages
        may_end.set()

    def test_is_done_once_for_threads_that_start_together(
        self, slow_read: tuple[Event, Event, list[str]]
    ) -> None:
        began, may_end, languages = slow_read
        with ThreadPoolExecutor(4) as pool:
            found = [pool.submit(in_a_thread(get_index), "en") for _ in range(4)]
            assert began.wait(10)
            may_end.set()
            assert len({id(each.result()) for each in found}) == 1
        assert languages == ["en"]

    def test_keeps_no_one_waiting_who_has_an_old_one(
        self, slow_read: tuple[Event, Event, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        began, may_end, languages = slow_read
        may_end.set()
        old = get_index("en")
        for event in (began, may_end):
            event.clear()
        check_always(monkeypatch)
        with ThreadPoolExecutor(1) as pool:
            new = pool.submit(in_a_thread(get_index), "en")
            assert began.wait(10)
            assert get_index("en") is old
            assert not new.done()
            may_end.set()
            new.result()
        assert languages == ["en", "en"]

    def test_that_fails_keeps_the_old_one_and_is_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        old, read = get_index("en"), current_index._read_index

        def fail(*_args: Any) -> PassageIndex:
            raise DatabaseError("gone")

        change_in_another_process()
        check_always(monkeypatch)
        monkeypatch.setattr(current_index, "_read_index", fail)
        with caplog.at_level(logging.ERROR):
            assert get_index("en") is old
        assert "could not be read again" in caplog.text
        monkeypatch.setattr(current_index, "_read_index", read)
        assert get_index("en") is not old

    def test_that_fails_is_tried_only_at_the_next_check(self, monkeypatch: pytest.MonkeyPatch) -> None:
        old, tries = get_index("en"), []

        def fail(language: str, _version: UUID | None) -> PassageIndex:
            tries.append(language)
            raise DatabaseError("gone")

        change_in_another_process()
        current_index._get_keeper("en").expire()
        monkeypatch.setattr(current_index, "_read_index", fail)
        for _ in range(3):
            assert get_index("en") is old
        assert tries == ["en"]

    def test_that_fails_at_first_is_an_error_and_leaves_nothing_locked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = current_index._read_index

        def fail(*_args: Any) -> PassageIndex:
            raise DatabaseError("gone")

        monkeypatch.setattr(current_index, "_read_index", fail)
        with pytest.raises(DatabaseError):
            get_index("en")
        monkeypatch.setattr(current_index, "_read_index", read)
        assert get_index("en").keys
