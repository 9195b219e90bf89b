"""Every parent view and every notice can be read, however many there are."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from families.models import Link, Notice, ParentViewLog
from tests.markup import squeezed

Enter = Callable[[Person], Client]


def rows(client: Client, address: str) -> list[str]:
    """Return the time of every row of a list, page by page."""
    times, place = [], ""
    while True:
        page = squeezed(client.get(address + place).content.decode())
        times += re.findall(r'<li[^>]*><time datetime="([^"]+)"', page)
        older = re.search(r'href="(\?before=[^"]+)"', page)
        if not older:
            return times
        place = older[1]


def test_every_parent_view_is_listed(link: Link, teen: Person, as_person: Enter) -> None:
    now = timezone.now()
    ParentViewLog.objects.bulk_create(
        ParentViewLog(link=link, parent_view="topics", first_opened_at=now - timedelta(minutes=number))
        for number in range(130)
    )
    listed = rows(as_person(teen), "/family/parent-views")
    assert len(listed) == len(set(listed)) == 130
    assert listed == sorted(listed, reverse=True)


class TestNotices:
    @pytest.fixture
    def many(self, teen: Person) -> None:
        Notice.objects.bulk_create(Notice(person=teen, text=f"Thing {number}") for number in range(70))

    def test_the_family_page_shows_the_newest_and_links_to_all(
        self, teen: Person, many: None, as_person: Enter
    ) -> None:
        client = as_person(teen)
        page = client.get("/family/").content.decode()
        assert page.count("notice-new") == 20
        assert 'href="/family/notices"' in page
        assert len(rows(client, "/family/notices")) == 70

    def test_a_short_list_has_one_page(self, teen: Person, as_person: Enter) -> None:
        Notice.objects.create(person=teen, text="A thing")
        assert 'href="/family/notices"' not in as_person(teen).get("/family/").content.decode()

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_are_shown_to_no_one_else(
        self, who: str, many: None, as_person: Enter, request: pytest.FixtureRequest
    ) -> None:
        assert rows(as_person(request.getfixturevalue(who)), "/family/notices") == []

    def test_require_sign_in(self, client: Client, db: None) -> None:
        assert client.get("/family/notices").headers["Location"].startswith("/sign-in")
