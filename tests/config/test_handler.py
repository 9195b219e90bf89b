"""The site's own ASGI handler, on a real server."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from accounts.models import Person
from config.handler import THREADS
from tests.live import SignedInClient, Web, other_connection, running

pytestmark = pytest.mark.faults


@contextmanager
def sessions_hang() -> Iterator[None]:
    """Block reading the session, as if the database hung."""
    with other_connection() as other:
        other.execute("LOCK TABLE accounts_session IN ACCESS EXCLUSIVE MODE")
        yield


def test_help_answers_while_every_thread_waits_for_a_database_that_hangs(web: Web, teen: Person) -> None:
    web_client = SignedInClient(web, teen)
    with ThreadPoolExecutor(THREADS + 2) as people, sessions_hang():
        pages = [people.submit(web_client.get, "/tutor/") for _ in range(THREADS + 2)]
        assert not wait(pages, timeout=0.5).done
        for path in ("/help/now", "/help/protocol", "/healthz"):
            assert web_client.get(path).status == 200
        assert not any(page.done() for page in pages)
    assert {page.result().status for page in pages} == {200}


def test_help_answers_while_many_health_checks_wait_for_the_database(tmp_path: Path) -> None:
    def get(path: str, patience: float) -> int:
        try:
            with urlopen(f"{site.url}{path}", timeout=patience) as reply:  # noqa: S310
                return int(reply.status)
        except HTTPError as error:
            return error.code

    # It accepts connections but never replies.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        database = f"postgres://a:b@127.0.0.1:{silent.getsockname()[1]}/c"
        with running(Web(tmp_path / "web.log", DATABASE_URL=database)) as site:
            with ThreadPoolExecutor(THREADS) as people:
                asked = [people.submit(get, "/readyz", 30) for _ in range(THREADS)]
                assert not wait(asked, timeout=0.5).done
                assert get("/help/now", 5) == 200
            assert {request.result() for request in asked} == {503}


def test_a_static_file_is_served_with_nosniff(web: Web, teen: Person) -> None:
    reply = SignedInClient(web, teen).get("/static/css/base.css")
    assert (reply.status, reply.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert SignedInClient(web, teen).get("/static/css/none.css").status == 404
