"""The yearly report: what it says, who may read it, and that no one can change its numbers."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone, translation
from pypdf import PdfReader
from pytest_django import Settings

from accounts.models import Person
from chat.models import Turn
from guard import Level
from safeguarding.drill import start_drill
from safeguarding.human_review import ReviewFacts, switch_review_off, switch_review_on
from safeguarding.models import CountKind, HumanReview, Resolution, WeeklyCount
from safeguarding.report_files import list_csv_rows, render_report_pdf
from safeguarding.reviewing import claim_incident, close_incident
from safeguarding.yearly_report import get_week_end, list_report_years, read_report
from tests.chat.conftest import Ask
from tests.safeguarding.conftest import STATED

pytestmark = pytest.mark.django_db
AsPerson = Callable[[Person], Client]
YEAR = 2025


def count(day: str, kind: CountKind, level: str = "", *, n: int = 1, protocol: str = "2026.1 aaaa") -> None:
    WeeklyCount.objects.create(
        week_start=date.fromisoformat(day), kind=kind, level=level, count=n, protocol=protocol
    )


@pytest.fixture
def _a_year() -> None:
    count("2025-01-01", CountKind.CARD, "3", n=2)
    count("2025-01-01", CountKind.REFERRAL, "3")
    count("2025-06-02", CountKind.CARD, "3", protocol="2026.2 bbbb")
    count("2025-06-02", CountKind.CARD, "4", n=4, protocol="2026.2 bbbb")
    count("2025-06-02", CountKind.CARD, "4", n=3, protocol="2026.3 cccc")
    count("2025-12-29", CountKind.CARD, "S", protocol="2026.3 cccc")
    count("2025-12-29", CountKind.CHECK_IN, "2", n=9, protocol="2026.3 cccc")
    count("2025-12-29", CountKind.GUARD_OUTAGE, n=2, protocol="2026.3 cccc")
    count("2025-12-29", CountKind.UNSTORED_CARD, "3", n=5, protocol="2026.3 cccc")
    count("2025-12-29", CountKind.FALSE_ALARM, "4", protocol="2026.3 cccc")
    count("2026-01-01", CountKind.CARD, "3", n=100, protocol="2026.3 cccc")


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig"))))


def read_pdf(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


@pytest.fixture
def pages(reviewer: Person, as_person: AsPerson) -> Client:
    return as_person(reviewer)


@pytest.mark.usefixtures("_a_year")
class TestTheNumbers:
    def test_add_up_to_the_year_and_not_to_the_next(self) -> None:
        report = read_report(YEAR)
        assert report.count(CountKind.CARD) == 11
        assert {level: report.count(CountKind.CARD, level) for level in "34S"} == {"3": 3, "4": 7, "S": 1}
        assert report.count(CountKind.REFERRAL) == 1
        assert report.count(CountKind.CHECK_IN) == 9
        assert report.count(CountKind.UNSTORED_CARD) == 5
        assert report.count(CountKind.FALSE_ALARM) == 1
        assert report.count(CountKind.GUARD_OUTAGE) == 2
        assert report.count(CountKind.MISREAD_CARD) == 0

    def test_of_weeks_add_the_versions_of_a_week(self) -> None:
        [first, summer, last] = read_report(YEAR).weeks
        assert (first.begins, first.ends, first.cards) == (date(2025, 1, 1), date(2025, 1, 5), {"3": 2})
        assert summer.cards == {"3": 1, "4": 7}
        assert (last.begins, last.ends) == (date(2025, 12, 29), date(2025, 12, 31))

    def test_name_each_version_with_its_first_and_last_week(self) -> None:
        assert [(each.version, each.first_week, each.last_week) for each in read_report(YEAR).protocols] == [
            ("2026.1 aaaa", date(2025, 1, 1), date(2025, 1, 1)),
            ("2026.2 bbbb", date(2025, 6, 2), date(2025, 6, 2)),
            ("2026.3 cccc", date(2025, 6, 2), date(2025, 12, 29)),
        ]

    def test_say_whether_the_year_has_ended(self) -> None:
        this_year = timezone.now().year
        assert read_report(YEAR).is_complete
        assert not read_report(this_year).is_complete
        assert read_report(this_year).until == timezone.now().date()

    def test_cannot_be_lowered(self) -> None:
        for change in (
            lambda: WeeklyCount.objects.filter(week_start__year=YEAR).update(count=0),
            lambda: WeeklyCount.objects.filter(week_start__year=YEAR).delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
        assert read_report(YEAR).count(CountKind.CARD) == 11

    def test_of_a_year_without_any_are_zero(self) -> None:
        report = read_report(2024)
        assert (report.count(CountKind.CARD), report.weeks, report.protocols) == (0, [], [])

    def test_have_a_report_for_each_year_and_this_one(self) -> None:
        assert list_report_years() == sorted({2025, 2026, timezone.now().year}, reverse=True)


class TestAWeek:
    @pytest.mark.parametrize(
        ("begins", "ends"),
        [("2025-06-02", "2025-06-08"), ("2025-01-01", "2025-01-05"), ("2025-12-29", "2025-12-31")],
    )
    def test_ends_on_sunday_or_with_the_year(self, begins: str, ends: str) -> None:
        assert get_week_end(date.fromisoformat(begins)) == date.fromisoformat(ends)


class TestWhoReviewed:
    def record_on(self, day: str, record: HumanReview) -> HumanReview:
        """Move a record, which is never changed, to another day, as if it had been made then."""
        copied = HumanReview.objects.get(pk=record.pk)
        copied.pk = None
        copied.recorded_at = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
        copied.save(force_insert=True)
        return copied

    def test_is_no_one_without_a_record(self) -> None:
        [period] = read_report(YEAR).reviews
        assert (period.begins, period.ends, period.record) == (date(2025, 1, 1), date(2025, 12, 31), None)

    def test_is_each_record_in_its_time(self, admin_person: Person, facts: ReviewFacts) -> None:
        on = switch_review_on(by=admin_person, facts=facts)
        off = switch_review_off(by=admin_person)
        first = self.record_on("2025-03-01", on)
        for day in ("2025-05-01", "2025-05-02"):
            self.record_on(day, off)
        second = self.record_on("2025-11-30", on)
        assert [
            (str(period.begins), str(period.ends), period.record) for period in read_report(YEAR).reviews
        ] == [
            ("2025-01-01", "2025-03-01", None),
            ("2025-03-01", "2025-05-01", first),
            ("2025-05-01", "2025-11-30", None),
            ("2025-11-30", "2025-12-31", second),
        ]

    def test_is_what_was_in_force_when_the_year_began(self, admin_person: Person, facts: ReviewFacts) -> None:
        before = self.record_on("2024-12-31", switch_review_on(by=admin_person, facts=facts))
        [period] = read_report(YEAR).reviews
        assert period.record == before


class TestTheFiles:
    @pytest.fixture(autouse=True)
    def _counted(self, _a_year: None) -> None:
        """A year with counts."""

    def test_have_every_number_in_csv(self, pages: Client) -> None:
        reply = pages.get(f"/review/report/{YEAR}.csv")
        assert reply["Content-Disposition"] == 'attachment; filename="crisis-referrals-2025.csv"'
        rows = read_csv(reply.getvalue())
        found = {(row["What"], row["Level"]): row["Number"] for row in rows if row["From"] == "2025-01-01"}
        assert found["crisis cards", "4"] == "7"
        assert found["referrals: crises, each counted once", "3"] == "1"
        assert found["check-ins", ""] == "9"
        assert found["outages of the remote guard", ""] == "2"
        weeks = [row for row in rows if row["What"] == "crisis cards of a week" and row["Number"] != "0"]
        assert sum(int(row["Number"]) for row in weeks) == 11
        [last] = [row for row in rows if row["Guard and texts"] == "2026.3 cccc"]
        assert (last["From"], last["To"]) == ("2025-06-02", "2025-12-31")

    def test_have_no_formula_in_csv(self, pages: Client, admin_person: Person, facts: ReviewFacts) -> None:
        count("2025-12-29", CountKind.CARD, "3", protocol="=HYPERLINK(1)")
        rows = read_csv(pages.get(f"/review/report/{YEAR}.csv").getvalue())
        assert {row["Guard and texts"] for row in rows} >= {"'=HYPERLINK(1)"}
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())

    def test_have_the_numbers_and_both_protocols_in_a_tagged_pdf(self, pages: Client) -> None:
        reply = pages.get(f"/review/report/{YEAR}.pdf")
        assert reply["Content-Type"] == "application/pdf"
        reader = PdfReader(BytesIO(reply.content))
        catalog: Any = reader.trailer["/Root"]
        assert reader.metadata is not None
        assert reader.metadata.title == "Crisis referrals in 2025"
        assert (catalog["/Lang"], catalog["/MarkInfo"]["/Marked"]) == ("en", True)
        text = read_pdf(reply.content)
        for words in (
            "Crisis cards 3 7 1 11",
            "2026.2 bbbb",
            "How a crisis is detected, removed and responded to",
            "How the tutor is kept from its own words about suicide and self-harm",
            "No one reviewed crises.",
            "Practice drills are not counted.",
        ):
            assert words in text, words

    def test_are_in_the_language_of_the_page(self) -> None:
        with translation.override("es"):
            text = read_pdf(render_report_pdf(read_report(YEAR)))
            rows = list_csv_rows(read_report(YEAR))
        assert "No one" not in text
        assert "Practice" not in text
        assert not any("crisis cards" in row[0] for row in rows)

    def test_are_the_same_bytes_for_the_same_year(self) -> None:
        assert render_report_pdf(read_report(YEAR)) == render_report_pdf(read_report(YEAR))

    def test_name_who_reviews_even_in_letters_that_the_fonts_lack(
        self, admin_person: Person, facts: ReviewFacts
    ) -> None:
        switch_review_on(by=admin_person, facts=replace(facts, organization="Harbor 明 House"))
        report = read_report(timezone.now().year)
        assert "Harbor ? House reviewed crises." in read_pdf(render_report_pdf(report))
        assert any("Harbor 明 House" in row[-1] for row in list_csv_rows(report))

    def test_say_whether_the_texts_were_reviewed(self, settings: Settings) -> None:
        settings.CRISIS_TEXTS_REVIEW = ""
        assert "hasn’t reviewed" in read_pdf(render_report_pdf(read_report(YEAR)))
        settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
        text = read_pdf(render_report_pdf(read_report(YEAR)))
        assert "hasn’t reviewed" not in text
        assert "A. Name" not in text

    def test_exist_only_for_years_with_counts(self, pages: Client) -> None:
        for ending in ("csv", "pdf"):
            assert pages.get(f"/review/report/2019.{ending}").status_code == 404
            assert pages.get(f"/review/report/{timezone.now().year + 1}.{ending}").status_code == 404


class TestWhatTheReportLeavesOut:
    def test_words_and_names(self, teen: Person, ask: Ask, pages: Client) -> None:
        ask(teen, STATED)
        this_year = timezone.now().year
        content = pages.get(f"/review/report/{this_year}.csv").getvalue().decode()
        text = read_pdf(pages.get(f"/review/report/{this_year}.pdf").content)
        turn = Turn.objects.get()
        for found in (content, text, pages.get("/review/report").content.decode()):
            for identifier in (teen.username, teen.display_name, str(turn.pk), "kill myself"):
                assert identifier not in found, identifier

    def test_drills(self, reviewer: Person) -> None:
        before = list(WeeklyCount.objects.values_list())
        drill = start_drill(level=Level.ACUTE, by=reviewer)
        claim_incident(incident_id=drill.pk, by=reviewer)
        close_incident(incident_id=drill.pk, by=reviewer, resolution=Resolution.FALSE_ALARM)
        assert list(WeeklyCount.objects.values_list()) == before


class TestWhoMayReadIt:
    def open_all(self, pages: Client) -> set[int]:
        this_year = timezone.now().year
        addresses = ("", f"/{this_year}.csv", f"/{this_year}.pdf")
        return {pages.get(f"/review/report{address}").status_code for address in addresses}

    def test_a_reviewer(self, pages: Client) -> None:
        assert self.open_all(pages) == {200}
        assert b"/review/report" in pages.get("/review/").content

    def test_someone_with_only_the_reports_permission(
        self, make_person: Callable[..., Person], as_person: AsPerson
    ) -> None:
        clerk = make_person("cleo", "admin", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_crisis_report"))
        pages = as_person(Person.objects.get(pk=clerk.pk))
        assert self.open_all(pages) == {200}
        assert pages.get("/review/").status_code == 404

    def test_no_one_else(
        self, teen: Person, parent: Person, make_person: Callable[..., Person], as_person: AsPerson
    ) -> None:
        for person in (teen, parent, make_person("stan", "admin", is_staff=True)):
            assert self.open_all(as_person(person)) == {404}, person

    @pytest.mark.usefixtures("_a_year")
    def test_the_page_links_the_files_of_each_year(self, pages: Client) -> None:
        page = pages.get("/review/report").content.decode()
        assert f"/review/report/{YEAR}.pdf" in page
        assert f"/review/report/{YEAR}.csv" in page
        assert "<form" not in page.partition("<main")[2].partition("</main")[0]
