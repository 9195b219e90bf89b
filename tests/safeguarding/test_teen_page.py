"""A teen's side of human review: what cards and check-ins say, the teen's own page, and the question whom to tell."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.models import Person, Role
from chat.models import Conversation, Turn, TurnState
from families.models import Link, Notice
from families.terms import ParentView
from families.trusted_adults import save_trusted_adult
from guard import Category, Level
from mail.models import Email
from safeguarding.alerting import AlertRefused, answer_as_teen, ask_teen, tell_parents
from safeguarding.human_review import switch_review_off
from safeguarding.models import AlertAnswer, Incident, Resolution
from safeguarding.readers import ForLeadOnly
from safeguarding.reviewing import claim_incident, close_incident, look_at_context, look_at_excerpts
from tests.markup import squeezed
from tests.safeguarding.teen_side import (
    ORGANIZATION,
    agree_to_review,
    clear_caches,
    make_reviewer,
    open_incident,
    put_on_call,
    put_on_call_later,
    switch_on,
)

pytestmark = pytest.mark.django_db
AsPerson = Callable[[Person], Client]
NO_ONE_READS = "No one has read what you wrote, and this site has not told anyone."


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    clear_caches()
    yield
    clear_caches()


@pytest.fixture
def reviewed(admin_person: Person, teen: Person) -> Person:
    """Return a teen whose consent allows review, on a site where people review crises."""
    switch_on(admin_person)
    agree_to_review(teen)
    return teen


@pytest.fixture
def reviewer(make_person: Callable[..., Person]) -> Person:
    return make_reviewer(make_person("rosa", Role.ADMIN, display_name="Rosa"))


def read(client: Client, path: str) -> str:
    reply = client.get(path)
    assert reply.status_code == 200
    return squeezed(reply.content.decode())


def read_card(client: Client, turn: Turn) -> str:
    page = read(client, f"/tutor/{turn.conversation_id}")
    return page[
        page.index('class="card-crisis"') : page.index("</section>", page.index('class="card-crisis"'))
    ]


def make_card(teen: Person, **fields: object) -> Turn:
    """Create a turn with a card from before people reviewed crises."""
    conversation = Conversation.objects.create(owner=teen, title="A conversation")
    defaults = {
        "question": "my own words", "state": TurnState.CARDED, "level": Level.STATED, "categories": [Category.SUICIDE],
        "ended_at": timezone.now(),
    }  # fmt: skip
    return Turn.objects.create(pk=uuid4(), conversation=conversation, **defaults | fields)


class TestTheCard:
    def test_still_says_that_no_one_reads_where_no_one_does(self, teen: Person, as_person: AsPerson) -> None:
        card = read_card(as_person(teen), make_card(teen))
        assert NO_ONE_READS in card
        assert "/help/mine" not in card

    def test_from_before_review_still_says_that_no_one_reads(
        self, reviewed: Person, as_person: AsPerson
    ) -> None:
        assert NO_ONE_READS in read_card(as_person(reviewed), make_card(reviewed))

    def test_says_who_may_read_and_where_each_look_is_shown(
        self, reviewed: Person, as_person: AsPerson
    ) -> None:
        _incident, turn = open_incident(reviewed)
        card = read_card(as_person(reviewed), turn)
        assert f"A person at {ORGANIZATION} may read a short part of what you wrote." in card
        assert 'href="/help/mine"' in card
        assert "No one has read" not in card
        assert "They may tell a parent that there are signs of a serious risk" in card

    def test_says_that_someone_is_on_call(
        self, reviewed: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        put_on_call(reviewer)
        _incident, turn = open_incident(reviewed)
        assert "Someone is on call now and is told about this." in read_card(as_person(reviewed), turn)

    def test_says_that_no_one_is_on_call_and_when_someone_is_next(
        self, reviewed: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        starts = put_on_call_later(reviewer)
        _incident, turn = open_incident(reviewed)
        card = read_card(as_person(reviewed), turn)
        assert "No one is on call now. Someone is on call again from" in card
        assert f"{starts.astimezone(reviewed.zone):%A}" in card
        assert "call 911" in card

    def test_says_that_it_is_not_known_when_someone_will_be_on_call(
        self, reviewed: Person, as_person: AsPerson
    ) -> None:
        _incident, turn = open_incident(reviewed)
        assert "it is not known when someone will be" in read_card(as_person(reviewed), turn)

    @pytest.mark.parametrize("level", [Level.STATED, Level.UNSAFE_HOME])
    def test_says_that_no_parent_is_told_once_home_was_said_to_be_unsafe(
        self, level: Level, reviewed: Person, as_person: AsPerson, admin_person: Person
    ) -> None:
        first, turn = open_incident(reviewed, Level.UNSAFE_HOME)
        if level == Level.STATED:
            claim_incident(incident_id=first.pk, by=admin_person)
            close_incident(incident_id=first.pk, by=admin_person, resolution=Resolution.HELPED)
            _incident, turn = open_incident(reviewed, level)
        card = read_card(as_person(reviewed), turn)
        assert "No parent is told." in card
        assert "may tell a parent" not in card

    def test_of_a_closed_incident_asks_no_one_to_wait(
        self, reviewed: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        incident, turn = open_incident(reviewed)
        claim_incident(incident_id=incident.pk, by=reviewer)
        close_incident(incident_id=incident.pk, by=reviewer, resolution=Resolution.HELPED)
        assert f"This is closed at {ORGANIZATION}." in read_card(as_person(reviewed), turn)

    def test_keeps_saying_who_may_read_after_review_was_switched_off(
        self, reviewed: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        _incident, turn = open_incident(reviewed)
        switch_review_off(by=admin_person)
        assert f"A person at {ORGANIZATION} may read" in read_card(as_person(reviewed), turn)

    def test_is_the_same_in_the_api(self, reviewed: Person, as_person: AsPerson) -> None:
        _incident, turn = open_incident(reviewed)
        card = as_person(reviewed).get(f"/api/v1/turns/{turn.pk}").json()["card"]
        assert card["review"]["path"] == "/help/mine"
        assert "No" in card["review"]["paragraphs"][0]
        assert ORGANIZATION in card["disclosure"]
        other = as_person(reviewed).get(f"/api/v1/turns/{make_card(reviewed).pk}").json()["card"]
        assert other["review"] is None

    def test_says_nothing_about_readers_if_the_site_fails(
        self, reviewed: Person, as_person: AsPerson, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError

        client = as_person(reviewed)
        client.raise_request_exception = False
        monkeypatch.setattr("chat.web.views.require_question_rate", fail)
        reply = client.post("/tutor/ask", {"question": "i want to kill myself"})
        page = squeezed(reply.content.decode())
        assert reply.status_code == 500
        assert "This card comes from a program." in page
        assert "No one has read" not in page
        assert 'href="tel:988"' in page

    def test_tells_a_parent_neither_that_no_one_reads_nor_that_someone_does(
        self, reviewed: Person, parent: Person, as_person: AsPerson
    ) -> None:
        link = Link.objects.create(parent=parent, teen=reviewed, parent_view=ParentView.FULL, full_since=None)
        open_incident(reviewed)
        make_card(reviewed)
        page = read(as_person(parent), f"/tutor/parent-view/{link.pk}")
        assert page.count("This card comes from a program.") == 2
        for never in ("/help/mine", "No one has read", "may read", ORGANIZATION):
            assert never not in page


class TestTheCheckIn:
    def show(self, teen: Person, client: Client, **fields: object) -> str:
        hints = {"state": TurnState.PAUSED, "level": Level.HINTS, "categories": [Category.HOPELESSNESS]}
        turn = make_card(teen, **hints | fields)
        page = read(client, f"/tutor/{turn.conversation_id}")
        return page[page.index('class="check-in"') : page.index("</section>", page.index('class="check-in"'))]

    def test_still_promises_that_no_one_is_shown_the_answer(self, teen: Person, as_person: AsPerson) -> None:
        assert "Your answer is shown to no one" in self.show(teen, as_person(teen))

    def test_says_before_the_answers_what_a_yes_leads_to(self, reviewed: Person, as_person: AsPerson) -> None:
        shown = self.show(reviewed, as_person(reviewed))
        told = shown.index(f"If you answer “Yes”, a person at {ORGANIZATION} may read a short part")
        assert told < shown.index('value="yes"')
        assert "shown to no one" not in shown
        assert "They may tell a parent" in shown

    def test_about_an_unsafe_home_says_that_no_parent_is_told(
        self, reviewed: Person, as_person: AsPerson
    ) -> None:
        shown = self.show(reviewed, as_person(reviewed), categories=[Category.UNSAFE_HOME])
        assert "No parent is told." in shown
        assert "may tell a parent" not in shown

    def test_without_consent_to_review_is_unchanged(
        self, teen: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        switch_on(admin_person)
        assert "Your answer is shown to no one" in self.show(teen, as_person(teen))

    def test_is_the_same_in_the_api(self, reviewed: Person, as_person: AsPerson) -> None:
        hints = {"state": TurnState.PAUSED, "level": Level.HINTS, "categories": [Category.HOPELESSNESS]}
        turn = make_card(reviewed, **hints)
        check_in = as_person(reviewed).get(f"/api/v1/turns/{turn.pk}").json()["check_in"]
        assert ORGANIZATION in check_in["review"][0]
        assert "shown to no one" not in check_in["waits"]


class TestTheOwnPage:
    def test_shows_each_look_at_once_with_who_and_why(
        self, reviewed: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        incident, _turn = open_incident(reviewed)
        client = as_person(reviewed)
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        assert "Rosa read a short part of what you wrote." in read(client, "/help/mine")
        claim_incident(incident_id=incident.pk, by=reviewer)
        look_at_context(incident_id=incident.pk, by=reviewer, reason="The excerpt is unclear")
        page = read(client, "/help/mine")
        assert "Rosa read your questions before and after it." in page
        assert "Their reason: “The excerpt is unclear”" in page
        assert f"Someone at {ORGANIZATION} has taken it on. They aren’t on call now" in page

    def test_says_that_someone_takes_care_of_it_while_they_are_on_call(
        self, reviewed: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        put_on_call(reviewer)
        incident, _turn = open_incident(reviewed)
        claim_incident(incident_id=incident.pk, by=reviewer)
        page = read(as_person(reviewed), "/help/mine")
        assert f"Someone at {ORGANIZATION} is taking care of it now." in page

    def test_has_nothing_of_what_was_written(self, reviewed: Person, as_person: AsPerson) -> None:
        open_incident(reviewed, question="a sentence of my own")
        assert "a sentence of my own" not in read(as_person(reviewed), "/help/mine")

    @pytest.mark.parametrize(
        ("level", "text"),
        [
            (Level.STATED, "rests for 5 minutes"),
            (Level.ACUTE, "rests for 30 minutes"),
            (Level.UNSAFE_HOME, "go on with the tutor whenever you like"),
        ],
    )
    def test_says_how_the_tutor_goes_on(
        self, level: Level, text: str, reviewed: Person, as_person: AsPerson
    ) -> None:
        open_incident(reviewed, level)
        assert text in read(as_person(reviewed), "/help/mine")

    def test_is_never_cached(self, reviewed: Person, as_person: AsPerson) -> None:
        assert as_person(reviewed).get("/help/mine").headers["Cache-Control"] == "no-store"

    def test_belongs_to_teens_alone(self, reviewed: Person, parent: Person, as_person: AsPerson) -> None:
        open_incident(reviewed)
        Link.objects.create(parent=parent, teen=reviewed)
        assert as_person(parent).get("/help/mine").status_code == 404
        assert as_person(parent).get("/family/").content.decode().count("/help/mine") == 0

    def test_of_another_teen_has_none_of_it(
        self, reviewed: Person, stranger: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        incident, _turn = open_incident(reviewed)
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        page = read(as_person(stranger), "/help/mine")
        assert "Rosa" not in page
        assert str(incident.pk) not in page

    def test_hides_what_is_older_than_help_with_a_password(
        self, reviewed: Person, as_person: AsPerson
    ) -> None:
        incident, _turn = open_incident(reviewed)
        reviewed.sealed_before = timezone.now() + timedelta(seconds=1)
        reviewed.save()
        assert str(incident.pk) not in read(as_person(reviewed), "/help/mine")

    def test_says_that_no_one_reads_where_no_one_does(self, teen: Person, as_person: AsPerson) -> None:
        assert "no one reads what you write to the tutor" in read(as_person(teen), "/help/mine")

    @pytest.mark.parametrize("path", ["/family/", "/account/"])
    def test_is_linked_from_the_teens_pages(self, path: str, reviewed: Person, as_person: AsPerson) -> None:
        assert 'href="/help/mine"' in read(as_person(reviewed), path)

    @pytest.mark.parametrize("path", ["/family/", "/account/"])
    def test_is_not_linked_where_no_one_ever_reviewed(
        self, path: str, teen: Person, as_person: AsPerson
    ) -> None:
        assert "/help/mine" not in read(as_person(teen), path)


@pytest.fixture
def asked(reviewed: Person, reviewer: Person, parent: Person) -> Incident:
    """An incident whose teen was asked whom to tell."""
    Link.objects.create(parent=parent, teen=reviewed)
    incident, _turn = open_incident(reviewed)
    claim_incident(incident_id=incident.pk, by=reviewer)
    return ask_teen(incident_id=incident.pk, by=reviewer)


class TestTheQuestionWhomToTell:
    def post(self, client: Client, incident: Incident, answer: str) -> int:
        return client.post(f"/help/mine/{incident.pk}/answer", {"answer": answer}).status_code

    @pytest.mark.parametrize("path", ["/help/mine", "/tutor/"])
    def test_is_on_the_teens_own_page_and_on_the_tutors_while_it_waits(
        self, path: str, asked: Incident, reviewed: Person, as_person: AsPerson
    ) -> None:
        client = as_person(reviewed)
        page = read(client, path)
        assert "Whom should we tell?" in page
        assert f'action="/help/mine/{asked.pk}/answer"' in page
        self.post(client, asked, "parent")
        assert "Whom should we tell?" not in read(client, path)

    def test_offers_the_other_adult_only_if_there_is_one(
        self, asked: Incident, reviewed: Person, as_person: AsPerson
    ) -> None:
        client = as_person(reviewed)
        assert "My other adult" not in read(client, "/help/mine")
        assert "Name them first, then answer here" in read(client, "/help/mine")
        save_trusted_adult(teen=reviewed, name="Aunt Lea", contact="next door")
        assert "My other adult" in read(client, "/help/mine")

    @pytest.mark.parametrize("answer", ["parent", "other_adult", "unsafe"])
    def test_takes_each_answer(
        self, answer: str, asked: Incident, reviewed: Person, as_person: AsPerson
    ) -> None:
        save_trusted_adult(teen=reviewed, name="Aunt Lea", contact="next door")
        assert self.post(as_person(reviewed), asked, answer) == 302
        asked.refresh_from_db()
        assert asked.teen_answer == answer
        assert "Thank you" in read(as_person(reviewed), "/help/mine")

    def test_after_another_answer_can_still_say_that_home_is_not_safe(
        self,
        asked: Incident,
        reviewed: Person,
        reviewer: Person,
        admin_person: Person,
        as_person: AsPerson,
    ) -> None:
        client = as_person(reviewed)
        self.post(client, asked, "parent")
        page = read(client, "/help/mine")
        assert "If home isn’t safe, you can still say so." in page
        assert 'value="parent"' not in page
        self.post(client, asked, "unsafe")
        page = read(client, "/help/mine")
        assert "No parent will be told." in page
        assert 'href="tel:18004224453"' in page
        with pytest.raises(ForLeadOnly):
            tell_parents(incident_id=asked.pk, by=reviewer)
        claim_incident(incident_id=asked.pk, by=admin_person)
        with pytest.raises(AlertRefused, match="level"):
            tell_parents(incident_id=asked.pk, by=admin_person)

    def test_asks_again_if_the_other_adult_was_removed_meanwhile(
        self, asked: Incident, reviewed: Person, as_person: AsPerson
    ) -> None:
        client = as_person(reviewed)
        assert self.post(client, asked, "other_adult") == 302
        asked.refresh_from_db()
        assert asked.teen_answer == AlertAnswer.NONE
        assert "Whom should we tell?" in read(client, "/help/mine")

    def test_ignores_an_answer_that_does_not_exist(
        self, asked: Incident, reviewed: Person, as_person: AsPerson
    ) -> None:
        assert self.post(as_person(reviewed), asked, "perhaps") == 302
        asked.refresh_from_db()
        assert asked.teen_answer == AlertAnswer.NONE

    @pytest.mark.parametrize("who", ["parent", "stranger", "reviewer", "admin_person"])
    def test_is_for_no_one_else_to_answer(
        self, who: str, asked: Incident, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        assert self.post(as_person(request.getfixturevalue(who)), asked, "parent") == 404
        asked.refresh_from_db()
        assert asked.teen_answer == AlertAnswer.NONE

    def test_that_was_not_asked_cannot_be_answered(self, reviewed: Person, as_person: AsPerson) -> None:
        incident, _turn = open_incident(reviewed)
        assert self.post(as_person(reviewed), incident, "parent") == 404

    def test_is_not_shown_to_a_parent(self, asked: Incident, parent: Person, as_person: AsPerson) -> None:
        for path in ("/tutor/", "/family/"):
            assert "Whom should we tell?" not in as_person(parent).get(path).content.decode()

    def test_says_what_the_parent_was_told(
        self, asked: Incident, reviewed: Person, reviewer: Person, as_person: AsPerson
    ) -> None:
        answer_as_teen(incident_id=asked.pk, teen=reviewed, answer=AlertAnswer.PARENT)
        tell_parents(incident_id=asked.pk, by=reviewer)
        page = read(as_person(reviewed), "/help/mine")
        assert (
            "Rosa told your parent that there are signs of a serious risk, and nothing that you wrote."
            in page
        )


class TestTheNotice:
    def test_says_that_there_is_something_new_and_not_what(self, reviewed: Person, reviewer: Person) -> None:
        reviewed.email = "noor@example.org"
        reviewed.save()
        incident, _turn = open_incident(reviewed)
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        assert "something new" in Notice.objects.get(person=reviewed).text
        email = Email.objects.get(to="noor@example.org")
        for never in ("help", "crisis", "card", "danger"):
            assert never not in (email.subject + email.text).lower()

    def test_is_in_the_teens_language_and_not_in_the_reviewers(
        self, reviewed: Person, reviewer: Person
    ) -> None:
        incident, _turn = open_incident(reviewed)
        with translation.override("es"):
            look_at_excerpts(incident_id=incident.pk, by=reviewer)
            look_at_excerpts(incident_id=incident.pk, by=reviewer)
        assert "There’s something new" in Notice.objects.get(person=reviewed).text

    def test_comes_again_after_it_was_seen(self, reviewed: Person, reviewer: Person) -> None:
        incident, _turn = open_incident(reviewed)
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        Notice.objects.update(seen_at=timezone.now())
        look_at_excerpts(incident_id=incident.pk, by=reviewer)
        assert Notice.objects.filter(person=reviewed).count() == 2
