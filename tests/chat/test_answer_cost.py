"""What an answer cost, as its owner's page shows it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from chat.web.conversation import TURNS_PER_PAGE
from routing.registry import list_models
from tests.chat.conversations import create_conversation, create_turns
from tests.chat.models import CLOUD_PRICES

AsPerson = Callable[[Person], Client]
PARTS = {"instructions": 200, "notes": 60, "turns": 540, "question": 40, "after_question": 0}
COST: dict[str, Any] = {
    "model": "big",
    "prompt_parts": PARTS,
    "prompt_tokens": sum(PARTS.values()),
    "cached_tokens": 700,
    "carried_tokens": 150,
    "answer_tokens": 110,
}
PRICED: dict[str, Any] = {**CLOUD_PRICES, "is_local": False, "microdollars": 1290}


@pytest.fixture
def owner(teen: Person, as_person: AsPerson) -> Client:
    return as_person(teen)


def read(client: Client, conversation: Conversation, **query: str) -> str:
    page = client.get(reverse("chat:conversation", args=[conversation.pk]), query).content.decode()
    return " ".join(page.split())


def test_a_free_answer_says_its_parts_in_words(owner: Client, teen: Person) -> None:
    page = read(owner, create_conversation(teen, 1, **COST))
    assert "950 tokens, by big on this site’s own computers · no cost" in page
    for label, text in [
        ("Instructions", "about 140 words, all read again from the cache"),
        ("Remembered", "about 420 words, 350 of them read again from the cache"),
        ("Your question", "about 28 words"),
        ("The answer", "about 77 words"),
    ]:
        assert f"<dt>{label}</dt> <dd>{text}</dd>" in page
    assert "costs less" in page
    # No part without tokens, no price without one, and nothing to compare yet.
    for absent in ("<dt>Lessons", "<dt>Price", "This conversation so far", "style="):
        assert absent not in page.partition('class="answer-cost"')[2].partition("</details>")[0]


def test_a_priced_answer_says_its_price_and_what_full_memory_would_have_cost(
    owner: Client, teen: Person
) -> None:
    page = read(owner, create_conversation(teen, 12, **COST, **PRICED))
    assert "950 tokens, by big · $0.00129" in page
    assert page.count("<dt>Price</dt> <dd>$0.00129</dd>") == 12
    # 12 × 950 tokens. With full memory 12 × 350, and for the earlier turns 4 × 540 and 60 × 150.
    assert "This conversation so far: 12 answers, about 8,000 words, $0.01548." in page
    assert "With full memory it would have been about 11,000 words, $0.018." in page


def test_what_a_lesson_says_is_named_after_it(owner: Client, teen: Person) -> None:
    parts = {"instructions": 200, "question": 40, "after_question": 100}
    fields = {**COST, "prompt_parts": parts, "prompt_tokens": 340, "cached_tokens": 0}
    page = read(owner, create_conversation(teen, 1, **fields, passages=["a/b#c"]))
    assert "<dt>Lessons</dt> <dd>about 70 words</dd>" in page
    assert "costs less" not in page
    page = read(owner, create_conversation(teen, 1, **fields))
    assert "<dt>Instructions for this question</dt>" in page


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        (TurnState.FAILED, {}),
        (TurnState.STOPPED, {}),
        (TurnState.CARDED, {"level": "3", "categories": ["self_harm"], "answer": ""}),
        (TurnState.REFUSED, {"level": "3", "categories": ["self_harm"], "answer": ""}),
    ],
)
def test_what_was_not_charged_has_no_cost(
    owner: Client, teen: Person, state: TurnState, fields: dict[str, Any]
) -> None:
    page = read(owner, create_conversation(teen, 1, state=state, **fields))
    assert "answer-foot" not in page
    assert "answer-cost" not in page


def test_a_stopped_answer_that_was_charged_has_one(owner: Client, teen: Person) -> None:
    assert "answer-cost" in read(owner, create_conversation(teen, 1, state=TurnState.STOPPED, **COST))


def test_a_turn_without_counted_parts_keeps_its_line(owner: Client, teen: Person) -> None:
    page = read(owner, create_conversation(teen, 1, **COST | {"prompt_parts": {}}))
    assert "950 tokens" in page
    assert "answer-cost" not in page


def test_each_answer_says_what_the_talk_had_cost_until_then_on_every_page(
    owner: Client, teen: Person
) -> None:
    conversation = create_conversation(teen, TURNS_PER_PAGE + 20, **COST)
    assert f"This conversation so far: {TURNS_PER_PAGE + 20} answers, about 47,000 words." in read(
        owner, conversation
    )
    newest = conversation.turns.order_by("-asked_at")[TURNS_PER_PAGE - 1]
    page = read(owner, conversation, before=str(newest.pk))
    assert "This conversation so far: 20 answers, about 13,000 words." in page
    assert "This conversation so far: 21 answers" not in page


def test_other_conversations_do_not_count(owner: Client, teen: Person) -> None:
    create_conversation(teen, 5, **COST)
    assert "This conversation so far: 2 answers" in read(owner, create_conversation(teen, 2, **COST))


def test_a_page_takes_one_query_more_however_long_the_conversation_is(
    owner: Client, teen: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    list_models()
    owner.get("/tutor/")
    # tests/chat/test_history.py: a page whose turns cost nothing takes 12.
    for count in (1, 60, 400):
        conversation = create_conversation(teen, count, **COST)
        with django_assert_num_queries(11):
            read(owner, conversation)


def test_a_parent_reads_the_line_alone(teen: Person) -> None:
    from django.template.loader import render_to_string

    from chat.web.turns import build_shown_turns

    conversation = create_conversation(teen, 1, **COST)
    [shown] = build_shown_turns(conversation.turns.all())
    context = {"shown": shown, "turn": shown.turn, "is_read_only": True}
    page = render_to_string("chat/parent_view_turn.html", context)
    assert "950 tokens" in page
    assert "answer-cost" not in page


def test_a_live_turn_beside_others_is_not_counted(owner: Client, teen: Person) -> None:
    conversation = create_conversation(teen, 2, **COST)
    live: dict[str, Any] = {"state": TurnState.QUEUED, "ended_at": None, "answer": ""}
    create_turns(conversation, 1, start=timezone.now() + timedelta(minutes=1), **COST | live)
    page = read(owner, conversation)
    assert page.count("answer-cost-line") == 2
    assert "3 answers" not in page
    assert Turn.objects.filter(conversation=conversation).count() == 3
