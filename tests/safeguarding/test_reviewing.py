"""What reviewers do: one at a time, with a history, and never a look that the teen does not see."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Person
from chat.models import Turn
from guard import Level
from safeguarding.models import CountKind, EntryKind, Incident, Resolution
from safeguarding.reviewing import (
    AlreadyClaimed,
    IncidentClosed,
    MessageArrived,
    NoLead,
    NotClaimed,
    ReasonMissing,
    add_note,
    claim_incident,
    close_incident,
    hand_up_incident,
    list_looks,
    look_at_context,
    look_at_excerpts,
    release_incident,
    skip_incident,
)
from tests.budgets.rush import at_once
from tests.chat.conftest import Ask
from tests.chat.conversations import create_turns
from tests.safeguarding.conftest import STATED, MakeIncident, MakeReviewer
from tests.safeguarding.test_counts import count
from tests.safeguarding.test_incidents import kinds

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(make_reviewer: MakeReviewer) -> Person:
    return make_reviewer("otto")


@pytest.fixture
def claimed(incident: Incident, reviewer: Person) -> Incident:
    return claim_incident(incident_id=incident.pk, by=reviewer)


class TestALook:
    def test_at_the_excerpt_is_in_the_teens_log(
        self, incident: Incident, teen: Person, reviewer: Person
    ) -> None:
        [message] = look_at_excerpts(incident_id=incident.pk, by=reviewer)
        assert message.excerpt == STATED
        [look] = list_looks(teen)
        assert (look.entry.kind, look.entry.by_name) == (EntryKind.LOOKED_AT_EXCERPT, "Rosa")
        assert look.organization == "Harbor House"
        incident.refresh_from_db()
        assert incident.first_look_at

    def test_is_logged_each_time_and_the_first_is_kept(
        self, incident: Incident, teen: Person, reviewer: Person
    ) -> None:
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        first = Incident.objects.get().first_look_at
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        assert len(list_looks(teen)) == 2
        assert Incident.objects.get().first_look_at == first

    def test_is_in_no_other_teens_log(self, claimed: Incident, stranger: Person, reviewer: Person) -> None:
        look_at_excerpts(incident_id=claimed.pk, by=reviewer)
        assert list_looks(stranger) == []

    def test_at_the_context_needs_a_reason_and_a_claim(
        self, incident: Incident, reviewer: Person, teen: Person
    ) -> None:
        with pytest.raises(NotClaimed):
            look_at_context(incident_id=incident.pk, by=reviewer, reason="Is it about tonight?")
        claim_incident(incident_id=incident.pk, by=reviewer)
        with pytest.raises(ReasonMissing):
            look_at_context(incident_id=incident.pk, by=reviewer, reason=" ")
        assert list_looks(teen) == []

    def test_at_the_context_shows_three_questions_before_and_after_in_that_conversation(
        self, reviewed_teen: Person, ask: Ask, reviewer: Person
    ) -> None:
        first = ask(reviewed_teen, "Question 0")
        conversation = first.conversation
        ask(reviewed_teen, "Of another conversation")
        Turn.objects.update(state="answered", answer="An answer", ended_at=timezone.now())
        for text in [f"Question {number}" for number in range(1, 6)]:
            ask(reviewed_teen, text, conversation=conversation)
            Turn.objects.update(state="answered", ended_at=timezone.now())
        ask(reviewed_teen, STATED, conversation=conversation)
        create_turns(conversation, 4, start=timezone.now(), question="After")
        incident = Incident.objects.get()
        claim_incident(incident_id=incident.pk, by=reviewer)
        lines = look_at_context(incident_id=incident.pk, by=reviewer, reason="Is it about tonight?")
        assert [line.question for line in lines] == [
            *("Question 3", "Question 4", "Question 5"),
            STATED,
            *["After"] * 3,
        ]
        assert [line.is_crisis for line in lines].count(True) == 1
        [look] = list_looks(reviewed_teen)
        assert look.entry.note == "Is it about tonight?"

    @pytest.mark.parametrize("state", ["closed", "another's"])
    def test_at_what_is_not_ones_own_work_needs_a_reason_that_the_teen_reads(
        self, state: str, claimed: Incident, reviewer: Person, other: Person, teen: Person
    ) -> None:
        if state == "closed":
            close_incident(incident_id=claimed.pk, by=reviewer, resolution=Resolution.HELPED)
        with pytest.raises(ReasonMissing):
            look_at_excerpts(incident_id=claimed.pk, by=other)
        assert list_looks(teen) == []
        [message] = look_at_excerpts(incident_id=claimed.pk, by=other, reason="To stand in for Rosa")
        assert message.excerpt == STATED
        assert [look.entry.note for look in list_looks(teen)] == ["To stand in for Rosa"]


class TestClaiming:
    def test_is_one_reviewers_at_a_time(self, claimed: Incident, other: Person, reviewer: Person) -> None:
        with pytest.raises(AlreadyClaimed) as refused:
            claim_incident(incident_id=claimed.pk, by=other)
        assert refused.value.incident.claimed_by == reviewer

    def test_again_does_nothing(self, claimed: Incident, reviewer: Person) -> None:
        claim_incident(incident_id=claimed.pk, by=reviewer)
        assert kinds(claimed).count(EntryKind.CLAIMED) == 1

    def test_may_be_taken_over_on_purpose(self, claimed: Incident, other: Person) -> None:
        taken = claim_incident(incident_id=claimed.pk, by=other, takes_over=True)
        assert taken.claimed_by == other
        assert kinds(claimed)[-1] == EntryKind.TAKEN_OVER

    def test_is_not_taken_over_from_someone_whom_the_page_did_not_name(
        self, claimed: Incident, reviewer: Person, other: Person, lead: Person
    ) -> None:
        claim_incident(incident_id=claimed.pk, by=lead, takes_over=True, takes_over_from=reviewer.pk)
        with pytest.raises(AlreadyClaimed):
            claim_incident(incident_id=claimed.pk, by=other, takes_over=True, takes_over_from=reviewer.pk)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("transactional_db")
    def test_by_two_at_once_succeeds_for_one(
        self, incident: Incident, reviewer: Person, other: Person
    ) -> None:
        def claim(person: Person) -> str:
            try:
                return str(claim_incident(incident_id=incident.pk, by=person).claimed_by)
            except AlreadyClaimed:
                return ""

        names = at_once([lambda p=p: claim(p) for p in (reviewer, other)])  # type: ignore[misc]
        incident.refresh_from_db()
        assert sorted(names) == ["", str(incident.claimed_by)]
        assert kinds(incident).count(EntryKind.CLAIMED) == 1

    def test_is_undone_by_a_release(self, claimed: Incident, reviewer: Person, other: Person) -> None:
        release_incident(incident_id=claimed.pk, by=reviewer)
        assert claim_incident(incident_id=claimed.pk, by=other).claimed_by == other


class TestActing:
    def test_needs_the_claim(self, claimed: Incident, other: Person) -> None:
        acts: list[Callable[[], object]] = [
            lambda: release_incident(incident_id=claimed.pk, by=other),
            lambda: add_note(incident_id=claimed.pk, by=other, note="x"),
            lambda: hand_up_incident(incident_id=claimed.pk, by=other),
            lambda: close_incident(incident_id=claimed.pk, by=other, resolution=Resolution.HELPED),
            lambda: look_at_context(incident_id=claimed.pk, by=other, reason="x"),
        ]
        for act in acts:
            with pytest.raises(NotClaimed):
                act()

    def test_ends_with_the_incident(self, claimed: Incident, reviewer: Person) -> None:
        close_incident(incident_id=claimed.pk, by=reviewer, resolution=Resolution.HELPED)
        acts: list[Callable[[], object]] = [
            lambda: claim_incident(incident_id=claimed.pk, by=reviewer),
            lambda: skip_incident(incident_id=claimed.pk, by=reviewer),
            lambda: add_note(incident_id=claimed.pk, by=reviewer, note="x"),
            lambda: close_incident(incident_id=claimed.pk, by=reviewer, resolution=Resolution.HELPED),
        ]
        for act in acts:
            with pytest.raises(IncidentClosed):
                act()

    def test_skipping_leaves_the_incident_to_others(
        self, claimed: Incident, reviewer: Person, other: Person
    ) -> None:
        skip_incident(incident_id=claimed.pk, by=reviewer, note="I know the family.")
        assert claim_incident(incident_id=claimed.pk, by=other).claimed_by == other

    def test_skipping_does_not_take_it_from_another(
        self, claimed: Incident, reviewer: Person, other: Person
    ) -> None:
        assert skip_incident(incident_id=claimed.pk, by=other).claimed_by == reviewer

    def test_handing_up_releases_it(self, claimed: Incident, reviewer: Person) -> None:
        assert hand_up_incident(incident_id=claimed.pk, by=reviewer).claimed_by is None

    def test_handing_up_is_refused_if_there_is_no_one_to_tell(
        self, claimed: Incident, reviewer: Person, lead: Person
    ) -> None:
        Person.objects.filter(pk=lead.pk).update(is_active=False)
        with pytest.raises(NoLead):
            hand_up_incident(incident_id=claimed.pk, by=reviewer)
        claimed.refresh_from_db()
        assert (claimed.claimed_by, kinds(claimed)[-1]) == (reviewer, EntryKind.CLAIMED)

    def test_closing_waits_for_a_message_that_came_after_the_page(
        self, claimed: Incident, reviewer: Person, teen: Person, make_incident: MakeIncident
    ) -> None:
        make_incident(teen)
        with pytest.raises(MessageArrived):
            close_incident(
                incident_id=claimed.pk, by=reviewer, resolution=Resolution.FALSE_ALARM, shown_messages=1
            )
        closed = close_incident(
            incident_id=claimed.pk, by=reviewer, resolution=Resolution.HELPED, shown_messages=2
        )
        assert closed.closed_at

    def test_keeps_the_times_of_each_step(self, incident: Incident, reviewer: Person) -> None:
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        claim_incident(incident_id=incident.pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED, note="Called.")
        incident.refresh_from_db()
        assert incident.first_look_at
        assert incident.claimed_at
        assert incident.closed_at
        assert incident.opened_at < incident.first_look_at < incident.claimed_at < incident.closed_at
        assert kinds(incident) == ["opened", "looked_excerpt", "claimed", "resolved"]


class TestAFalseAlarm:
    def test_is_counted_by_its_level(self, claimed: Incident, reviewer: Person) -> None:
        close_incident(incident_id=claimed.pk, by=reviewer, resolution=Resolution.FALSE_ALARM)
        assert count(CountKind.FALSE_ALARM, "3") == 1

    def test_is_not_counted_for_an_incident_that_was_followed_up(
        self, teen: Person, make_incident: MakeIncident, reviewer: Person
    ) -> None:
        incident = claim_incident(incident_id=make_incident(teen, Level.ACUTE).pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)
        assert count(CountKind.FALSE_ALARM, "4") == 0
