"""A plan shapes an answer, three budgets pay for it, and the page says which of them is short."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import (
    assign_plan,
    create_family_budget,
    get_site_budget,
    set_allowance,
    set_parent_budget,
    set_site_stopped,
)
from budgets.errors import InsufficientBudget
from budgets.models import MEMORY_TOKENS, BudgetScope, Hold, Plan
from budgets.selectors import Meter, get_meter
from chat.asking.services import start_turn
from chat.formatting import format_budget_rejection, format_meter, format_refill_time
from chat.models import Turn
from chat.prompt import BRIEF_INSTRUCTION_TOKENS
from chat.web.turns import build_shown_turn
from kit.memory_policy import MemoryPolicy
from tests.budgets.ledger import set_budget

AsPerson = Callable[[Person], Client]
QUESTION = "Is AI biased?"


def ask(teen: Person, question: str = QUESTION) -> Turn:
    return start_turn(person=teen, turn_id=uuid4(), question=question).turn


@pytest.fixture
def owner(teen: Person, as_person: AsPerson) -> Client:
    return as_person(teen)


def post_question(owner: Client, question: str = QUESTION) -> tuple[int, str]:
    reply = owner.post(reverse("chat:ask"), {"question": question, "turn_id": str(uuid4())})
    return reply.status_code, " ".join(reply.content.decode().split())


def assign_own_plan(teen: Person, **fields: object) -> None:
    assign_plan(owner=teen, plan=Plan.objects.create(slug="own", name="Own", tokens=100_000, **fields))


class TestPlans:
    def test_it_says_how_long_an_answer_is(self, teen: Person) -> None:
        assign_own_plan(teen, answer_tokens=70)
        turn = ask(teen)
        assert (turn.max_answer_tokens, turn.is_brief) == (70, False)

    def test_it_says_how_much_is_remembered(self, teen: Person) -> None:
        assert ask(teen).memory_tokens == MEMORY_TOKENS
        assign_own_plan(teen, memory_policy=MemoryPolicy.NONE)
        assert ask(teen).memory_policy == MemoryPolicy.NONE


class TestTheHold:
    def test_it_is_sized_to_the_answer_and_not_to_the_context(self, teen: Person, settings: Settings) -> None:
        settings.TUTOR_CONTEXT_TOKENS = 1_000_000
        ask(teen)
        hold = Hold.objects.get()
        assert hold.answer_tokens == settings.TUTOR_ANSWER_TOKENS
        assert hold.prompt_tokens < 2000

    def test_it_carries_the_most_that_prompt_and_answer_can_cost(
        self, teen: Person, settings: Settings
    ) -> None:
        settings.TUTOR_INPUT_PRICE, settings.TUTOR_OUTPUT_PRICE = 2.0, 3.5
        ask(teen)
        hold = Hold.objects.get()
        assert hold.microdollars == 2 * hold.prompt_tokens + -(-hold.answer_tokens * 7 // 2)

    def test_little_money_shortens_the_answer_and_says_whose(self, teen: Person, settings: Settings) -> None:
        settings.TUTOR_OUTPUT_PRICE, settings.TUTOR_ANSWER_TOKENS = 10.0, 400
        set_allowance(budget=get_site_budget(), tokens=None, microdollars=1200)
        turn = ask(teen)
        assert turn.is_brief
        assert turn.max_answer_tokens == 120 - BRIEF_INSTRUCTION_TOKENS
        assert turn.brief_scope == BudgetScope.SITE
        # The site's month may end today.
        assert (
            "this site has little of its allowance left. It refills " in build_shown_turn(turn).brief_reason
        )


class TestWords:
    def test_a_short_family_is_named(self, teen: Person, owner: Client) -> None:
        family = set_allowance(budget=create_family_budget(time_zone="UTC"), tokens=20)
        set_parent_budget(owner=teen, parent=family)
        status, page = post_question(owner)
        assert status == 422
        # On the last day of a month it says at what time.
        assert "Your family has used its shared allowance. It refills" in page
        assert "nothing was charged" in page
        assert "Nearly used up" in page

    def test_a_stopped_site_says_so_and_a_crisis_is_answered(self, owner: Client, db: None) -> None:
        set_site_stopped(is_stopped=True)
        status, page = post_question(owner)
        assert status == 422
        assert "The tutor is paused on this whole site" in page
        assert post_question(owner, "I want to kill myself")[0] == 302
        assert Turn.objects.get().state == "carded"

    @pytest.mark.parametrize(
        ("scope", "words"),
        [
            (BudgetScope.PERSON, "You have"),
            (BudgetScope.FAMILY, "Your family"),
            (BudgetScope.SITE, "This site"),
        ],
    )
    def test_a_rejection_says_which_budget(self, teen: Person, scope: BudgetScope, words: str) -> None:
        short = InsufficientBudget(scope=scope, unit="tokens", needed=2, left=1, refills_at=timezone.now())
        assert words in format_budget_rejection(short, teen)

    @pytest.mark.parametrize(
        ("scope", "words"),
        [(BudgetScope.PERSON, "left; refills"), (BudgetScope.FAMILY, "family"), (BudgetScope.SITE, "site")],
    )
    def test_the_meter_says_which_budget(self, teen: Person, scope: BudgetScope, words: str) -> None:
        text = format_meter(Meter(5000, 0, 0, timezone.now(), scope), teen)
        assert words in text
        assert text.startswith("About 10 short answers")

    def test_a_budget_without_a_limit_is_shown_as_unlimited(self, teen: Person, owner: Client) -> None:
        set_budget(teen, tokens=None)
        assert format_meter(get_meter(owner=teen), teen) == "No usage limit"
        assert "No usage limit" in owner.get(reverse("chat:start")).content.decode()

    def test_a_time_more_than_a_day_ahead_has_its_date(self, teen: Person) -> None:
        now = timezone.now()
        assert format_refill_time(now + timedelta(hours=3), teen).startswith("at ")
        assert format_refill_time(now + timedelta(days=3), teen).startswith("on ")
