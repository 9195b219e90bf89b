"""Coming out is answered with warmth and one help line, and no parent ever reads it (ADR 68)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from chat.prompt import add_turn_instructions, build_prompt
from chat.prompt_profiles import FULL, SMALL, PromptProfile
from families.models import Link
from families.terms import ParentView
from guard import Category
from safeguarding.helplines import get_country_help
from safeguarding.response_texts import get_support_lines
from tests.chat.conftest import Ask
from tests.chat.conversations import create_conversation
from tests.markup import squeezed

pytestmark = [pytest.mark.usefixtures("unnudged")]

CAME_OUT = "I think I am gay, how do I tell my mom?"
IN_SPANISH = "Creo que soy gay, ¿cómo se lo digo a mi mamá?"


@pytest.mark.django_db
@pytest.mark.parametrize("question", [CAME_OUT, IN_SPANISH])
def test_it_is_answered_with_a_warm_line_and_a_help_line_and_no_card(
    question: str, teen: Person, ask: Ask, as_person: Callable[[Person], Client]
) -> None:
    turn = ask(teen, question)
    assert turn.state == TurnState.QUEUED
    Turn.objects.update(state=TurnState.ANSWERED, answer="Some words.", ended_at=timezone.now())
    address = reverse("chat:conversation", args=[turn.conversation_id])
    page = squeezed(as_person(teen).get(address).content.decode())
    assert "Whoever you love and whoever you are is fine." in page
    assert "The Trevor Project (1-866-488-7386)" in page
    assert "crisis-card" not in page


@pytest.mark.django_db
def test_the_list_of_conversations_does_not_tell(teen: Person, ask: Ask) -> None:
    assert "gay" not in ask(teen, CAME_OUT).conversation.title


@pytest.mark.django_db
@pytest.mark.parametrize("profile", [FULL, SMALL])
def test_the_model_is_told_to_be_warm(profile: PromptProfile, teen: Person, ask: Ask) -> None:
    turn = ask(teen, CAME_OUT)
    prompt = add_turn_instructions(build_prompt(CAME_OUT, remembered=(), profile=profile), turn)
    assert profile.identity_instruction in prompt.messages[-1]["content"]
    assert profile.support_instruction not in prompt.messages[-1]["content"]


@pytest.mark.parametrize("country", ["US", "GB", "IE", "CA", "ES", "elsewhere"])
def test_every_country_has_a_line_to_name(country: str, settings: Settings) -> None:
    settings.HELP_COUNTRY = country
    for language in ("en", "es"):
        with translation.override(language):
            who = get_support_lines({Category.IDENTITY}).who
            assert get_country_help(country).identity_line.name in who
            assert "{" not in who


def test_bullying_is_spoken_of_first() -> None:
    both = get_support_lines({Category.IDENTITY, Category.BULLYING})
    assert both == get_support_lines({Category.BULLYING})


@pytest.fixture
def came_out(teen: Person) -> Conversation:
    """A conversation of four turns, in whose third the teen comes out."""
    conversation = create_conversation(teen, 4)
    turns = list(conversation.turns.order_by("asked_at"))
    Turn.objects.filter(pk=turns[2].pk).update(categories=[Category.IDENTITY])
    return conversation


@pytest.mark.django_db
def test_a_parent_reads_neither_it_nor_what_follows_whatever_was_agreed(
    came_out: Conversation, parent: Person, teen: Person, as_person: Callable[[Person], Client]
) -> None:
    long_ago = timezone.now() - timedelta(days=60)
    link = Link.objects.create(
        parent=parent,
        teen=teen,
        parent_view=ParentView.FULL,
        created_at=long_ago,
        flagged_since=long_ago,
        full_since=long_ago,
    )
    page = as_person(parent).get(f"/tutor/parent-view/{link.pk}").content.decode()
    shown = [turn.question for turn in came_out.turns.order_by("asked_at") if f"{turn.question}<" in page]
    assert shown == [turn.question for turn in came_out.turns.order_by("asked_at")][:2]
