"""The site's own ASGI handler, on a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import pytest

from accounts.models import Person
from config.handler import THREADS
from tests.live import Visitor, Web, other_connection

pytestmark = pytest.mark.faults


@contextmanager
def sessions_hang() -> Iterator[None]:
    """Nobody can read who is signed in, as though the database hung."""
    with other_connection() as other:
        other.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        yield


def test_help_answers_while_every_thread_waits_for_a_database_that_hangs(web: Web, teen: Person) -> None:
    visitor = Visitor(web, teen)
    with ThreadPoolExecutor(THREADS + 2) as people, sessions_hang():
        pages = [people.submit(visitor.get, "/tutor/") for _ in range(THREADS + 2)]
        assert not wait(pages, timeout=0.5).done
        for path in ("/help/now", "/help/protocol", "/healthz"):
            assert visitor.get(path).status == 200
        assert not any(page.done() for page in pages)
    assert {page.result().status for page in pages} == {200}


def test_a_static_file_is_served_with_its_type_as_told(web: Web, teen: Person) -> None:
    reply = Visitor(web, teen).get("/static/css/site.css")
    assert (reply.status, reply.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert Visitor(web, teen).get("/static/css/none.css").status == 404
