"""The tutor and a teen's family: when it is closed, and what the parent view shows."""

from collections.abc import Callable
from datetime import time, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from budgets.models import Hold
from chat.errors import FamilyClosed
from chat.models import Turn, TurnState
from chat.prompt import build_prompt
from chat.selectors import get_earlier_turns
from courses.models import Module
from families.models import Consent, Link, ParentViewLog
from families.parent_view_log import SAME_ENTRY_WITHIN
from families.terms import ParentView
from kit.memory_policy import MemoryPolicy
from tests.chat.conftest import Ask
from tests.library import fill_library

Enter = Callable[[Person], Client]
QUESTION = "Why does AI make things up?"


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    return Link.objects.create(parent=parent, teen=teen)


def begin_quiet_hours(teen: Person) -> None:
    now = timezone.now().astimezone(teen.zone)
    begins, ends = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    Link.objects.update(quiet_from=begins.replace(microsecond=0), quiet_to=ends.replace(microsecond=0))


def without_consent(_teen: Person) -> None:
    Consent.objects.all().delete()


def pause_tutor(_teen: Person) -> None:
    Link.objects.update(paused_at=timezone.now())


CLOSINGS = [
    (without_consent, "The tutor opens when someone gives consent"),
    (pause_tutor, "<bdi>sam</bdi> paused it."),
    (begin_quiet_hours, "It’s quiet hours"),
]


@pytest.mark.parametrize(("close", "words"), CLOSINGS)
class TestAClosedTutor:
    def test_says_kindly_why_and_keeps_help_open(
        self, close: Callable[[Person], None], words: str, link: Link, teen: Person, as_person: Enter
    ) -> None:
        close(teen)
        page = as_person(teen).get("/tutor/").content.decode()
        assert words in page
        assert "/help/now" in page
        assert "Write here if you need help" in page

    def test_takes_no_question_and_no_money(
        self, close: Callable[[Person], None], words: str, link: Link, teen: Person, ask: Ask
    ) -> None:
        close(teen)
        with pytest.raises(FamilyClosed):
            ask(teen, QUESTION)
        assert not Hold.objects.exists()

    def test_tells_a_page_that_was_open_already(
        self, close: Callable[[Person], None], words: str, link: Link, teen: Person, as_person: Enter
    ) -> None:
        close(teen)
        reply = as_person(teen).post("/tutor/ask", {"question": QUESTION, "turn_id": str(uuid4())})
        assert reply.status_code == 422
        assert words in reply.content.decode()

    def test_shows_a_help_card_all_the_same(
        self, close: Callable[[Person], None], words: str, link: Link, teen: Person, as_person: Enter
    ) -> None:
        close(teen)
        reply = as_person(teen).post(
            "/tutor/ask", {"question": "I want to die", "turn_id": str(uuid4())}, follow=True
        )
        assert 'href="tel:988"' in reply.content.decode()

    def test_leaves_past_conversations_readable(
        self,
        close: Callable[[Person], None],
        words: str,
        link: Link,
        teen: Person,
        ask: Ask,
        as_person: Enter,
    ) -> None:
        turn = ask(teen, QUESTION)
        close(teen)
        assert QUESTION in as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()


def test_a_parent_needs_no_consent(parent: Person, ask: Ask) -> None:
    assert ask(parent, QUESTION).state == TurnState.QUEUED


class TestMemory:
    def test_switched_off_carries_nothing_of_the_past(self, link: Link, teen: Person, ask: Ask) -> None:
        first = ask(teen, QUESTION)
        Turn.objects.filter(pk=first.pk).update(
            state=TurnState.ANSWERED, answer="Because.", ended_at=timezone.now()
        )
        Link.objects.update(memory=MemoryPolicy.NONE)
        second = ask(teen, "Is AI biased?", conversation=first.conversation)
        assert second.memory_policy == MemoryPolicy.NONE
        earlier_turns = get_earlier_turns([second]).get(second.pk, [])
        assert len(build_prompt(second.question, remembered=earlier_turns).messages) == 2


class TestTheParentView:
    @pytest.fixture(autouse=True)
    def _asked(self, link: Link, teen: Person, ask: Ask) -> None:
        fill_library()
        turn = ask(teen, QUESTION)
        Turn.objects.filter(pk=turn.pk).update(
            state=TurnState.ANSWERED, answer="An answer of the model.", ended_at=timezone.now()
        )
        ask(teen, "I want to die")

    def open_parent_view(self, link: Link, as_person: Enter) -> str:
        return as_person(link.parent).get(f"/tutor/parent-view/{link.pk}").content.decode()

    def test_is_logged_and_shown_to_the_teen(self, link: Link, teen: Person, as_person: Enter) -> None:
        self.open_parent_view(link, as_person)
        ParentViewLog.objects.update(
            first_opened_at=timezone.now() - SAME_ENTRY_WITHIN,
            last_opened_at=timezone.now() - SAME_ENTRY_WITHIN,
        )
        self.open_parent_view(link, as_person)
        assert ParentViewLog.objects.count() == 2
        page = as_person(teen).get("/family/parent-views").content.decode()
        assert page.count("sam saw: time and topics") == 2

    def test_at_time_and_topics_shows_no_text(self, link: Link, as_person: Enter) -> None:
        page = self.open_parent_view(link, as_person)
        assert "The good and the bad of AI" in page
        assert QUESTION not in page
        assert "An answer of the model." not in page
        assert "I want to die" not in page

    def test_names_a_topic_in_the_language_of_its_page(self, link: Link, as_person: Enter) -> None:
        Module.objects.filter(slug="good-and-bad", language="es").update(title="Buena y mala")
        assert "The good and the bad of AI" in self.open_parent_view(link, as_person)
        reader = as_person(link.parent)
        reader.post("/language", {"language": "es"})
        assert "Buena y mala" in reader.get(f"/tutor/parent-view/{link.pk}").content.decode()

    def test_at_flagged_excerpts_shows_those_alone(self, link: Link, as_person: Enter) -> None:
        Link.objects.update(parent_view=ParentView.FLAGGED)
        page = self.open_parent_view(link, as_person)
        assert "I want to die" in page
        assert QUESTION not in page

    def test_at_everything_shows_everything(self, link: Link, as_person: Enter) -> None:
        Link.objects.update(parent_view=ParentView.FULL)
        page = self.open_parent_view(link, as_person)
        assert QUESTION in page
        assert "An answer of the model." in page

    def test_never_shows_signs_of_an_unsafe_home(self, link: Link, as_person: Enter) -> None:
        Link.objects.update(parent_view=ParentView.FULL)
        Turn.objects.filter(state=TurnState.CARDED).update(level="S")
        assert "I want to die" not in self.open_parent_view(link, as_person)

    def test_of_two_parents_the_more_private_view_holds(
        self, link: Link, teen: Person, as_person: Enter
    ) -> None:
        Link.objects.update(parent_view=ParentView.FULL)
        other = Person.objects.create_user("lou", "a-long-password", role="parent")
        Link.objects.create(parent=other, teen=teen, parent_view=ParentView.TOPICS)
        assert QUESTION not in self.open_parent_view(link, as_person)

    def test_is_over_with_the_link(self, link: Link, as_person: Enter) -> None:
        Link.objects.update(ended_at=timezone.now(), end_reason="teen")
        assert as_person(link.parent).get(f"/tutor/parent-view/{link.pk}").status_code == 404
        assert not ParentViewLog.objects.exists()

    def test_says_which_view_is_on_beside_the_tutor(self, teen: Person, as_person: Enter) -> None:
        assert "Your parents can see: time and topics." in as_person(teen).get("/tutor/").content.decode()


def test_quiet_hours_end_when_they_say(link: Link, teen: Person, as_person: Enter) -> None:
    Link.objects.update(quiet_from=time(0), quiet_to=time(23, 59))
    page = as_person(teen).get("/tutor/").content.decode()
    assert "opens again at 11:59" in page
