"""A page opens its stream with a token: the answer streams without the database, and later tries ask the session."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import Person
from tests.browser.test_stream_lost import STREAM, write_rest_and_end
from tests.browser.written import FIRST, SECOND, WrittenTurn
from tests.live import other_connection, waits_for_a_lock

pytestmark = [pytest.mark.browser]
# With these locked, nothing can be read about a session, a person or a turn.
LOCK = "LOCK TABLE accounts_session, accounts_person, chat_conversation, chat_turn IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
def written(teen: Person, sign_in: Callable[[Person], None], page: Page) -> WrittenTurn:
    sign_in(teen)
    return WrittenTurn(teen)


def list_queries(addresses: list[str]) -> list[set[str]]:
    """Return the names in the query of each address."""
    return [set(parse_qs(urlsplit(address).query)) for address in addresses]


def test_a_page_opens_its_stream_and_shows_the_answer_without_the_database(
    written: WrittenTurn, page: Page
) -> None:
    asked: list[str] = []
    with other_connection() as other:

        def lock_and_continue(route: Route) -> None:
            asked.append(route.request.url)
            other.execute(LOCK)
            route.continue_()

        page.route(STREAM, lock_and_continue)
        page.goto(written.address)
        written.write(FIRST, SECOND)
        expect(page.get_by_text(SECOND.strip())).to_be_visible()
        assert list_queries(asked) == [{"after", "token"}]
        assert not waits_for_a_lock()
    page.unroute(STREAM)
    write_rest_and_end(written, page)


def test_a_page_that_reconnects_asks_the_session(written: WrittenTurn, page: Page) -> None:
    asked: list[str] = []

    def cut_the_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        else:
            route.fulfill(
                status=200, headers={"Content-Type": "text/event-stream", "Kitchen-Table": "page"}, body=""
            )

    page.route(STREAM, cut_the_first)
    written.write(FIRST)
    page.goto(written.address)
    expect(page.get_by_text(FIRST.strip())).to_be_visible()
    write_rest_and_end(written, page)
    assert list_queries(asked) == [{"after", "token"}, {"after"}]


def test_a_token_that_is_not_valid_any_more_is_replaced_by_the_session(
    written: WrittenTurn, page: Page
) -> None:
    statuses: list[int] = []
    page.on("response", lambda reply: statuses.append(reply.status) if STREAM.search(reply.url) else None)
    page.route(
        STREAM, lambda route: route.continue_(url=re.sub("token=[0-9]+", "token=0", route.request.url))
    )
    page.goto(written.address)
    write_rest_and_end(written, page)
    assert statuses == [404, 200]
