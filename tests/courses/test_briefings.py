"""Briefings: read with the care of lessons, listed by year, and fetched as a feed."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.authoring.briefings import BriefingText, briefings_read
from courses.authoring.loading import library_load
from courses.authoring.source import CONTENT, ContentBroken
from courses.markdown import plain_of
from courses.models import Briefing

ATOM = {"a": "http://www.w3.org/2005/Atom"}
NAME = "2024-02-03-one-thing.md"
WHOLE = """+++
title = "One thing"
summary = "It happened."
[[sources]]
id = "it"
title = "It"
by = "Somebody"
date = "2024"
url = "https://example.org/"
+++

## What happened {#happened}

:::reported it
It did.
:::

## Why it matters {#matters}

It does.
"""
# What is written instead of what, the line that is named, and what the author is told.
SLIPS = [
    ('title = "One', 'titel = "One', 1, "“title” is missing"),
    ('summary = "It happened."', "summary = 3", 3, "not a text"),
    ("https://example.org/", "http://example.org/", 9, "no https address"),
    (":::reported it", ":::reported other", 14, "no source “other”"),
    ("{#happened}", "", 12, "no name of its own"),
    ("{#happened}", "{#before}", 12, "no part of a briefing"),
    ("## Why it matters {#matters}", "", 11, "not there in order"),
    ("It does.", ":::notice\nIt does.\n:::", 18, "a block of lessons"),
    ("It does.", "It does.\n\n## Since {#since}\n\nMore.", 1, "no day since"),
    ("[[sources]]", "followed_up = 2026-01-01\n[[sources]]", 4, "What has become of it is missing"),
]


@pytest.fixture
def folder(content: Path) -> Path:
    """The folder of briefings in a library of one module, with one briefing in it."""
    made = content / "en" / "briefings"
    made.mkdir()
    (made / NAME).write_text(WHOLE)
    return made


def followed_up(day: str) -> str:
    text = WHOLE.replace("[[sources]]", f"followed_up = {day}\n[[sources]]", 1)
    return f"{text}\n## What has become of it {{#since}}\n\nMore.\n"


class TestReading:
    def test_takes_the_day_and_the_slug_from_the_name(self, folder: Path, content: Path) -> None:
        (read,) = briefings_read(content)
        assert (read.date.isoformat(), read.slug, read.language) == ("2024-02-03", "one-thing", "en")
        assert read.followed_up is None

    def test_knows_when_somebody_looked_again(self, folder: Path, content: Path) -> None:
        (folder / NAME).write_text(followed_up("2026-01-02"))
        (read,) = briefings_read(content)
        assert str(read.followed_up) == "2026-01-02"
        assert [section["anchor"] for section in read.sections] == ["happened", "matters", "since"]

    @pytest.mark.parametrize("day", ["2024-02-02", '"soon"', "2026-01-02T10:00:00"])
    def test_a_day_that_cannot_be_is_a_slip(self, day: str, folder: Path, content: Path) -> None:
        (folder / NAME).write_text(followed_up(day))
        with pytest.raises(ContentBroken, match=rf"{NAME}, line 4: “followed_up” gives no day since\."):
            briefings_read(content)

    @pytest.mark.parametrize(("old", "new", "line", "told"), SLIPS)
    def test_a_slip_is_named_with_its_file_and_line(
        self, old: str, new: str, line: int, told: str, folder: Path, content: Path
    ) -> None:
        assert old in WHOLE
        (folder / NAME).write_text(WHOLE.replace(old, new, 1))
        with pytest.raises(ContentBroken) as broken:
            briefings_read(content)
        assert f"en/briefings/{NAME}, line {line}: " in str(broken.value)
        assert told in str(broken.value)

    @pytest.mark.parametrize(
        "name",
        [
            "one-thing.md", "2024-02-30-one-thing.md", "2024-02-03-feed.md", "2024-02-03-2024.md", "2024-02-03-One.md",
            "module.md", "2024-02-03-one.txt", "2024-05-05-one-thing.md",
        ],
    )  # fmt: skip
    def test_a_name_that_gives_no_address_of_its_own_is_a_slip(
        self, name: str, folder: Path, content: Path
    ) -> None:
        (folder / name).write_text(WHOLE)
        with pytest.raises(ContentBroken, match=f"en/briefings/{name}, line 1"):
            briefings_read(content)


@pytest.mark.django_db
class TestLoading:
    def rows(self) -> list[object]:
        return list(Briefing.objects.values("language", "slug", "date", "title", "sections", "followed_up"))

    def test_twice_changes_nothing(self, library: None) -> None:
        before = self.rows()
        library_load()
        assert self.rows() == before
        assert before

    def test_a_broken_one_changes_nothing_and_is_told_beside_a_broken_module(
        self, library: None, folder: Path, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        before = self.rows()
        change("quiz.md", "[x]", "[ ]")
        (folder / NAME).write_text(WHOLE.replace("title", "titel", 1))
        with pytest.raises(ContentBroken) as broken:
            library_load(root=content)
        assert self.rows() == before
        assert "quiz.md" in str(broken.value)
        assert NAME in str(broken.value)

    def test_one_whose_file_is_gone_is_gone(self, library: None, folder: Path, content: Path) -> None:
        assert library_load(root=content).briefings == 1
        assert [briefing.slug for briefing in Briefing.objects.all()] == ["one-thing"]


class TestPages:
    pytestmark = pytest.mark.usefixtures("library")
    OPEN = ("/briefings/", "/briefings/2023", "/briefings/europe-agrees-on-rules", "/briefings/feed")

    @pytest.mark.parametrize("path", OPEN)
    def test_everybody_may_read(self, path: str, client: Client) -> None:
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize("who", ["teen", "parent", "stranger", "admin_person"])
    @pytest.mark.parametrize("path", OPEN)
    def test_so_may_everybody_who_has_signed_in(
        self, path: str, who: str, as_person: Callable[[Person], Client], request: pytest.FixtureRequest
    ) -> None:
        assert as_person(request.getfixturevalue(who)).get(path).status_code == 200

    @pytest.mark.parametrize("path", ["2022", "0", "99999999999999999999", "nothing", "2023-12-06"])
    def test_what_is_not_there_is_not_found(self, path: str, client: Client) -> None:
        assert client.get(f"/briefings/{path}").status_code == 404

    @pytest.mark.parametrize(("path", "most"), list(zip(OPEN, (2, 2, 1, 1), strict=True)))
    def test_what_a_page_costs_a_visitor(
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
            date="2024-01-02",
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
        assert 'href="/briefings/2024"' in older

    def test_another_language_is_not_mixed_in(self, client: Client) -> None:
        Briefing.objects.update(language="es")
        assert "There is none on this site yet." in client.get("/briefings/").content.decode()

    def test_one_that_nobody_followed_up_says_so(self, client: Client) -> None:
        page = client.get("/briefings/a-new-model-and-its-table").content.decode()
        assert "We have not looked into this." in page

    def test_one_that_was_followed_up_says_when(self, client: Client) -> None:
        page = client.get("/briefings/europe-agrees-on-rules").content.decode()
        assert "We looked into this on Nov. 23, 2026." in page
        assert "We have not looked into this." not in page
        assert "February 3, 2025" in page

    def test_every_page_leads_to_them(self, client: Client) -> None:
        assert 'href="/briefings/"' in client.get("/about").content.decode()


@pytest.mark.usefixtures("library")
def test_the_feed_is_atom_with_an_address_that_stays_for_each(client: Client) -> None:
    reply = client.get("/briefings/feed")
    assert reply.headers["Content-Type"].startswith("application/atom+xml")
    feed = ET.fromstring(reply.content)  # noqa: S314
    entries = feed.findall("a:entry", ATOM)
    assert len(entries) == Briefing.objects.count()
    newest, europe = entries[0], entries[4]
    assert newest.findtext("a:title", "", ATOM) == "A newspaper goes to court over training"
    assert newest.findtext("a:id", "", ATOM) == f"{settings.SITE_URL}/briefings/a-newspaper-goes-to-court"
    assert newest.findtext("a:published", "", ATOM) == "2023-12-27T00:00:00+00:00"
    assert europe.findtext("a:updated", "", ATOM) == "2026-11-23T00:00:00+00:00"
    assert "Why it matters" in newest.findtext("a:summary", "", ATOM)
    assert feed.findtext("a:author/a:name", "", ATOM) == "Kitchen Table"


@pytest.mark.parametrize("text", briefings_read(CONTENT), ids=lambda text: text.slug)
def test_as_delivered_each_names_what_it_cites_and_raises_no_exclamation_marks(text: BriefingText) -> None:
    sections, sources = text.sections, text.sources
    blocks = [block for section in sections for block in section["blocks"]]
    assert "!" not in " ".join(plain_of(block["html"]) for block in blocks)
    assert {block["source"] for block in blocks if block["kind"] == "reported"} <= {
        one["id"] for one in sources
    }
    assert all("20" in one["date"] for one in sources)
