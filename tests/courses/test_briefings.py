"""Briefings: parsed strictly like lessons, listed by year, and served as a feed."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.briefings.views import MAX_FEED_BRIEFINGS
from courses.models import Briefing
from kit.authored import InvalidFile
from tests.courses.copied import NAME, WHOLE

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.mark.django_db
class TestLoading:
    def rows(self) -> list[object]:
        fields = ("language", "slug", "date", "title", "sections", "followed_up")
        return list(Briefing.objects.order_by("language", "slug").values(*fields))

    def test_loading_twice_changes_nothing(self, library: None) -> None:
        before = self.rows()
        load_library()
        assert self.rows() == before
        assert before

    def test_a_broken_briefing_changes_nothing_and_is_reported_with_a_broken_module(
        self, library: None, folder: Path, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        before = self.rows()
        change("quiz.md", "[x]", "[ ]")
        (folder / NAME).write_text(WHOLE.replace("title", "titel", 1))
        with pytest.raises(InvalidFile) as broken:
            load_library(root=content)
        assert self.rows() == before
        assert "quiz.md" in str(broken.value)
        assert NAME in str(broken.value)

    def test_a_briefing_without_a_file_is_deleted(self, library: None, folder: Path, content: Path) -> None:
        assert load_library(root=content).briefings == 1
        assert [briefing.slug for briefing in Briefing.objects.all()] == ["one-thing"]


class TestPages:
    pytestmark = pytest.mark.usefixtures("library")
    OPEN = ("/briefings/", "/briefings/2023", "/briefings/europe-agrees-on-rules", "/briefings/feed")

    @pytest.mark.parametrize("path", OPEN)
    def test_visitors_can_read(self, path: str, client: Client) -> None:
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize("who", ["teen", "parent", "stranger", "admin_person"])
    @pytest.mark.parametrize("path", OPEN)
    def test_signed_in_people_can_read(
        self, path: str, who: str, as_person: Callable[[Person], Client], request: pytest.FixtureRequest
    ) -> None:
        assert as_person(request.getfixturevalue(who)).get(path).status_code == 200

    @pytest.mark.parametrize("path", ["2022", "0", "99999999999999999999", "nothing", "2023-12-06"])
    def test_an_unknown_address_is_a_404(self, path: str, client: Client) -> None:
        assert client.get(f"/briefings/{path}").status_code == 404

    @pytest.mark.parametrize(("path", "most"), list(zip(OPEN, (2, 2, 1, 1), strict=True)))
    def test_query_count_for_a_visitor(
        self, path: str, most: int, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(most):
            client.get(path)

    def test_the_archive_shows_the_newest_year_newest_first_and_leads_to_the_others(
        self, client: Client
    ) -> None:
        Briefing.objects.create(
            language="en",
            slug="later",
            date="2099-01-02",
            title="Later",
            summary="L",
            sections=[],
            sources=[],
        )
        page = client.get("/briefings/").content.decode()
        assert "Later" in page
        assert "Europe" not in page
        assert 'href="/briefings/2023"' in page
        older = client.get("/briefings/2023").content.decode()
        assert older.index("A newspaper") < older.index("Europe agrees") < older.index("A new model")
        assert 'href="/briefings/2099"' in older

    def test_briefings_of_other_languages_are_not_listed(self, client: Client) -> None:
        Briefing.objects.filter(language="en").delete()
        assert Briefing.objects.filter(language="es").exists()
        assert "There are none on this site yet." in client.get("/briefings/").content.decode()

    def test_a_briefing_without_a_follow_up_says_so(self, client: Client) -> None:
        Briefing.objects.filter(slug="a-new-model-and-its-table").update(followed_up=None)
        page = client.get("/briefings/a-new-model-and-its-table").content.decode()
        assert "We haven’t followed up on this." in page

    def test_a_briefing_with_a_follow_up_says_when(self, client: Client) -> None:
        Briefing.objects.filter(slug="europe-agrees-on-rules").update(followed_up="2026-11-23")
        page = client.get("/briefings/europe-agrees-on-rules").content.decode()
        assert "We last checked this on Nov. 23, 2026." in page
        assert "We haven’t followed up on this." not in page
        assert "February 3, 2025" in page

    def test_every_page_leads_to_them(self, client: Client) -> None:
        assert 'href="/briefings/"' in client.get("/about").content.decode()


@pytest.mark.usefixtures("library")
def test_the_feed_is_atom_with_an_address_that_stays_for_each(client: Client) -> None:
    reply = client.get("/briefings/feed")
    assert reply.headers["Content-Type"].startswith("application/atom+xml")
    feed = ET.fromstring(reply.content)  # noqa: S314
    entries = feed.findall("a:entry", ATOM)
    shipped = Briefing.objects.filter(language="en")
    assert [entry.findtext("a:title", "", ATOM) for entry in entries] == [
        briefing.title for briefing in shipped.order_by("-date", "slug")[:MAX_FEED_BRIEFINGS]
    ]
    [newspaper] = [entry for entry in entries if "newspaper" in entry.findtext("a:title", "", ATOM)]
    assert newspaper.findtext("a:id", "", ATOM) == f"{settings.SITE_URL}/briefings/a-newspaper-goes-to-court"
    assert newspaper.findtext("a:published", "", ATOM) == "2023-12-27T00:00:00+00:00"
    followed_up = shipped.get(slug="a-newspaper-goes-to-court").followed_up
    assert newspaper.findtext("a:updated", "", ATOM) == f"{followed_up}T00:00:00+00:00"
    assert "Why it matters" in newspaper.findtext("a:summary", "", ATOM)
    assert feed.findtext("a:author/a:name", "", ATOM) == "Kitchen Table"
