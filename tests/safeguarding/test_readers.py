"""Who may open which incident: at S only the responsible person and the deputies, and never the teen's own family."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import time

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from families.models import Consent, Link
from guard import Category, Level
from mail.models import Email
from safeguarding.alerting import answer_as_teen, ask_teen
from safeguarding.card_review import clear_review_caches
from safeguarding.drill import start_drill
from safeguarding.human_review import ReviewFacts, switch_review_off, switch_review_on
from safeguarding.models import AlertAnswer, EntryKind, HumanReview, Incident, OnCallShift, Resolution
from safeguarding.notifying import escalate_unclaimed, notify_on_call
from safeguarding.readers import ForLeadOnly, find_readers, is_lead
from safeguarding.reviewing import (
    add_note,
    claim_incident,
    close_incident,
    get_incident,
    hand_up_incident,
    list_looks,
    look_at_context,
    look_at_excerpts,
    release_incident,
    skip_incident,
)
from tests.chat.conftest import Ask
from tests.safeguarding.conftest import STATED, UNSAFE, MakeIncident, MakeReviewer
from tests.safeguarding.test_incidents import kinds
from tests.safeguarding.test_notifying import make_older, told

pytestmark = pytest.mark.django_db
AsPerson = Callable[[Person], Client]
ACTS: list[Callable[[Incident, Person], object]] = [
    lambda incident, by: get_incident(incident.pk, by=by),
    lambda incident, by: look_at_excerpts(incident_id=incident.pk, by=by),
    lambda incident, by: look_at_context(incident_id=incident.pk, by=by, reason="Curious"),
    lambda incident, by: claim_incident(incident_id=incident.pk, by=by),
    lambda incident, by: claim_incident(incident_id=incident.pk, by=by, takes_over=True),
    lambda incident, by: release_incident(incident_id=incident.pk, by=by),
    lambda incident, by: skip_incident(incident_id=incident.pk, by=by),
    lambda incident, by: add_note(incident_id=incident.pk, by=by, note="x"),
    lambda incident, by: hand_up_incident(incident_id=incident.pk, by=by),
    lambda incident, by: close_incident(incident_id=incident.pk, by=by, resolution=Resolution.HELPED),
]


@pytest.fixture
def facts(lead: Person, deputy: Person, facts: ReviewFacts) -> ReviewFacts:
    return replace(facts, deputies=[deputy])


@pytest.fixture
def at_s(teen: Person, make_incident: MakeIncident) -> Incident:
    return make_incident(teen, Level.UNSAFE_HOME, Category.UNSAFE_HOME, text=UNSAFE)


def text_of(content: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", content.decode()).split())


class TestAtS:
    @pytest.mark.parametrize("who", ["lead", "deputy"])
    def test_the_responsible_person_and_a_deputy_do_everything(
        self, who: str, at_s: Incident, teen: Person, request: pytest.FixtureRequest
    ) -> None:
        person = request.getfixturevalue(who)
        [message] = look_at_excerpts(incident_id=at_s.pk, by=person)
        assert message.excerpt == UNSAFE
        assert [look.entry.by_name for look in list_looks(teen)] == [str(person)]
        claim_incident(incident_id=at_s.pk, by=person)
        assert close_incident(incident_id=at_s.pk, by=person, resolution=Resolution.HELPED).closed_at

    @pytest.mark.parametrize("act", ACTS)
    def test_another_reviewer_does_nothing_and_reads_nothing(
        self, act: Callable[[Incident, Person], object], at_s: Incident, reviewer: Person, teen: Person
    ) -> None:
        before = kinds(at_s)
        with pytest.raises(ForLeadOnly):
            act(at_s, reviewer)
        assert kinds(at_s) == before
        assert list_looks(teen) == []

    def test_a_superuser_who_is_not_a_lead_does_nothing_either(
        self, at_s: Incident, admin_person: Person
    ) -> None:
        with pytest.raises(ForLeadOnly):
            look_at_excerpts(incident_id=at_s.pk, by=admin_person)

    def test_a_lead_who_may_no_longer_review_does_nothing(self, at_s: Incident, deputy: Person) -> None:
        deputy.user_permissions.clear()
        with pytest.raises(ForLeadOnly):
            look_at_excerpts(incident_id=at_s.pk, by=Person.objects.get(pk=deputy.pk))

    def test_one_person_alone_suffices(
        self, teen: Person, admin_person: Person, facts: ReviewFacts, request: pytest.FixtureRequest
    ) -> None:
        switch_review_on(by=admin_person, facts=replace(facts, responsible=admin_person, deputies=[]))
        make_incident: MakeIncident = request.getfixturevalue("make_incident")
        switch_review_on(by=admin_person, facts=replace(facts, responsible=admin_person, deputies=[]))
        incident = make_incident(teen, Level.UNSAFE_HOME)
        assert claim_incident(incident_id=incident.pk, by=admin_person).claimed_by == admin_person

    def test_a_person_of_an_earlier_record_is_not_a_lead_any_more(
        self, at_s: Incident, facts: ReviewFacts, lead: Person, deputy: Person, reviewer: Person
    ) -> None:
        switch_review_on(by=lead, facts=replace(facts, responsible=reviewer, deputies=[lead]))
        assert [is_lead(person) for person in (lead, deputy, reviewer)] == [True, False, True]

    def test_the_last_record_counts_after_review_was_switched_off(
        self, at_s: Incident, lead: Person, reviewer: Person
    ) -> None:
        switch_review_off(by=lead)
        assert look_at_excerpts(incident_id=at_s.pk, by=lead)
        with pytest.raises(ForLeadOnly):
            look_at_excerpts(incident_id=at_s.pk, by=reviewer)

    def test_the_record_of_deputies_never_changes(self, review: HumanReview, deputy: Person) -> None:
        assert (review.deputy_ids, review.deputy_names) == ([deputy.pk], ["Dora"])
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            HumanReview.objects.update(deputy_ids=[])
        deputy.delete()
        review.refresh_from_db()
        assert review.deputy_names == ["Dora"]


class TestTheListAndThePage:
    def test_of_another_reviewer_say_only_that_it_exists_and_whom_it_waits_for(
        self, at_s: Incident, reviewer: Person, as_person: AsPerson, teen: Person
    ) -> None:
        pages = as_person(reviewer)
        listed = pages.get("/review/")
        shown = text_of(listed.content)
        assert "S: not safe at home, or exploited" in shown
        assert "not claimed Only Lena, Dora may open it." in shown
        assert f"/review/{at_s.pk}" not in listed.content.decode()
        page = pages.get(f"/review/{at_s.pk}")
        assert page.status_code == 403
        assert "may open this: Lena, Dora." in text_of(page.content)
        assert "none of them is on call now" in text_of(page.content)
        for words in (UNSAFE, "opened", "History", teen.username):
            assert words not in text_of(page.content)

    @pytest.mark.parametrize("end", ["excerpt", "context", "adult", "act", "drill"])
    def test_refuse_each_form_of_another_reviewer(
        self, end: str, at_s: Incident, reviewer: Person, as_person: AsPerson
    ) -> None:
        form = {"act": "claim", "note": "Curious"}
        reply = as_person(reviewer).post(f"/review/{at_s.pk}/{end}", form)
        assert reply.status_code in {403, 404}
        assert UNSAFE not in reply.content.decode()
        assert EntryKind.CLAIMED not in kinds(at_s)

    def test_of_a_lead_open_it(self, at_s: Incident, deputy: Person, as_person: AsPerson) -> None:
        pages = as_person(deputy)
        assert f"/review/{at_s.pk}" in pages.get("/review/").content.decode()
        assert UNSAFE in text_of(pages.post(f"/review/{at_s.pk}/excerpt").content)

    def test_say_that_there_is_no_one_to_open_it(
        self, at_s: Incident, lead: Person, deputy: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        Person.objects.filter(pk__in=[lead.pk, deputy.pk]).update(is_active=False)
        pages = as_person(reviewer)
        assert "no one has either role right now" in text_of(pages.get("/review/").content)
        assert "record who is responsible" in text_of(pages.get(f"/review/{at_s.pk}").content)

    def test_of_a_reviewer_who_has_it_open_says_so_when_it_becomes_one_at_s(
        self,
        incident: Incident,
        reviewer: Person,
        as_person: AsPerson,
        teen: Person,
        make_incident: MakeIncident,
    ) -> None:
        pages = as_person(reviewer)
        claim_incident(incident_id=incident.pk, by=reviewer)
        make_incident(teen, Level.UNSAFE_HOME)
        update = pages.get(f"/review/{incident.pk}", headers={"HX-Request": "true"})
        assert update.status_code == 403
        assert "may open this: Lena, Dora." in text_of(update.content)


class TestBecomingOneAtS:
    def test_gives_it_back_unless_a_lead_has_claimed_it(
        self, incident: Incident, teen: Person, reviewer: Person, make_incident: MakeIncident
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        raised = make_incident(teen, Level.UNSAFE_HOME)
        assert (raised.pk, raised.level, raised.claimed_by) == (incident.pk, "S", None)
        assert EntryKind.KEPT_FOR_LEAD in kinds(incident)

    def test_leaves_it_to_a_lead(
        self, incident: Incident, teen: Person, lead: Person, make_incident: MakeIncident
    ) -> None:
        claim_incident(incident_id=incident.pk, by=lead)
        assert make_incident(teen, Level.UNSAFE_HOME).claimed_by == lead

    def test_happens_to_a_message_at_3_that_hints_at_an_unsafe_home(
        self, teen: Person, make_incident: MakeIncident
    ) -> None:
        incident = make_incident(teen, Level.STATED, Category.SUICIDE, Category.UNSAFE_HOME)
        assert (incident.level, incident.messages.get().level) == ("S", "S")

    def test_happens_with_the_teens_answer(
        self, incident: Incident, teen: Person, reviewer: Person, lead: Person
    ) -> None:
        claim_incident(incident_id=incident.pk, by=reviewer)
        ask_teen(incident_id=incident.pk, by=reviewer)
        answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.UNSAFE)
        incident.refresh_from_db()
        assert (incident.level, incident.claimed_by) == ("S", None)
        notify_on_call(incident_id=incident.pk)
        assert told() == ["dora@example.org", "lena@example.org"]

    def test_does_not_happen_at_4_where_a_life_comes_first(
        self, teen: Person, reviewer: Person, make_incident: MakeIncident
    ) -> None:
        incident = claim_incident(incident_id=make_incident(teen, Level.ACUTE).pk, by=reviewer)
        ask_teen(incident_id=incident.pk, by=reviewer)
        answered = answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.UNSAFE)
        assert (answered.level, answered.claimed_by) == ("4", reviewer)

    def test_opens_another_one_if_the_teen_says_so_after_the_end(
        self, incident: Incident, teen: Person, reviewer: Person
    ) -> None:
        """Or no one would read that home isn't safe."""
        claim_incident(incident_id=incident.pk, by=reviewer)
        ask_teen(incident_id=incident.pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)
        answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.UNSAFE)
        opened = Incident.objects.get(closed_at=None)
        assert (opened.level, kinds(opened)) == ("S", [EntryKind.OPENED_BY_ANSWER, EntryKind.FROZEN])
        incident.refresh_from_db()
        assert (incident.level, incident.resolution) == ("3", Resolution.HELPED)


class TestWordsAtSInAnotherIncident:
    def test_are_withheld_from_a_reviewer_at_4_and_not_from_a_lead(
        self, at_s: Incident, teen: Person, reviewer: Person, lead: Person, make_incident: MakeIncident
    ) -> None:
        make_incident(teen, Level.ACUTE, text=STATED)
        excerpts = [
            [
                (message.excerpt, message.is_withheld)
                for message in look_at_excerpts(incident_id=at_s.pk, by=by)
            ]
            for by in (reviewer, lead)
        ]
        assert excerpts == [[("", True), (STATED, False)], [(UNSAFE, False), (STATED, False)]]
        assert at_s.messages.first().excerpt == UNSAFE  # type: ignore[union-attr]

    def test_are_withheld_among_the_questions_around_it(
        self, reviewed_teen: Person, ask: Ask, reviewer: Person, lead: Person, as_person: AsPerson
    ) -> None:
        first = ask(reviewed_teen, UNSAFE)
        claim_incident(incident_id=Incident.objects.get().pk, by=lead)
        close_incident(incident_id=Incident.objects.get().pk, by=lead, resolution=Resolution.HELPED)
        Turn.objects.update(ended_at=first.ended_at)
        ask(reviewed_teen, STATED, conversation=first.conversation)
        incident = Incident.objects.get(closed_at=None)
        claim_incident(incident_id=incident.pk, by=reviewer)
        page = as_person(reviewer).post(f"/review/{incident.pk}/context", {"note": "To understand it"})
        assert STATED in text_of(page.content)
        assert UNSAFE not in text_of(page.content)
        assert "Only the responsible person and the deputies can read this one." in text_of(page.content)
        claim_incident(incident_id=incident.pk, by=lead, takes_over=True)
        lines = look_at_context(incident_id=incident.pk, by=lead, reason="To understand it")
        assert [line.question for line in lines] == [UNSAFE, STATED]

    def test_from_before_the_consent_are_never_read(
        self, reviewed_teen: Person, ask: Ask, reviewer: Person
    ) -> None:
        conversation = Conversation.objects.create(owner=reviewed_teen, title="One")
        given_at = Consent.objects.filter(teen=reviewed_teen).latest("given_at").given_at
        before = ask(reviewed_teen, "What is a prompt?", conversation=conversation)
        Turn.objects.filter(pk=before.pk).update(
            asked_at=given_at.replace(year=given_at.year - 1), state=TurnState.ANSWERED, ended_at=given_at
        )
        ask(reviewed_teen, STATED, conversation=conversation)
        incident = claim_incident(incident_id=Incident.objects.get().pk, by=reviewer)
        lines = look_at_context(incident_id=incident.pk, by=reviewer, reason="To understand it")
        assert [line.question for line in lines] == [STATED]
        Consent.objects.filter(teen=reviewed_teen).update(withdrawn_at=given_at)
        assert look_at_context(incident_id=incident.pk, by=reviewer, reason="Once more") == []


class TestTheTeensFamily:
    @pytest.fixture
    def mother(self, make_reviewer: MakeReviewer, teen: Person) -> Person:
        person = make_reviewer("mira")
        Link.objects.create(parent=person, teen=teen)
        return person

    def test_never_knows_that_an_incident_exists(
        self, mother: Person, incident: Incident, as_person: AsPerson
    ) -> None:
        pages = as_person(mother)
        assert "There are none." in text_of(pages.get("/review/").content)
        assert pages.get("/review/?since=").context["new"].count == 0
        assert pages.get(f"/review/{incident.pk}").status_code == 404
        assert pages.post(f"/review/{incident.pk}/excerpt").status_code == 404
        assert pages.post(f"/review/{incident.pk}/act", {"act": "claim"}).status_code == 404
        assert kinds(incident) == ["opened"]

    def test_does_not_learn_of_it_from_a_drill_that_has_to_wait(
        self, mother: Person, reviewer: Person, incident: Incident, as_person: AsPerson
    ) -> None:
        said = {
            person: text_of(as_person(person).post("/review/drill", {"level": "4"}, follow=True).content)
            for person in (mother, reviewer)
        }
        assert "No drill can be started right now." in said[mother]
        assert "a real incident is waiting" in said[reviewer]

    def test_stays_shut_out_after_the_link_has_ended(
        self, mother: Person, incident: Incident, as_person: AsPerson
    ) -> None:
        Link.objects.update(ended_at=incident.opened_at, end_reason="teen")
        assert as_person(mother).get(f"/review/{incident.pk}").status_code == 404

    def test_is_never_told(
        self, mother: Person, incident: Incident, review: HumanReview, reviewer: Person
    ) -> None:
        for weekday in range(7):
            OnCallShift.objects.create(
                reviewer=mother, weekday=weekday, starts=time(0), ends=time(0), time_zone="UTC"
            )
        notify_on_call(incident_id=incident.pk)
        make_older(incident, review.escalate_after_minutes + 1)
        escalate_unclaimed()
        assert "mira@example.org" not in told()
        assert kinds(incident)[1:] == [EntryKind.UNATTENDED, EntryKind.ESCALATED]

    def test_does_not_open_it_as_the_responsible_person_either(
        self, mother: Person, teen: Person, facts: ReviewFacts, deputy: Person, make_incident: MakeIncident
    ) -> None:
        switch_review_on(by=deputy, facts=replace(facts, responsible=mother))
        incident = make_incident(teen, Level.UNSAFE_HOME)
        assert find_readers(incident).readers == [deputy]
        notify_on_call(incident_id=incident.pk)
        assert told() == ["dora@example.org"]

    def test_includes_the_teen_and_who_gave_consent(
        self, incident: Incident, teen: Person, make_reviewer: MakeReviewer
    ) -> None:
        guardian = make_reviewer("gil")
        Consent.objects.filter(teen=teen).update(given_by=guardian)
        for person in (guardian, teen):
            with pytest.raises(Incident.DoesNotExist):
                look_at_excerpts(incident_id=incident.pk, by=person)


class TestAtNight:
    """Neither the responsible person nor a deputy is on call."""

    def test_both_are_told_at_once_and_the_history_says_that_neither_was_on_call(
        self, at_s: Incident
    ) -> None:
        notify_on_call(incident_id=at_s.pk)
        assert told() == ["dora@example.org", "lena@example.org"]
        assert kinds(at_s)[-1] == EntryKind.UNATTENDED

    def test_the_others_are_then_told_whom_it_waits_for(
        self, at_s: Incident, reviewer: Person, review: HumanReview
    ) -> None:
        notify_on_call(incident_id=at_s.pk)
        assert not Email.objects.filter(to="rosa@example.org").exists()
        make_older(at_s, review.escalate_after_minutes + 1)
        assert escalate_unclaimed() == 1
        email = Email.objects.get(to="rosa@example.org")
        assert "but you may not open it" in email.subject
        assert "It’s waiting for Lena, Dora." in email.text
        assert str(at_s.pk) not in email.text
        assert told().count("lena@example.org") == 2

    def test_who_may_switch_review_is_told_if_there_is_no_lead_at_all(
        self, at_s: Incident, lead: Person, deputy: Person, admin_person: Person
    ) -> None:
        Person.objects.filter(pk__in=[lead.pk, deputy.pk]).update(is_active=False)
        Person.objects.filter(pk=admin_person.pk).update(email="ana@example.org")
        notify_on_call(incident_id=at_s.pk)
        email = Email.objects.get(to="ana@example.org")
        assert "no one can open it" in email.subject
        assert "/review/settings" in email.text


class TestWhatTheTeenReads:
    @pytest.fixture(autouse=True)
    def _forget(self) -> None:
        clear_review_caches()

    def put_on_call(self, person: Person) -> None:
        for weekday in range(7):
            OnCallShift.objects.create(
                reviewer=person, weekday=weekday, starts=time(0), ends=time(0), time_zone="UTC"
            )

    def read(self, client: Client) -> str:
        return text_of(client.get("/help/mine").content)

    def read_card(self, client: Client, teen: Person) -> str:
        conversation = Conversation.objects.get(owner=teen)
        return text_of(client.get(f"/tutor/{conversation.pk}").content)

    def test_is_about_the_leads_and_not_about_another_who_is_on_call(
        self, reviewed_teen: Person, ask: Ask, reviewer: Person, as_person: AsPerson
    ) -> None:
        self.put_on_call(reviewer)
        ask(reviewed_teen, UNSAFE)
        client = as_person(reviewed_teen)
        page = self.read(client)
        assert "No one who may read it is on call now, and we can’t say when someone will be." in page
        assert "Only the person responsible at Harbor House, or someone who stands in for them" in page
        card = self.read_card(client, reviewed_teen)
        assert (
            "Only the person responsible for safety at Harbor House, or someone who stands in for them"
            in card
        )
        assert "None of them is on call now." in card
        assert "someone is on call now" not in card.lower()

    def test_says_that_one_of_them_is_on_call(
        self, reviewed_teen: Person, ask: Ask, deputy: Person, as_person: AsPerson
    ) -> None:
        self.put_on_call(deputy)
        ask(reviewed_teen, UNSAFE)
        client = as_person(reviewed_teen)
        assert "Someone who may read it is on call and was told" in self.read(client)
        assert "One of them is on call now and is told about this." in self.read_card(client, reviewed_teen)

    def test_says_so_if_there_is_no_one_who_may_read_it(
        self, reviewed_teen: Person, ask: Ask, lead: Person, deputy: Person, as_person: AsPerson
    ) -> None:
        Person.objects.filter(pk__in=[lead.pk, deputy.pk]).update(is_active=False)
        ask(reviewed_teen, UNSAFE)
        client = as_person(reviewed_teen)
        assert "There is no one at Harbor House right now who may read" in self.read(client)
        assert "There is no one at Harbor House right now who may read" in self.read_card(
            client, reviewed_teen
        )

    def test_is_told_that_no_one_took_it_on_in_time(
        self, reviewed_teen: Person, ask: Ask, review: HumanReview, as_person: AsPerson
    ) -> None:
        ask(reviewed_teen, UNSAFE)
        incident = Incident.objects.get()
        notify_on_call(incident_id=incident.pk)
        make_older(incident, review.escalate_after_minutes + 1)
        escalate_unclaimed()
        page = self.read(as_person(reviewed_teen))
        assert "No one who may read it was on call." in page
        assert "No one had taken it on yet, so everyone who may do so was told." in page

    def test_is_told_of_the_change_when_it_becomes_one_at_s(
        self, reviewed_teen: Person, ask: Ask, reviewer: Person, as_person: AsPerson
    ) -> None:
        ask(reviewed_teen, STATED)
        claim_incident(incident_id=Incident.objects.get().pk, by=reviewer)
        ask(reviewed_teen, UNSAFE)
        page = self.read(as_person(reviewed_teen))
        assert "From here on, only the person responsible or someone who stands in for them" in page
        assert "is taking care of it now" not in page


class TestADrill:
    def test_at_s_is_for_the_leads_like_a_real_one(
        self, review: HumanReview, reviewer: Person, lead: Person
    ) -> None:
        drill = start_drill(level=Level.UNSAFE_HOME, by=reviewer)
        with pytest.raises(ForLeadOnly):
            look_at_excerpts(incident_id=drill.pk, by=reviewer)
        assert look_at_excerpts(incident_id=drill.pk, by=lead)
