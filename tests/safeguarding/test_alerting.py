"""A parent is told only by a reviewer, at levels 3 and 4, never where home may be unsafe. The teen is asked first."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from accounts.models import Person
from courses.models import Lesson
from families.models import Link, Notice
from families.trusted_adults import delete_trusted_adult, save_trusted_adult
from guard import Category, Level
from mail.models import Email
from safeguarding.alert_texts import build_alert, build_teen_question
from safeguarding.alerting import (
    TEEN_ANSWER_TIME,
    AlertRefused,
    answer_as_teen,
    ask_teen,
    look_at_other_adult,
    record_other_adult_told,
    tell_parents,
)
from safeguarding.models import AlertAnswer, EntryKind, Incident, Resolution
from safeguarding.reviewing import NotClaimed, ReasonMissing, claim_incident, close_incident, list_looks
from tests.chat.conftest import Ask
from tests.safeguarding.conftest import STATED, UNSAFE, MakeIncident, consent_to_review
from tests.safeguarding.test_incidents import kinds

pytestmark = pytest.mark.django_db
Claim = Callable[..., Incident]


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    Person.objects.filter(pk=parent.pk).update(email="sam@example.org")
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def claim(teen: Person, reviewer: Person, lead: Person, make_incident: MakeIncident, link: Link) -> Claim:
    """Open an incident at a level, claimed by the reviewer, or at S by the responsible person."""

    def claiming(level: Level = Level.STATED, *categories: Category) -> Incident:
        by = lead if level == Level.UNSAFE_HOME else reviewer
        return claim_incident(incident_id=make_incident(teen, level, *categories).pk, by=by)

    return claiming


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(AlertRefused) as error:
        act()
    return error.value.reason


def tell(incident: Incident, reviewer: Person, reason: str = "") -> list[Person]:
    return tell_parents(incident_id=incident.pk, by=reviewer, no_time_reason=reason)


def ask_and_answer(incident: Incident, reviewer: Person, teen: Person, answer: AlertAnswer) -> None:
    ask_teen(incident_id=incident.pk, by=reviewer)
    answer_as_teen(incident_id=incident.pk, teen=teen, answer=answer)


def let_time_pass(incident: Incident) -> None:
    Incident.objects.filter(pk=incident.pk).update(teen_answer_until=timezone.now() - timedelta(seconds=1))


class TestTellingParents:
    def test_after_the_teen_agreed(
        self, claim: Claim, reviewer: Person, teen: Person, parent: Person
    ) -> None:
        incident = claim()
        ask_and_answer(incident, reviewer, teen, AlertAnswer.PARENT)
        assert tell(incident, reviewer) == [parent]
        assert kinds(incident)[-1] == EntryKind.PARENT_TOLD

    @pytest.mark.parametrize("level", TEEN_ANSWER_TIME)
    def test_after_the_time_to_answer_has_passed(
        self, level: Level, claim: Claim, reviewer: Person, parent: Person
    ) -> None:
        incident = ask_teen(incident_id=claim(level).pk, by=reviewer)
        assert incident.teen_answer_until
        assert incident.teen_answer_until - timezone.now() <= TEEN_ANSWER_TIME[level]
        let_time_pass(incident)
        assert tell(incident, reviewer) == [parent]

    def test_at_level_4_at_once_with_a_reason_that_the_teen_reads(
        self, claim: Claim, reviewer: Person, parent: Person
    ) -> None:
        incident = claim(Level.ACUTE)
        with pytest.raises(ReasonMissing):
            tell(incident, reviewer)
        assert tell(incident, reviewer, "It is happening now.") == [parent]
        assert incident.entries.get(kind=EntryKind.PARENT_TOLD).note == "It is happening now."

    def test_tells_no_parent_of_another_family_and_none_whose_link_has_ended(
        self,
        claim: Claim,
        reviewer: Person,
        parent: Person,
        teen: Person,
        make_person: Callable[..., Person],
    ) -> None:
        former = make_person("former", "parent")
        incident = claim(Level.ACUTE)
        Link.objects.create(parent=former, teen=teen, ended_at=timezone.now(), end_reason="teen")
        make_person("other", "parent")
        assert tell(incident, reviewer, "Now.") == [parent]
        assert not Notice.objects.filter(person=former).exists()


class TestNoParentIsTold:
    def test_by_an_incident_alone(self, claim: Claim, parent: Person) -> None:
        claim(Level.ACUTE)
        assert not Notice.objects.filter(person=parent).exists()
        assert not Email.objects.filter(to="sam@example.org").exists()

    @pytest.mark.parametrize("act", [tell, lambda incident, by: ask_teen(incident_id=incident.pk, by=by)])
    def test_at_s(self, act: Callable[[Incident, Person], object], claim: Claim, lead: Person) -> None:
        incident = claim(Level.UNSAFE_HOME)
        assert refused(lambda: act(incident, lead)) == AlertRefused.LEVEL

    def test_after_any_message_at_s_even_at_level_4(
        self, claim: Claim, reviewer: Person, teen: Person, make_incident: MakeIncident
    ) -> None:
        incident = claim(Level.ACUTE)
        make_incident(teen, Level.UNSAFE_HOME)
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.FROZEN

    def test_when_a_message_at_level_4_says_that_home_is_unsafe(self, claim: Claim, reviewer: Person) -> None:
        incident = claim(Level.ACUTE, Category.SUICIDE, Category.UNSAFE_HOME)
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.FROZEN

    def test_ever_again_after_an_earlier_incident_at_s(
        self, claim: Claim, reviewer: Person, lead: Person
    ) -> None:
        earlier = claim(Level.UNSAFE_HOME)
        close_incident(incident_id=earlier.pk, by=lead, resolution=Resolution.HELPED)
        assert refused(lambda: tell(claim(Level.ACUTE), reviewer, "Now.")) == AlertRefused.FROZEN

    def test_if_the_teen_said_so_before_people_reviewed_crises(
        self, teen: Person, ask: Ask, request: pytest.FixtureRequest, reviewer: Person, parent: Person
    ) -> None:
        Link.objects.create(parent=parent, teen=teen)
        ask(teen, UNSAFE)
        request.getfixturevalue("review")
        consent_to_review(teen)
        ask(teen, STATED)
        incident = claim_incident(incident_id=Incident.objects.get().pk, by=reviewer)
        assert incident.alerts_frozen_at is None
        assert refused(lambda: ask_teen(incident_id=incident.pk, by=reviewer)) == AlertRefused.FROZEN

    def test_when_the_teen_answers_that_home_is_not_safe(
        self, claim: Claim, reviewer: Person, teen: Person
    ) -> None:
        incident = claim(Level.ACUTE)
        ask_and_answer(incident, reviewer, teen, AlertAnswer.UNSAFE)
        let_time_pass(incident)
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.FROZEN
        assert kinds(incident)[-2:] == [EntryKind.TEEN_ANSWERED, EntryKind.FROZEN]

    # From level 3 the incident becomes one at S. Level 4 is above S, and stays.
    @pytest.mark.parametrize(
        ("level", "reason"), [(Level.STATED, AlertRefused.LEVEL), (Level.ACUTE, AlertRefused.FROZEN)]
    )
    def test_when_the_teen_says_so_after_agreeing(
        self, level: Level, reason: str, claim: Claim, reviewer: Person, lead: Person, teen: Person
    ) -> None:
        incident = claim(level)
        ask_and_answer(incident, reviewer, teen, AlertAnswer.PARENT)
        answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.UNSAFE)
        claim_incident(incident_id=incident.pk, by=lead, takes_over=True)
        assert refused(lambda: tell(incident, lead)) == reason

    def test_before_the_teen_was_asked_at_level_3(self, claim: Claim, reviewer: Person) -> None:
        assert refused(lambda: tell(claim(), reviewer, "A reason")) == AlertRefused.NOT_ASKED

    def test_while_the_teen_has_time_to_answer(self, claim: Claim, reviewer: Person) -> None:
        incident = ask_teen(incident_id=claim().pk, by=reviewer)
        assert refused(lambda: tell(incident, reviewer, "A reason")) == AlertRefused.WAITING

    def test_when_the_teen_chose_another_adult(self, claim: Claim, reviewer: Person, teen: Person) -> None:
        save_trusted_adult(teen=teen, name="Aunt Jo", contact="555 0100")
        incident = claim(Level.ACUTE)
        ask_and_answer(incident, reviewer, teen, AlertAnswer.OTHER_ADULT)
        let_time_pass(incident)
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.ADULT_CHOSEN

    def test_twice(self, claim: Claim, reviewer: Person) -> None:
        incident = claim(Level.ACUTE)
        tell(incident, reviewer, "Now.")
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.TOLD

    def test_if_none_is_linked(self, claim: Claim, reviewer: Person) -> None:
        incident = claim(Level.ACUTE)
        Link.objects.update(ended_at=timezone.now(), end_reason="teen")
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.NO_PARENT

    def test_once_the_account_is_deleted(self, claim: Claim, reviewer: Person, teen: Person) -> None:
        incident = claim(Level.ACUTE)
        teen.delete()
        assert refused(lambda: tell(incident, reviewer, "Now.")) == AlertRefused.GONE

    def test_in_a_drill(self, reviewer: Person) -> None:
        drill = Incident.objects.create(level="4", is_drill=True, protocol="x")
        claim_incident(incident_id=drill.pk, by=reviewer)
        assert refused(lambda: tell(drill, reviewer, "Now.")) == AlertRefused.DRILL

    def test_by_someone_who_has_not_claimed_it(self, claim: Claim, lead: Person) -> None:
        with pytest.raises(NotClaimed):
            tell(claim(Level.ACUTE), lead, "Now.")


class TestTheTeensAnswer:
    def test_is_only_theirs(self, claim: Claim, reviewer: Person, stranger: Person, parent: Person) -> None:
        incident = ask_teen(incident_id=claim().pk, by=reviewer)
        for person in (stranger, parent):
            with pytest.raises(Incident.DoesNotExist):
                answer_as_teen(incident_id=incident.pk, teen=person, answer=AlertAnswer.PARENT)

    def test_is_only_given_when_asked(self, claim: Claim, teen: Person) -> None:
        with pytest.raises(Incident.DoesNotExist):
            answer_as_teen(incident_id=claim().pk, teen=teen, answer=AlertAnswer.PARENT)

    def test_changes_only_to_home_is_not_safe(self, claim: Claim, reviewer: Person, teen: Person) -> None:
        save_trusted_adult(teen=teen, name="Aunt Jo", contact="555 0100")
        incident = claim()
        ask_and_answer(incident, reviewer, teen, AlertAnswer.OTHER_ADULT)
        answers = [
            answer_as_teen(incident_id=incident.pk, teen=teen, answer=answer).teen_answer
            for answer in (AlertAnswer.PARENT, AlertAnswer.NONE, AlertAnswer.UNSAFE, AlertAnswer.PARENT)
        ]
        assert answers == ["other_adult", "other_adult", "unsafe", "unsafe"]

    def test_that_home_is_not_safe_counts_even_after_the_incident_was_closed(
        self, claim: Claim, reviewer: Person, teen: Person
    ) -> None:
        incident = ask_teen(incident_id=claim().pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)
        assert not answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.PARENT).teen_answer
        answered = answer_as_teen(incident_id=incident.pk, teen=teen, answer=AlertAnswer.UNSAFE)
        assert answered.alerts_frozen_at

    def test_cannot_name_an_adult_whom_they_never_named(
        self, claim: Claim, reviewer: Person, teen: Person
    ) -> None:
        incident = ask_teen(incident_id=claim().pk, by=reviewer)
        answer = AlertAnswer.OTHER_ADULT
        reason = refused(lambda: answer_as_teen(incident_id=incident.pk, teen=teen, answer=answer))
        assert reason == AlertRefused.NO_ADULT


class TestTheOtherAdult:
    @pytest.fixture(autouse=True)
    def _named(self, teen: Person) -> None:
        save_trusted_adult(teen=teen, name="Aunt Jo", contact="555 0100")

    def test_is_shown_with_a_reason_that_is_in_the_teens_log(
        self, claim: Claim, reviewer: Person, teen: Person
    ) -> None:
        incident = claim()
        with pytest.raises(ReasonMissing):
            look_at_other_adult(incident_id=incident.pk, by=reviewer, reason=" ")
        shown = look_at_other_adult(incident_id=incident.pk, by=reviewer, reason="To call her.")
        assert shown == ("Aunt Jo", "555 0100")
        [look] = list_looks(teen)
        assert (look.entry.kind, look.entry.note) == (EntryKind.LOOKED_AT_ADULT, "To call her.")

    def test_is_told_if_the_teen_chose_them(self, claim: Claim, reviewer: Person, teen: Person) -> None:
        incident = claim()
        assert refused(lambda: record_other_adult_told(incident_id=incident.pk, by=reviewer)) == "not_asked"
        ask_and_answer(incident, reviewer, teen, AlertAnswer.OTHER_ADULT)
        assert refused(lambda: record_other_adult_told(incident_id=incident.pk, by=reviewer)) == "no_adult"
        look_at_other_adult(incident_id=incident.pk, by=reviewer, reason="To call her.")
        record_other_adult_told(incident_id=incident.pk, by=reviewer)
        assert kinds(incident)[-1] == EntryKind.OTHER_ADULT_TOLD

    @pytest.mark.parametrize("level", [Level.ACUTE, Level.UNSAFE_HOME])
    def test_may_be_told_without_asking_in_danger_or_where_no_parent_may_be(
        self, level: Level, claim: Claim
    ) -> None:
        incident = claim(level)
        assert incident.claimed_by
        look_at_other_adult(incident_id=incident.pk, by=incident.claimed_by, reason="To call her.")
        record_other_adult_told(incident_id=incident.pk, by=incident.claimed_by)
        assert kinds(incident)[-1] == EntryKind.OTHER_ADULT_TOLD

    def test_is_not_there_if_the_teen_named_none(self, claim: Claim, reviewer: Person, teen: Person) -> None:
        delete_trusted_adult(teen=teen)
        incident = claim()
        reason = refused(lambda: look_at_other_adult(incident_id=incident.pk, by=reviewer, reason="To call."))
        assert reason == AlertRefused.NO_ADULT


class TestTheMessage:
    def test_has_no_quote_no_topic_and_no_identity(
        self, claim: Claim, reviewer: Person, parent: Person, teen: Person
    ) -> None:
        tell(claim(Level.ACUTE), reviewer, "Now.")
        email = Email.objects.get(to="sam@example.org")
        texts = (
            f"{email.subject} {email.text} {Notice.objects.filter(person=parent).latest('at').text}".lower()
        )
        for word in (teen.username, "noor", "suicid", "kill", "harm", "wrote", "tutor", "reviewer", "harbor"):
            assert word not in texts
        assert "/learn/mental-health/talk-about-it" in email.text

    def test_is_in_the_parents_language_and_not_in_the_reviewers(
        self, claim: Claim, reviewer: Person, parent: Person
    ) -> None:
        Person.objects.filter(pk=parent.pk).update(language="es")
        tell(claim(Level.ACUTE), reviewer, "Now.")
        with translation.override("es"):
            alert = build_alert(Level.ACUTE)
        email = Email.objects.get(to="sam@example.org")
        assert (email.subject, email.language) == (alert.subject, "es")
        assert Notice.objects.get(person=parent).text == alert.text

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_differs_visibly_by_level(self, language: str) -> None:
        with translation.override(language):
            stated, acute = build_alert(Level.STATED), build_alert(Level.ACUTE)
        assert stated.subject != acute.subject
        assert stated.text != acute.text
        assert "911" in acute.text
        assert "911" not in stated.text

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_links_a_lesson_that_exists(self, language: str, library: None, client: object) -> None:
        with translation.override(language):
            path = build_alert(Level.STATED).path
        module, lesson = path.strip("/").split("/")[-2:]
        assert Lesson.objects.filter(module__slug=module, slug=lesson).exists()

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_asks_the_teen_with_every_answer_and_who_asks(self, language: str) -> None:
        with translation.override(language):
            question = build_teen_question(organization="Harbor House", until="8 p.m.")
        asked = set(AlertAnswer.values) - {""}
        assert set(question.answers) == set(question.thanks) == asked
        assert "Harbor House" in " ".join(question.paragraphs)
        assert "8 p.m." in " ".join(question.paragraphs)
        assert question.unreviewed
