"""Exports use a bounded part of the disk; without capacity the page says so."""

import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import Person
from privacy.archive import MAX_CONCURRENT_EXPORTS, ExportCapacityExceeded, build_archive
from tests.conftest import with_consent
from tests.live import SignedInClient, Web, running
from tests.privacy.conftest import answered

AsPerson = Callable[[Person], Client]
DOWNLOAD, FAMILY_DOWNLOAD = "/account/data/download", "/family/data/download"


@pytest.fixture
def open_exports(full: Person) -> Iterator[ExitStack]:
    """As many open exports as are allowed at a time."""
    with ExitStack() as copies:
        for _ in range(MAX_CONCURRENT_EXPORTS):
            copies.enter_context(build_archive(person=full))
        yield copies


class TestConcurrentExports:
    @pytest.mark.parametrize("path", [DOWNLOAD, FAMILY_DOWNLOAD])
    def test_one_too_many_is_asked_to_try_later(
        self, path: str, open_exports: ExitStack, full: Person, parent: Person, as_person: AsPerson
    ) -> None:
        client = as_person(full if path == DOWNLOAD else parent)
        for _ in range(6):
            # A refused export does not count toward the hourly limit.
            reply = client.post(path)
            assert (reply.status_code, reply["Retry-After"]) == (503, "300")
            assert "Try again in five minutes" in reply.content.decode()
        open_exports.close()
        assert client.post(path).getvalue().startswith(b"PK")

    def test_a_slot_is_released_after_an_error(self, full: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("privacy.archive._write_kind", lambda *_args: 1 / 0)
            for _ in range(MAX_CONCURRENT_EXPORTS + 1):
                with pytest.raises(ZeroDivisionError):
                    build_archive(person=full)
        build_archive(person=full).close()

    def test_a_slot_is_released_once(self, full: Person) -> None:
        first = build_archive(person=full)
        first.close()
        first.close()
        with ExitStack() as copies:
            for _ in range(MAX_CONCURRENT_EXPORTS):
                copies.enter_context(build_archive(person=full))
            with pytest.raises(ExportCapacityExceeded):
                build_archive(person=full)


@pytest.mark.faults
def test_an_export_above_the_file_size_limit_is_refused(
    tmp_path: Path, make_person: Callable[..., Person], library: None, transactional_db: None
) -> None:
    person = with_consent(make_person("noor"))
    answered(person, answer="walnut " * 100_000)
    with running(Web(tmp_path / "web.log")) as web:
        web_client = SignedInClient(web, person)
        _soft, hard = resource.prlimit(web.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(web.child.pid, resource.RLIMIT_FSIZE, (400_000, hard))
        assert web_client.post(DOWNLOAD).status == 503
        resource.prlimit(web.child.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert web_client.post(DOWNLOAD).status == 200
