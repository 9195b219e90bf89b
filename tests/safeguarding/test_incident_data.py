"""What is kept of an incident and for how long, and what a teen and a reviewer find in their own data."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Person
from guard import Level
from privacy.registry import list_kinds
from safeguarding.drill import start_drill
from safeguarding.models import EntryKind, HumanReview, Incident, Resolution
from safeguarding.personal import export_incidents, export_looks, export_reviewing
from safeguarding.retention import UNLINKED_AFTER, delete_expired_excerpts, unlink_old_incidents
from safeguarding.reviewing import add_note, claim_incident, close_incident, look_at_excerpts
from tests.safeguarding.conftest import STATED, MakeIncident

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(incident: Incident, reviewer: Person) -> Incident:
    claim_incident(incident_id=incident.pk, by=reviewer)
    look_at_excerpts(incident_id=incident.pk, by=reviewer)
    add_note(incident_id=incident.pk, by=reviewer, note="Called the school.")
    return close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)


class TestExcerpts:
    def test_go_some_days_after_the_incident_was_closed(self, closed: Incident, review: HumanReview) -> None:
        now = timezone.now()
        assert delete_expired_excerpts(now=now + timedelta(days=review.excerpt_days - 1)) == 0
        later = now + timedelta(days=review.excerpt_days, minutes=1)
        assert delete_expired_excerpts(now=later) == 1
        assert closed.messages.get().excerpt == ""
        assert closed.entries.last().kind == EntryKind.EXCERPTS_DELETED  # type: ignore[union-attr]
        assert delete_expired_excerpts(now=later) == 0

    def test_of_an_open_incident_stay(self, incident: Incident) -> None:
        assert delete_expired_excerpts(now=timezone.now() + timedelta(days=400)) == 0
        assert incident.messages.get().excerpt == STATED


class TestTheLink:
    def test_to_the_teen_goes_with_the_notes_and_the_history_stays(self, closed: Incident) -> None:
        before = closed.entries.count()
        assert unlink_old_incidents(now=timezone.now() + UNLINKED_AFTER - timedelta(days=1)) == 0
        assert unlink_old_incidents(now=timezone.now() + UNLINKED_AFTER + timedelta(minutes=1)) == 1
        closed.refresh_from_db()
        message = closed.messages.get()
        assert (closed.teen, message.excerpt, message.turn_id) == (None, "", None)
        assert not closed.entries.exclude(note="").exists()
        assert closed.entries.count() == before + 1

    def test_stays_where_home_was_said_to_be_unsafe_without_the_words(
        self, teen: Person, make_incident: MakeIncident, lead: Person
    ) -> None:
        incident = claim_incident(incident_id=make_incident(teen, Level.UNSAFE_HOME).pk, by=lead)
        close_incident(incident_id=incident.pk, by=lead, resolution=Resolution.HELPED, note="Called.")
        assert unlink_old_incidents(now=timezone.now() + UNLINKED_AFTER + timedelta(minutes=1)) == 0
        incident.refresh_from_db()
        assert incident.teen == teen
        assert incident.messages.get().excerpt == ""
        assert not incident.entries.exclude(note="").exists()


class TestExport:
    def test_of_the_teen_has_their_incidents_and_every_look(self, closed: Incident, teen: Person) -> None:
        [row] = export_incidents(teen)
        assert (row["excerpt"], row["incident"]) == (STATED, str(closed.pk))
        [look] = export_looks(teen)
        assert (look["who"], look["incident"]) == ("Rosa", str(closed.pk))

    def test_of_another_person_has_none(self, closed: Incident, stranger: Person, parent: Person) -> None:
        for person in (stranger, parent):
            assert [*export_incidents(person), *export_looks(person), *export_reviewing(person)] == []

    def test_has_nothing_from_before_a_parent_helped_with_the_password(
        self, closed: Incident, teen: Person
    ) -> None:
        """Who signs in with the new password may be the parent."""
        teen.sealed_before = timezone.now()
        assert [*export_incidents(teen), *export_looks(teen)] == []

    def test_of_a_reviewer_marks_drills(self, reviewer: Person) -> None:
        drill = start_drill(level=Level.ACUTE, by=reviewer)
        claim_incident(incident_id=drill.pk, by=reviewer)
        assert [str(row["what"]) for row in export_reviewing(reviewer)] == ["drill: opened", "drill: claimed"]

    def test_of_a_reviewer_has_what_they_did_and_no_words_of_the_teen(
        self, closed: Incident, reviewer: Person
    ) -> None:
        rows = list(export_reviewing(reviewer))
        assert [str(row["what"]) for row in rows] == [
            "claimed",
            "read the excerpt",
            "note",
            "closed: followed up",
        ]
        assert STATED not in str(rows)

    def test_of_a_parent_leaves_all_of_it_out(self) -> None:
        names = {kind.name for kind in list_kinds(for_parent=True)}
        assert names.isdisjoint({"incidents", "looks", "reviewing"})
