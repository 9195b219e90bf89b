"""Drills: the whole path on a made-up incident, which tells no family and is never counted."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from families.models import Link, Notice
from families.trusted_adults import save_trusted_adult
from guard import Level
from mail.models import Email
from safeguarding import alerting, drill
from safeguarding.alerting import AlertRefused
from safeguarding.drill import (
    DRILL_LEVELS,
    DrillOpen,
    NoDrill,
    RealIncidentWaits,
    ask_imagined_teen,
    measure_drill,
    start_drill,
    tell_imagined_adult,
    tell_imagined_parents,
)
from safeguarding.models import (
    AlertAnswer,
    EntryKind,
    HumanReview,
    Incident,
    IncidentEntry,
    OnCallShift,
    Resolution,
    WeeklyCount,
)
from safeguarding.notifying import escalate_unclaimed, notify_on_call
from safeguarding.readers import ForLeadOnly
from safeguarding.reviewer_pages.drill import format_elapsed
from safeguarding.reviewer_pages.queue import ShownIncidents, list_incidents
from safeguarding.reviewing import (
    NotClaimed,
    ReasonMissing,
    claim_incident,
    close_incident,
    look_at_excerpts,
)
from tests.safeguarding.conftest import MakeIncident
from tests.safeguarding.test_incidents import kinds

pytestmark = pytest.mark.django_db
AsPerson = Callable[[Person], Client]


def start_claimed(by: Person, level: Level = Level.ACUTE) -> Incident:
    return claim_incident(incident_id=start_drill(level=level, by=by).pk, by=by)


class TestStartingOne:
    @pytest.mark.parametrize("level", DRILL_LEVELS)
    def test_makes_a_marked_incident_without_a_teen(self, level: Level, reviewer: Person) -> None:
        started = start_drill(level=level, by=reviewer)
        assert (started.is_drill, started.teen, started.level) == (True, None, level)
        [message] = look_at_excerpts(incident_id=started.pk, by=reviewer)
        assert message.excerpt.startswith("DRILL. No one wrote this.")
        assert message.turn_id is None

    def test_counts_nothing(self, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        close_incident(incident_id=started.pk, by=reviewer, resolution=Resolution.FALSE_ALARM)
        assert not WeeklyCount.objects.exists()

    def test_tells_the_people_on_call_that_it_is_a_drill(self, reviewer: Person, lead: Person) -> None:
        for weekday in range(7):
            OnCallShift.objects.create(
                reviewer=reviewer, weekday=weekday, starts=time(0), ends=time(0), time_zone="UTC"
            )
        started = start_drill(level=Level.STATED, by=lead)
        notify_on_call(incident_id=started.pk)
        [email] = Email.objects.all()
        assert email.to == reviewer.email
        assert email.subject.startswith("Drill: ")

    def test_works_before_human_review_is_switched_on(self, reviewer: Person) -> None:
        assert not HumanReview.objects.exists()
        started = start_drill(level=Level.UNSAFE_HOME, by=reviewer)
        notify_on_call(incident_id=started.pk)
        assert [email.to for email in Email.objects.all()] == [reviewer.email]

    def test_is_escalated_as_a_real_one_where_review_is_on(
        self, reviewer: Person, lead: Person, review: HumanReview
    ) -> None:
        started = start_drill(level=Level.ACUTE, by=reviewer)
        Incident.objects.filter(pk=started.pk).update(opened_at=timezone.now() - timedelta(hours=1))
        assert escalate_unclaimed() == 1
        assert all(email.subject.startswith("Drill: ") for email in Email.objects.all())

    def test_waits_while_a_real_incident_is_unclaimed(self, reviewer: Person, incident: Incident) -> None:
        with pytest.raises(RealIncidentWaits):
            start_drill(level=Level.ACUTE, by=reviewer)
        claim_incident(incident_id=incident.pk, by=reviewer)
        assert start_drill(level=Level.ACUTE, by=reviewer).is_drill

    def test_is_refused_while_another_is_open(self, reviewer: Person) -> None:
        first = start_claimed(reviewer)
        with pytest.raises(DrillOpen) as refused:
            start_drill(level=Level.STATED)
        assert refused.value.drill == first
        close_incident(incident_id=first.pk, by=reviewer, resolution=Resolution.HELPED)
        assert start_drill(level=Level.STATED).is_open

    def test_is_listed_after_every_real_incident(
        self, reviewer: Person, teen: Person, make_incident: MakeIncident
    ) -> None:
        started = start_drill(level=Level.ACUTE, by=reviewer)
        real = make_incident(teen, Level.STATED)
        listed = list_incidents(ShownIncidents.OPEN, person=reviewer, number=1).incidents
        assert [each.pk for each in listed] == [real.pk, started.pk]

    def test_opens_no_incident_for_a_teen_and_joins_none(
        self, reviewer: Person, teen: Person, make_incident: MakeIncident
    ) -> None:
        started = start_drill(level=Level.ACUTE, by=reviewer)
        assert make_incident(teen).pk != started.pk
        assert started.messages.count() == 1


class TestAskingTheImaginedTeen:
    @pytest.mark.parametrize("answer", [AlertAnswer.PARENT, AlertAnswer.OTHER_ADULT])
    def test_gives_the_chosen_answer(self, answer: AlertAnswer, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        asked = ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=answer)
        assert (asked.teen_answer, asked.is_waiting_for_teen()) == (answer, False)
        assert kinds(started)[-2:] == [EntryKind.TEEN_ASKED, EntryKind.TEEN_ANSWERED]

    def test_rules_out_parents_if_home_is_not_safe(self, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=AlertAnswer.UNSAFE)
        with pytest.raises(AlertRefused, match=AlertRefused.FROZEN):
            tell_imagined_parents(incident_id=started.pk, by=reviewer, no_time_reason="no time")

    def test_may_get_no_answer_in_time(self, reviewer: Person) -> None:
        started = start_claimed(reviewer, Level.STATED)
        asked = ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=AlertAnswer.NONE)
        assert not asked.is_waiting_for_teen()
        assert tell_imagined_parents(incident_id=started.pk, by=reviewer).subject

    def test_asks_once(self, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        for answer in (AlertAnswer.PARENT, AlertAnswer.UNSAFE):
            asked = ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=answer)
        assert asked.teen_answer == AlertAnswer.PARENT

    def test_needs_a_claim(self, reviewer: Person) -> None:
        started = start_drill(level=Level.ACUTE, by=reviewer)
        with pytest.raises(NotClaimed):
            ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=AlertAnswer.PARENT)


class TestTellingAnAdult:
    def test_sends_nothing_and_says_what_would_have_been_sent(self, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=AlertAnswer.PARENT)
        alert = tell_imagined_parents(incident_id=started.pk, by=reviewer)
        assert alert.subject
        assert alert.path.startswith("/learn/")
        assert not Email.objects.exists()
        assert not Notice.objects.exists()
        entry = started.entries.get(kind=EntryKind.PARENT_TOLD)
        assert entry.note == "Drill: no one was told."

    def test_at_level_4_needs_a_reason_if_the_teen_was_not_asked(self, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        with pytest.raises(ReasonMissing):
            tell_imagined_parents(incident_id=started.pk, by=reviewer)
        tell_imagined_parents(incident_id=started.pk, by=reviewer, no_time_reason="Tonight")
        assert started.entries.get(kind=EntryKind.PARENT_TOLD).note.endswith("Tonight")
        with pytest.raises(AlertRefused, match=AlertRefused.TOLD):
            tell_imagined_parents(incident_id=started.pk, by=reviewer, no_time_reason="Tonight")

    def test_at_level_3_needs_the_question_first(self, reviewer: Person) -> None:
        started = start_claimed(reviewer, Level.STATED)
        with pytest.raises(AlertRefused, match=AlertRefused.NOT_ASKED):
            tell_imagined_parents(incident_id=started.pk, by=reviewer, no_time_reason="Tonight")
        with pytest.raises(AlertRefused, match=AlertRefused.NOT_ASKED):
            tell_imagined_adult(incident_id=started.pk, by=reviewer)

    def test_at_s_tells_no_parent_but_the_other_adult(self, reviewer: Person) -> None:
        started = start_claimed(reviewer, Level.UNSAFE_HOME)
        for act in (
            lambda: ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=AlertAnswer.PARENT),
            lambda: tell_imagined_parents(incident_id=started.pk, by=reviewer),
        ):
            with pytest.raises(AlertRefused, match=AlertRefused.LEVEL):
                act()
        tell_imagined_adult(incident_id=started.pk, by=reviewer)
        assert kinds(started)[-1] == EntryKind.OTHER_ADULT_TOLD

    def test_respects_that_the_teen_chose_the_other_adult(self, reviewer: Person) -> None:
        started = start_claimed(reviewer, Level.STATED)
        ask_imagined_teen(incident_id=started.pk, by=reviewer, answer=AlertAnswer.OTHER_ADULT)
        with pytest.raises(AlertRefused, match=AlertRefused.ADULT_CHOSEN):
            tell_imagined_parents(incident_id=started.pk, by=reviewer)
        tell_imagined_adult(incident_id=started.pk, by=reviewer)

    def test_never_simulates_anything_on_a_real_incident(self, incident: Incident, reviewer: Person) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        for act in (
            lambda: ask_imagined_teen(incident_id=incident.pk, by=reviewer, answer=AlertAnswer.PARENT),
            lambda: tell_imagined_parents(incident_id=incident.pk, by=reviewer),
            lambda: tell_imagined_adult(incident_id=incident.pk, by=reviewer),
        ):
            with pytest.raises(NoDrill):
                act()
        assert kinds(incident)[-1] == EntryKind.CLAIMED

    def test_of_the_real_kind_refuses_a_drill(self, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        for act in (alerting.ask_teen, alerting.tell_parents, alerting.record_other_adult_told):
            with pytest.raises(AlertRefused, match=AlertRefused.DRILL):
                act(incident_id=started.pk, by=reviewer)


class TestTheSameRulesAsForARealIncident:
    """What a real alert refuses or allows, a drill does too: both are tried in the same states."""

    STATES = [
        pytest.param(level, answer, id=f"{level}-{answer and (answer.name or 'NONE')}")
        for level in (Level.STATED, Level.ACUTE)
        for answer in (None, *AlertAnswer)
    ]

    @pytest.mark.parametrize(("level", "answer"), STATES)
    @pytest.mark.parametrize("reason", ["", "Tonight"])
    def test_about_telling_parents(
        self,
        level: Level,
        answer: AlertAnswer | None,
        reason: str,
        reviewer: Person,
        teen: Person,
        parent: Person,
        make_incident: MakeIncident,
    ) -> None:
        Link.objects.create(parent=parent, teen=teen)
        save_trusted_adult(teen=teen, name="Aunt Jo", contact="555 0100")
        real = claim_incident(incident_id=make_incident(teen, level).pk, by=reviewer)
        drilled = start_claimed(reviewer, level)
        if answer is not None:
            alerting.ask_teen(incident_id=real.pk, by=reviewer)
            if answer:
                alerting.answer_as_teen(incident_id=real.pk, teen=teen, answer=answer)
            else:
                Incident.objects.filter(pk=real.pk).update(teen_answer_until=timezone.now())
            ask_imagined_teen(incident_id=drilled.pk, by=reviewer, answer=answer)

        def try_to_tell(tell: Callable[..., object], incident_id: UUID) -> str:
            try:
                tell(incident_id=incident_id, by=reviewer, no_time_reason=reason)
            except (AlertRefused, ForLeadOnly, ReasonMissing) as refused:
                return repr(refused)
            return "told"

        assert try_to_tell(tell_imagined_parents, drilled.pk) == try_to_tell(alerting.tell_parents, real.pk)


class TestItsTimes:
    def test_are_those_of_its_history(self) -> None:
        started = start_drill(level=Level.ACUTE)
        for kind, seconds in (
            (EntryKind.UNATTENDED, 2),
            (EntryKind.LOOKED_AT_EXCERPT, 30),
            (EntryKind.CLAIMED, 60),
            (EntryKind.RELEASED, 70),
            (EntryKind.CLAIMED, 80),
            (EntryKind.TEEN_ASKED, 90),
            (EntryKind.PARENT_TOLD, 120),
            (EntryKind.RESOLVED, 200),
        ):
            at = started.opened_at + timedelta(seconds=seconds)
            IncidentEntry.objects.create(incident=started, kind=kind, at=at)
        assert vars(measure_drill(started)) == {
            name: timedelta(seconds=seconds)
            for name, seconds in (
                *(("notified", 2), ("looked", 30), ("claimed", 60)),
                *(("asked", 90), ("told", 120), ("closed", 200)),
            )
        }

    def test_are_none_for_what_has_not_happened(self, reviewer: Person) -> None:
        assert set(vars(measure_drill(start_drill(level=Level.ACUTE, by=reviewer))).values()) == {None}

    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [(0.44, "0.4 s"), (9.94, "9.9 s"), (12, "12 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")],
    )
    def test_are_shown_as_a_person_reads_them(self, seconds: float, shown: str) -> None:
        assert format_elapsed(timedelta(seconds=seconds)) == shown


class TestOnThePages:
    @pytest.fixture
    def pages(self, reviewer: Person, as_person: AsPerson) -> Client:
        return as_person(reviewer)

    def post(self, pages: Client, address: str, **fields: str) -> str:
        reply = pages.post(address, fields, follow=True)
        assert reply.status_code == 200
        return " ".join(re.sub(r"<[^>]+>", " ", reply.content.decode()).split())

    def test_the_whole_path_is_practiced(self, pages: Client) -> None:
        assert "Start the drill" in pages.get("/review/").content.decode()
        listed = self.post(pages, "/review/drill", level="4")
        assert "The drill has started." in listed
        started = Incident.objects.get()
        address = f"/review/{started.pk}"
        assert "DRILL. No one wrote this." not in pages.get(address).content.decode()
        assert "DRILL. No one wrote this." in self.post(pages, f"{address}/excerpt")
        self.post(pages, f"{address}/act", act="claim")
        self.post(pages, f"{address}/drill", act="ask_teen", answer="parent")
        told = self.post(pages, f"{address}/drill", act="tell_parents")
        assert "What parents would have been sent" in told
        closed = pages.post(f"{address}/act", {"act": "close", "resolution": "helped"}, follow=True)
        assert closed.status_code == 200
        page = " ".join(re.sub(r"<[^>]+>", " ", pages.get(address).content.decode()).split())
        assert "Time since the message" in page
        for step in (
            "First look",
            "Claimed",
            "The teen was asked",
            "An adult would have been told",
            "Closed",
        ):
            assert re.search(rf"{step} \d+\.\d s", page), step
        assert not Notice.objects.exists()

    def test_a_refusal_says_why(self, pages: Client, reviewer: Person) -> None:
        started = start_claimed(reviewer, Level.STATED)
        assert "Ask the teen first." in self.post(pages, f"/review/{started.pk}/drill", act="tell_parents")

    def test_a_real_incident_has_no_such_part(self, pages: Client, incident: Incident) -> None:
        claim_incident(incident_id=incident.pk, by=Person.objects.get(username="rosa"))
        assert "/drill" not in pages.get(f"/review/{incident.pk}").content.decode()
        fields = {"act": "ask_teen", "answer": "parent"}
        assert pages.post(f"/review/{incident.pk}/drill", fields).status_code == 404

    def test_says_that_a_real_incident_comes_first(self, pages: Client, incident: Incident) -> None:
        assert "a real incident is waiting" in self.post(pages, "/review/drill", level="3")
        assert not Incident.objects.filter(is_drill=True).exists()

    def test_leads_to_the_drill_that_is_open(self, pages: Client) -> None:
        started = start_drill(level=Level.ACUTE)
        reply = pages.post("/review/drill", {"level": "3"})
        assert reply.headers["Location"] == f"/review/{started.pk}"

    @pytest.mark.parametrize("level", ["", "2", "5"])
    def test_has_only_the_levels_with_incidents(self, level: str, pages: Client) -> None:
        assert pages.post("/review/drill", {"level": level}).status_code == 404

    @pytest.mark.parametrize("fields", [{}, {"act": "close"}, {"act": "ask_teen", "answer": "x"}])
    def test_has_no_other_acts(self, fields: dict[str, str], pages: Client, reviewer: Person) -> None:
        started = start_claimed(reviewer)
        assert pages.post(f"/review/{started.pk}/drill", fields).status_code == 404


class TestTheCommand:
    def test_starts_one_and_prints_its_address(self) -> None:
        out = StringIO()
        call_command("review_drill", "--level", "S", stdout=out)
        started = Incident.objects.get()
        assert started.level == "S"
        assert out.getvalue().strip().endswith(f"/review/{started.pk}")

    def test_says_why_it_does_not_start_one(self, incident: Incident, reviewer: Person) -> None:
        with pytest.raises(CommandError, match="real incident"):
            call_command("review_drill")
        claim_incident(incident_id=incident.pk, by=reviewer)
        call_command("review_drill", stdout=StringIO())
        with pytest.raises(CommandError, match="Another drill"):
            call_command("review_drill")


def test_the_words_are_of_each_level() -> None:
    assert len({drill.build_made_up_words(level) for level in DRILL_LEVELS}) == len(DRILL_LEVELS)
