"""Which model a question goes to: plan × budget × consent × health, and why."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import assign_plan
from budgets.errors import InsufficientBudget
from budgets.models import Hold, Plan
from chat.asking.follow_ups import retry_turn
from chat.errors import NoModelLeft, PersonalDataFound
from chat.formatting import format_route
from chat.model_choice import build_turn_prompt, load_prompt_parts, preview_route
from chat.models import EndReason, ModelOutage, Turn, TurnState
from families import gate as families_gate
from families.gate import get_tutor_gate
from families.terms import Terms
from routing import breaker, registry
from routing.models import TutorModel
from routing.registry import create_settings_model
from tests.chat.conftest import Ask
from tests.chat.models import CLOUD_PRICES, rest
from tests.chat.test_personal_data import QUESTION as NAMED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unnudged")]
AsPerson = Callable[[Person], Client]


@pytest.fixture
def local() -> TutorModel:
    return create_settings_model()


@pytest.fixture
def cloud(local: TutorModel, settings: Settings) -> TutorModel:
    settings.TUTOR_HOSTS = ["api.example.com"]
    return TutorModel.objects.create(
        name="Cloud",
        base_url="https://api.example.com/v1",
        model_name="large",
        position=1,
        context_tokens=32_000,
        **CLOUD_PRICES,
    )


@pytest.fixture
def agree(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the teen's family have agreed on these terms."""

    def agree_on(**terms: Any) -> None:
        monkeypatch.setattr(families_gate, "combine_terms", lambda _agreed: Terms(**terms))

    return agree_on


@pytest.fixture
def give_plan(teen: Person) -> Callable[..., Plan]:
    def give(*models: TutorModel, **limits: object) -> Plan:
        plan = Plan.objects.create(slug=f"own-{uuid4().hex[:8]}", name="Own", **{"tokens": 100_000} | limits)
        plan.tutor_models.set(models)
        assign_plan(owner=teen, plan=plan)
        return plan

    return give


CLOUD, LOCAL, NONE = "Cloud", "Tutor", "none"
# For each plan, budget, consent and health: the model that answers. "both" and "neither" are about health.
ROUTES = [
    # plan, budget, consent, up, route
    ("every", "full", "any", "both", CLOUD),
    ("every", "full", "any", "local", LOCAL),
    ("every", "full", "any", "cloud", CLOUD),
    ("every", "full", "any", "neither", CLOUD),
    ("every", "full", "local only", "both", LOCAL),
    ("every", "full", "local only", "local", LOCAL),
    ("every", "full", "local only", "cloud", LOCAL),
    ("every", "full", "local only", "neither", LOCAL),
    ("every", "empty", "any", "both", LOCAL),
    ("every", "empty", "any", "local", LOCAL),
    ("every", "empty", "any", "cloud", LOCAL),
    ("every", "empty", "any", "neither", LOCAL),
    ("every", "empty", "local only", "both", LOCAL),
    ("every", "empty", "local only", "local", LOCAL),
    ("every", "empty", "local only", "cloud", LOCAL),
    ("every", "empty", "local only", "neither", LOCAL),
    ("cloud", "full", "any", "both", CLOUD),
    ("cloud", "full", "any", "local", LOCAL),
    ("cloud", "full", "any", "cloud", CLOUD),
    ("cloud", "full", "any", "neither", CLOUD),
    ("cloud", "full", "local only", "both", LOCAL),
    ("cloud", "full", "local only", "local", LOCAL),
    ("cloud", "full", "local only", "cloud", LOCAL),
    ("cloud", "full", "local only", "neither", LOCAL),
    ("cloud", "empty", "any", "both", LOCAL),
    ("cloud", "empty", "any", "local", LOCAL),
    ("cloud", "empty", "any", "cloud", LOCAL),
    ("cloud", "empty", "any", "neither", LOCAL),
    ("cloud", "empty", "local only", "both", LOCAL),
    ("cloud", "empty", "local only", "local", LOCAL),
    ("cloud", "empty", "local only", "cloud", LOCAL),
    ("cloud", "empty", "local only", "neither", LOCAL),
    ("local", "full", "any", "both", LOCAL),
    ("local", "full", "any", "local", LOCAL),
    ("local", "full", "any", "cloud", LOCAL),
    ("local", "full", "any", "neither", LOCAL),
    ("local", "full", "local only", "both", LOCAL),
    ("local", "full", "local only", "local", LOCAL),
    ("local", "full", "local only", "cloud", LOCAL),
    ("local", "full", "local only", "neither", LOCAL),
    ("local", "empty", "any", "both", LOCAL),
    ("local", "empty", "any", "local", LOCAL),
    ("local", "empty", "any", "cloud", LOCAL),
    ("local", "empty", "any", "neither", LOCAL),
    ("local", "empty", "local only", "both", LOCAL),
    ("local", "empty", "local only", "local", LOCAL),
    ("local", "empty", "local only", "cloud", LOCAL),
    ("local", "empty", "local only", "neither", LOCAL),
]


@pytest.mark.parametrize(("plan", "budget", "consent", "up", "route"), ROUTES)
def test_plan_budget_consent_and_health_decide(
    plan: str,
    budget: str,
    consent: str,
    up: str,
    route: str,
    teen: Person,
    ask: Ask,
    cloud: TutorModel,
    local: TutorModel,
    give_plan: Callable[..., Plan],
    agree: Callable[..., None],
) -> None:
    named = {"every": [], "cloud": [cloud], "local": [local]}[plan]
    give_plan(*named, microdollars=0 if budget == "empty" else 1_000_000)
    agree(local_only=consent == "local only")
    rest(*{"both": [], "local": [cloud], "cloud": [local], "neither": [cloud, local]}[up])
    preview = preview_route(teen, get_tutor_gate(teen))
    turn = ask(teen)
    assert turn.tutor_model
    assert turn.tutor_model.name == route
    # What the page said before the question was sent.
    assert preview.model == turn.tutor_model
    assert (turn.is_local, turn.microdollars) == (route == LOCAL, 0)
    hold = Hold.objects.get()
    assert (hold.microdollars > 0) is (route == CLOUD)
    assert turn.prices == turn.tutor_model.prices


class TestTheSentenceForAdmins:
    def test_says_that_the_first_choice_answered(self, teen: Person, ask: Ask, cloud: TutorModel) -> None:
        assert format_route(ask(teen)) == "large (outside this site) was the first choice."

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("down", "it was not answering"),
            ("budget", "the budget had too little left for it"),
            ("plan", "the plan doesn’t include it"),
            ("agreement", "the question had to stay on this site’s own computers"),
            ("length", "the question was too long for it"),
        ],
    )
    def test_says_why_another_one_did_not(
        self,
        change: str,
        reason: str,
        teen: Person,
        ask: Ask,
        cloud: TutorModel,
        local: TutorModel,
        give_plan: Callable[..., Plan],
        agree: Callable[..., None],
    ) -> None:
        if change == "down":
            rest(cloud)
        elif change == "budget":
            give_plan(microdollars=100)
        elif change == "plan":
            give_plan(local)
        elif change == "agreement":
            agree(local_only=True)
        else:
            TutorModel.objects.filter(pk=cloud.pk).update(context_tokens=300, answer_tokens=60)
        sentence = format_route(ask(teen))
        assert sentence == (
            f"{local.model_name} (on this site’s own computers) was chosen: Cloud was not used because {reason}."
        )


class TestTheOwnersBudget:
    def test_a_whole_answer_by_a_lesser_model_comes_before_a_short_one_by_a_better(
        self, teen: Person, ask: Ask, cloud: TutorModel, give_plan: Callable[..., Plan]
    ) -> None:
        # Enough for the prompt and about a hundred tokens of the cloud's answer.
        give_plan(microdollars=2_500)
        turn = ask(teen)
        assert turn.is_local
        assert not turn.is_brief

    def test_too_few_tokens_shorten_the_answer_of_the_best_model(
        self, teen: Person, ask: Ask, cloud: TutorModel, give_plan: Callable[..., Plan], settings: Settings
    ) -> None:
        settings.TUTOR_ANSWER_TOKENS = 400
        give_plan(tokens=700)
        turn = ask(teen)
        assert not turn.is_local
        assert turn.is_brief

    def test_without_tokens_no_model_answers_and_nothing_is_held(
        self, teen: Person, ask: Ask, cloud: TutorModel, give_plan: Callable[..., Plan]
    ) -> None:
        give_plan(tokens=10)
        with pytest.raises(InsufficientBudget):
            ask(teen)
        assert not Hold.objects.exists()
        assert not Turn.objects.exists()


class TestWhatStays:
    def test_a_site_without_a_local_model_says_so(
        self, teen: Person, ask: Ask, as_person: AsPerson, cloud: TutorModel, agree: Callable[..., None]
    ) -> None:
        TutorModel.objects.filter(is_from_settings=True).update(is_enabled=False)
        agree(local_only=True)
        with pytest.raises(NoModelLeft):
            ask(teen)
        reply = as_person(teen).post(reverse("chat:ask"), {"question": "Why?", "turn_id": str(uuid4())})
        assert reply.status_code == 422
        assert "no model runs there now" in reply.content.decode()

    def test_a_site_without_any_model_does_not_claim_that_the_question_must_stay(
        self, teen: Person, ask: Ask, as_person: AsPerson, local: TutorModel
    ) -> None:
        local.is_enabled = False
        local.save()
        with pytest.raises(NoModelLeft):
            ask(teen)
        reply = as_person(teen).post(reverse("chat:ask"), {"question": "Why?", "turn_id": str(uuid4())})
        assert reply.status_code == 422
        assert "No model can answer your question right now" in reply.content.decode()

    def test_personal_data_is_asked_about_only_if_it_could_leave(
        self, teen: Person, ask: Ask, cloud: TutorModel, agree: Callable[..., None]
    ) -> None:
        with pytest.raises(PersonalDataFound):
            ask(teen, NAMED)
        turn = ask(teen, NAMED, local_only=True)
        assert turn.is_local
        assert turn.local_only
        agree(local_only=True)
        assert ask(teen, NAMED).local_only

    def test_a_retry_stays_where_the_question_was_said_to_stay(
        self, teen: Person, ask: Ask, cloud: TutorModel
    ) -> None:
        failed = ask(teen, local_only=True)
        Turn.objects.filter(pk=failed.pk).update(
            state=TurnState.FAILED, end_reason=EndReason.MODEL_UNREACHABLE, ended_at=failed.asked_at
        )
        failed.refresh_from_db()
        assert retry_turn(person=teen, failed=failed, turn_id=uuid4()).turn.is_local

    def test_what_stayed_is_not_sent_out_later_as_memory(
        self, teen: Person, ask: Ask, cloud: TutorModel
    ) -> None:
        first = ask(teen, "A secret thought about rivers.", local_only=True)
        Turn.objects.filter(pk=first.pk).update(
            state=TurnState.ANSWERED, answer="Rivers it is.", ended_at=first.asked_at
        )
        later = ask(teen, "And lakes?", conversation=first.conversation)
        assert later.tutor_model == cloud
        sent = str(build_turn_prompt(later, load_prompt_parts(later), model=cloud).messages)
        assert "rivers" not in sent.lower()
        kept = str(build_turn_prompt(later, load_prompt_parts(later), model=create_settings_model()).messages)
        assert "rivers" in kept.lower()


class TestThePage:
    def test_says_where_the_question_goes_and_keeps_its_word(
        self, teen: Person, as_person: AsPerson, cloud: TutorModel
    ) -> None:
        client = as_person(teen)
        page = client.get("/tutor/").content.decode()
        assert "Your question will go to Cloud at api.example.com, a company outside this site." in page
        assert 'name="destination" value="api.example.com"' in page
        rest(cloud)
        page = client.get("/tutor/").content.decode()
        assert "A model on this site’s own computers will answer your question." in page
        # Meanwhile the cloud is back.
        breaker.record_success(cloud.pk)
        client.post(
            reverse("chat:ask"), {"question": "Why?", "turn_id": str(uuid4()), "destination": "local"}
        )
        assert Turn.objects.get().is_local

    def test_names_the_demos_model_even_if_another_one_comes_first(
        self, teen: Person, as_person: AsPerson, cloud: TutorModel, settings: Settings
    ) -> None:
        settings.TUTOR_IS_DEMO_MODEL = True
        page = as_person(teen).get("/tutor/").content.decode()
        assert f"very small model ({settings.TUTOR_MODEL})" in " ".join(page.split())
        TutorModel.objects.filter(is_from_settings=True).update(is_enabled=False)
        registry.clear_models_cache()
        assert "very small model" not in as_person(teen).get("/tutor/").content.decode()

    def test_says_that_a_family_agreed(
        self, teen: Person, as_person: AsPerson, cloud: TutorModel, agree: Callable[..., None]
    ) -> None:
        agree(local_only=True)
        page = as_person(teen).get("/tutor/").content.decode()
        assert "Your question stays on this site’s own computers, as your family agreed." in page

    def test_says_nothing_if_every_model_is_local(self, teen: Person, as_person: AsPerson) -> None:
        page = as_person(teen).get("/tutor/").content.decode()
        assert "will answer your question" not in page

    def test_offers_to_wait_only_if_no_model_is_left(
        self, teen: Person, as_person: AsPerson, cloud: TutorModel, outage: ModelOutage
    ) -> None:
        client = as_person(teen)
        assert "Answer when it’s back" not in client.get("/tutor/").content.decode()
        ModelOutage.objects.create(model=cloud, declared_at=outage.began_at, end_reason="model_busy")
        assert "Answer when it’s back" in client.get("/tutor/").content.decode()


class TestTheAPI:
    def test_says_where_the_next_question_goes(
        self, teen: Person, as_person: AsPerson, cloud: TutorModel
    ) -> None:
        status = as_person(teen).get("/api/v1/tutor").json()
        assert (status["model"], status["is_local"]) == ("large", False)

    def test_keeps_a_question_local(self, teen: Person, as_person: AsPerson, cloud: TutorModel) -> None:
        reply = as_person(teen).post(
            "/api/v1/turns",
            {"question": "Why?", "local_only": True},
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid4())},
        )
        assert reply.status_code == 201
        turn = reply.json()
        assert (turn["is_local"], turn["has_fallen_back"]) == (True, False)
