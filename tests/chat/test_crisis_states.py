"""A cry for help gets a card in every state of the site, the session and the request.

Every state is tried with messages that are carded by themselves; `make soak` tries all fifty.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import set_site_stopped
from chat import services
from chat.asking.services import question_rate_limit
from chat.models import Conversation, ModelOutage, Turn, TurnState
from chat.reports import report_rate_limit
from chat.turns.outages import MAX_DEFERRED
from events.models import Event
from events.services import create_sign_up
from events.spots import confirm_sign_up
from families.agreements import set_parent_pause
from families.links import end_link
from families.models import Consent, Link
from tests.chat.conftest import Ask

AsPerson = Callable[[Person], Client]
FILE = Path(__file__).parents[2] / "benchmarks" / "beside_homework" / "danger.jsonl"
CRISES = [row["text"] for row in map(json.loads, FILE.read_text().splitlines()) if row["kind"] == "crisis"]
# English and Spanish.
MESSAGES = CRISES if os.environ.get("SOAK") else CRISES[::9]
# One in English and one in Spanish for the longest texts, because the guard takes long to judge them.
FEWER = MESSAGES if os.environ.get("SOAK") else [MESSAGES[0], MESSAGES[-1]]
LONGEST = {"much_too_long", "as_long_as_a_form_may_be"}
CARD = 'class="card-crisis"'
HTMX = {"HX-Request": "true"}


@dataclass
class Scene:
    """A place where a message is posted, and whether it may become a turn."""

    client: Client
    address: str = "/tutor/ask"
    fields: dict[str, Any] = field(default_factory=dict)
    text: str = "question"
    may_store: bool = True
    before: str = ""

    def post(self, message: str, *, htmx: bool) -> str:
        """Return the page after the message, following a redirect."""
        sent = {"turn_id": str(uuid4())} | self.fields | {self.text: self.before + message}
        reply = self.client.post(self.address, sent, headers=HTMX if htmx else {})
        address = reply.headers.get("HX-Redirect") or reply.headers.get("Location")
        return (self.client.get(address.split("#")[0]) if address else reply).content.decode()


@pytest.fixture
def scene(as_person: AsPerson, teen: Person) -> Scene:
    return Scene(as_person(teen))


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def nothing_wrong(scene: Scene) -> Scene:
    return scene


@pytest.fixture
def form_without_an_id(scene: Scene) -> Scene:
    scene.fields = {"turn_id": ""}
    return scene


@pytest.fixture
def form_with_a_broken_id(scene: Scene) -> Scene:
    scene.fields = {"turn_id": "x" * 5_000}
    return scene


@pytest.fixture
def used_id(scene: Scene, turn: Turn) -> Scene:
    scene.fields = {"turn_id": str(turn.pk)}
    return scene


@pytest.fixture
def session_over(client: Client, db: None) -> Scene:
    return Scene(client, may_store=False)


@pytest.fixture
def session_of_a_deleted_person(scene: Scene, stranger: Person, as_person: AsPerson) -> Scene:
    scene = Scene(as_person(stranger), may_store=False)
    stranger.delete()
    return scene


@pytest.fixture
def old_token(teen: Person) -> Scene:
    client = Client(enforce_csrf_checks=True)
    client.force_login(teen)
    return Scene(client, may_store=False, fields={"csrfmiddlewaretoken": "x" * 64})


@pytest.fixture
def no_consent(scene: Scene) -> Scene:
    Consent.objects.all().delete()
    scene.may_store = False
    return scene


@pytest.fixture
def cooling_off_without_consent(scene: Scene, link: Link) -> Scene:
    Consent.objects.update(given_by=link.parent)
    end_link(link=link, by=link.teen)
    scene.may_store = False
    return scene


@pytest.fixture
def cooling_off_with_consent(scene: Scene, link: Link) -> Scene:
    set_parent_pause(link=link, paused=True)
    end_link(link=link, by=link.teen)
    return scene


@pytest.fixture
def throttled(scene: Scene, teen: Person) -> Scene:
    for _ in range(12):
        question_rate_limit.hit(teen.pk)
    return scene


@pytest.fixture
def quiet_hours(scene: Scene, link: Link, teen: Person) -> Scene:
    now = timezone.now().astimezone(teen.zone)
    begins, ends = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    Link.objects.update(quiet_from=begins.replace(microsecond=0), quiet_to=ends.replace(microsecond=0))
    return scene


@pytest.fixture
def parents_pause(scene: Scene, link: Link) -> Scene:
    Link.objects.update(paused_at=timezone.now())
    return scene


@pytest.fixture
def resting_after_a_card(scene: Scene, teen: Person, ask: Ask) -> Scene:
    assert ask(teen, "I want to kill myself").state == TurnState.CARDED
    return scene


@pytest.fixture
def tutor_stopped(scene: Scene) -> Scene:
    set_site_stopped(is_stopped=True)
    return scene


@pytest.fixture
def tutor_not_open(scene: Scene, settings: Settings) -> Scene:
    settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
    return scene


@pytest.fixture
def no_budget(scene: Scene, settings: Settings) -> Scene:
    settings.TUTOR_DAILY_TOKENS = 0
    return scene


@pytest.fixture
def being_answered(scene: Scene, turn: Turn) -> Scene:
    scene.address = f"/tutor/{turn.conversation_id}/ask"
    return scene


@pytest.fixture
def conversation_deleted(scene: Scene, turn: Turn) -> Scene:
    scene.address, scene.may_store = f"/tutor/{turn.conversation_id}/ask", False
    services.delete_conversation(conversation=turn.conversation)
    return scene


@pytest.fixture
def conversation_of_another(scene: Scene, stranger: Person, ask: Ask) -> Scene:
    scene.address, scene.may_store = f"/tutor/{ask(stranger).conversation_id}/ask", False
    return scene


HOMEWORK = "We read the chapter about rivers and wrote down how water moves through rock. "


@pytest.fixture
def long(scene: Scene) -> Scene:
    scene.before = HOMEWORK * 40
    return scene


@pytest.fixture
def too_long_to_answer(scene: Scene) -> Scene:
    scene.before = HOMEWORK * 130
    return scene


@pytest.fixture
def much_too_long(scene: Scene) -> Scene:
    scene.before = HOMEWORK * 750
    return scene


@pytest.fixture
def as_long_as_a_form_may_be(scene: Scene) -> Scene:
    scene.before = HOMEWORK * 3300
    return scene


@pytest.fixture
def records_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    def fail(**_how: object) -> None:
        raise OperationalError

    scene.client.raise_request_exception = False
    monkeypatch.setattr("chat.asking.services.start_turn_from_page", fail)
    scene.may_store = False
    return scene


@pytest.fixture
def report(scene: Scene, turn: Turn) -> Scene:
    services.stop_turn(turn=turn)
    Turn.objects.update(answer="Because.")
    scene.address, scene.text, scene.may_store = f"/tutor/turns/{turn.pk}/report", "comment", False
    return scene


@pytest.fixture
def report_throttled(report: Scene, teen: Person) -> Scene:
    for _ in range(10):
        report_rate_limit.hit(teen.pk)
    return report


@pytest.fixture
def title(scene: Scene, turn: Turn) -> Scene:
    scene.address, scene.text, scene.may_store = f"/tutor/{turn.conversation_id}/rename", "title", False
    return scene


@pytest.fixture
def feedback(client: Client, db: None) -> Scene:
    soon = timezone.now() + timedelta(days=1)
    event = Event.objects.create(slug="an-evening", title="An evening", starts_at=soon, is_published=True)
    guest = confirm_sign_up(sign_up=create_sign_up(event=event, name="Kim", email="kim@example.org"))
    Event.objects.update(starts_at=timezone.now() - timedelta(hours=1))
    return Scene(client, f"{guest.get_absolute_url()}/feedback", {"worth": "yes"}, "comment", may_store=False)


@pytest.fixture
def unfinished_feedback(feedback: Scene) -> Scene:
    feedback.fields = {}
    return feedback


@pytest.fixture
def waiting_for_the_model(scene: Scene, teen: Person, ask: Ask, outage: ModelOutage) -> Scene:
    """The maximum number of deferred questions, one of them in this conversation."""
    kept = [ask(teen, wait_for_model=True) for _ in range(MAX_DEFERRED)]
    scene.address, scene.fields = f"/tutor/{kept[0].conversation_id}/ask", {"when": "back"}
    return scene


STATES = [
    "nothing_wrong", "form_without_an_id", "form_with_a_broken_id", "used_id", "session_over",
    "session_of_a_deleted_person", "old_token", "no_consent", "cooling_off_without_consent",
    "cooling_off_with_consent", "throttled", "quiet_hours", "parents_pause",
    "resting_after_a_card", "tutor_stopped", "tutor_not_open", "no_budget", "being_answered",
    "conversation_deleted", "conversation_of_another", "long", "too_long_to_answer", "much_too_long",
    "as_long_as_a_form_may_be", "records_away", "waiting_for_the_model", "report", "report_throttled", "title",
    "feedback", "unfinished_feedback",
]  # fmt: skip


# Marked here, because the states' fixtures are requested too late to mark it.
@pytest.mark.django_db
@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "plain"])
@pytest.mark.parametrize("state", STATES)
def test_a_cry_for_help_brings_the_card(state: str, htmx: bool, request: pytest.FixtureRequest) -> None:
    scene: Scene = request.getfixturevalue(state)
    missed = []
    for message in FEWER if state in LONGEST else MESSAGES:
        turns, conversations = Turn.objects.count(), Conversation.objects.count()
        if CARD not in scene.post(message, htmx=htmx):
            missed.append(message)
        if not scene.may_store:
            assert (Turn.objects.count(), Conversation.objects.count()) == (turns, conversations)
    assert missed == []
