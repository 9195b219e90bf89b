"""Models in the admin: the form, the list, the settings' model, and who may do what."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person, Role
from budgets.models import Plan
from chat.models import ModelOutage
from routing import breaker
from routing.formatting import format_dollars, format_obstacle
from routing.models import Capability, TutorModel
from routing.registry import create_settings_model

AsPerson = Callable[[Person], Client]
MODELS = "/admin/routing/tutormodel/"
KEY = "sk-a-secret-that-no-page-shows"
FORM = {
    "name": "Cloud",
    "is_enabled": "on",
    "position": "10",
    "base_url": "https://api.example.com/v1",
    "model_name": "gpt-4o-mini",
    "key_variable": "TUTOR_KEY_CLOUD",
    "input_price": "0.15",
    "cached_input_price": "0.075",
    "output_price": "0.6",
    "context_tokens": "8192",
    "answer_tokens": "800",
    "max_answers": "",
    "first_token_seconds": "30",
    "next_token_seconds": "20",
    "prompt_profile": "full",
    "capabilities": ["reports_usage", "reports_cache"],
    "extra_fields": '{"temperature": 0.3}',
}


@pytest.fixture(autouse=True)
def _environment(settings: Settings) -> None:
    settings.TUTOR_HOSTS = ["api.example.com"]
    settings.TUTOR_KEYS = {"TUTOR_KEY_CLOUD": KEY}


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


@pytest.fixture
def cloud(db: None) -> TutorModel:
    return TutorModel.objects.create(
        name="Cloud",
        base_url="https://api.example.com/v1",
        model_name="gpt-4o-mini",
        key_variable="TUTOR_KEY_CLOUD",
        input_price=150_000,
        output_price=600_000,
    )


@pytest.fixture
def outage(cloud: TutorModel) -> ModelOutage:
    return ModelOutage.objects.create(model=cloud, end_reason="model_silent", declared_at=timezone.now())


def change(model: TutorModel) -> str:
    return f"{MODELS}{model.pk}/change/"


def require_errors(client: Client, address: str, form: dict[str, Any]) -> dict[str, list[str]]:
    page = client.post(address, form)
    assert page.status_code == 200
    errors: dict[str, list[str]] = page.context["adminform"].form.errors
    assert errors
    return errors


def test_an_admin_adds_a_model_with_prices_in_dollars(admin_client: Client) -> None:
    assert admin_client.post(f"{MODELS}add/", FORM).status_code == 302
    model = TutorModel.objects.get(name="Cloud")
    assert (model.input_price, model.cached_input_price, model.output_price) == (150_000, 75_000, 600_000)
    assert model.capabilities == ["reports_usage", "reports_cache"]
    assert model.extra_fields == {"temperature": 0.3}
    assert model.is_usable
    assert model.endpoint.api_key == KEY


def test_a_form_that_is_sent_unchanged_changes_nothing(admin_client: Client, cloud: TutorModel) -> None:
    page = admin_client.get(change(cloud)).content.decode()
    assert 'value="0.15"' in page
    sent = FORM | {
        "cached_input_price": "0",
        "answer_tokens": "400",
        "capabilities": [],
        "extra_fields": "{}",
    }
    assert admin_client.post(change(cloud), sent).status_code == 302
    assert LogEntry.objects.get().get_change_message() == "No fields changed."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "https://elsewhere.example.com/v1"),
        ("base_url", "http://api.example.com/v1"),
        ("base_url", "https://key@api.example.com/v1"),
        ("base_url", "file:///etc/passwd"),
        ("key_variable", "SECRET_KEY"),
        ("key_variable", "TUTOR_API_KEY"),
        ("key_variable", "TUTOR_KEY_MISSING"),
        ("input_price", "-1"),
        ("output_price", "NaN"),
        ("context_tokens", "100"),
        ("answer_tokens", "5000"),
        ("position", "99999"),
        ("first_token_seconds", "inf"),
        ("capabilities", ["flies"]),
        ("extra_fields", "[1]"),
        ("extra_fields", '{"temperature": NaN}'),
        ("extra_fields", '{"stop": "\\u0000"}'),
        ("extra_fields", '{"stop": "\\ud800"}'),
        ("extra_fields", "[" * 100_000),
        ("extra_fields", '{"messages": []}'),
        ("prompt_profile", "huge"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin_client: Client, field: str, value: object) -> None:
    assert field in require_errors(admin_client, f"{MODELS}add/", FORM | {field: value})
    assert not TutorModel.objects.filter(name="Cloud").exists()


def test_an_empty_field_means_its_default(admin_client: Client) -> None:
    empty = {"extra_fields": "", "input_price": "", "capabilities": [], "key_variable": ""}
    assert admin_client.post(f"{MODELS}add/", FORM | empty).status_code == 302
    model = TutorModel.objects.get(name="Cloud")
    assert (model.extra_fields, model.input_price, model.capabilities) == ({}, 0, [])
    assert model.endpoint.api_key == "none"


def test_without_a_price_for_cached_input_it_costs_as_much_as_the_rest(admin_client: Client) -> None:
    assert 'name="cached_input_price" value' not in admin_client.get(f"{MODELS}add/").content.decode()
    assert admin_client.post(f"{MODELS}add/", FORM | {"cached_input_price": ""}).status_code == 302
    assert TutorModel.objects.get(name="Cloud").cached_input_price == 150_000


def test_keys_are_chosen_by_name_and_never_shown(admin_client: Client, cloud: TutorModel) -> None:
    for address in (f"{MODELS}add/", change(cloud), MODELS):
        page = admin_client.get(address).content.decode()
        assert KEY not in page
    assert "TUTOR_KEY_CLOUD" in admin_client.get(f"{MODELS}add/").content.decode()
    assert KEY not in repr(cloud.endpoint)


def test_the_list_says_where_a_model_is_what_it_costs_and_how_it_is(
    admin_client: Client, cloud: TutorModel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page = admin_client.get(MODELS).content.decode()
    assert "api.example.com" in page
    assert "$0.15 in, $0.00 cached, $0.60 out" in page
    assert page.count("answering</td>") == 2
    TutorModel.objects.create(
        name="Third", base_url="https://api.example.com/v1", model_name="m", position=30
    )
    # Session, person, second factor, the settings' model, two counts, the models and their open outages.
    with django_assert_num_queries(7):
        admin_client.get(MODELS)


def test_the_list_shows_outages_and_rests(
    admin_client: Client, cloud: TutorModel, outage: ModelOutage
) -> None:
    assert "out since" in admin_client.get(MODELS).content.decode()
    ModelOutage.objects.update(ended_at=timezone.now())
    assert "out since" not in admin_client.get(MODELS).content.decode()
    breaker.keep_resting(cloud.pk, seconds=60)
    assert "rests after failures" in admin_client.get(MODELS).content.decode()


def test_a_model_whose_outage_is_open_can_be_changed_and_deleted(
    admin_client: Client, cloud: TutorModel, outage: ModelOutage
) -> None:
    breaker.keep_resting(cloud.pk, seconds=60)
    assert "out since" in admin_client.get(change(cloud)).content.decode()
    assert admin_client.post(change(cloud), FORM | {"name": "Renamed"}).status_code == 302
    assert not breaker.read_health([cloud.pk])[cloud.pk].is_healthy
    # Another model on the server is not the one that failed.
    assert admin_client.post(change(cloud), FORM | {"model_name": "other"}).status_code == 302
    assert breaker.read_health([cloud.pk])[cloud.pk].is_healthy
    assert admin_client.post(f"{MODELS}{cloud.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ModelOutage.objects.exists()


def test_a_model_that_the_environment_no_longer_allows_says_so_and_can_be_taken_out_of_use(
    admin_client: Client, cloud: TutorModel, settings: Settings
) -> None:
    settings.TUTOR_HOSTS = []
    assert "add api.example.com to TUTOR_HOSTS" in admin_client.get(change(cloud)).content.decode()
    settings.TUTOR_HOSTS, settings.TUTOR_KEYS = ["api.example.com"], {}
    assert "no variable TUTOR_KEY_CLOUD" in admin_client.get(MODELS).content.decode()
    settings.TUTOR_HOSTS = []
    sent = {name: value for name, value in FORM.items() if name != "is_enabled"}
    assert admin_client.post(change(cloud), sent).status_code == 302
    assert not TutorModel.objects.filter(pk=cloud.pk, is_enabled=True).exists()
    # But no such address or key can be chosen.
    assert "base_url" in require_errors(
        admin_client, change(cloud), FORM | {"base_url": "https://api.example.com/v2"}
    )


def test_a_model_is_usable_exactly_if_nothing_keeps_it_from_being_used(
    cloud: TutorModel, settings: Settings
) -> None:
    assert (cloud.is_usable, format_obstacle(cloud)) == (True, "")
    for name, value in (("TUTOR_HOSTS", []), ("TUTOR_KEYS", {})):
        before = getattr(settings, name)
        setattr(settings, name, value)
        assert (cloud.is_usable, bool(format_obstacle(cloud))) == (False, True)
        setattr(settings, name, before)


def test_the_settings_model_can_be_named_and_ordered_but_not_changed_otherwise_or_deleted(
    admin_client: Client, settings: Settings
) -> None:
    # Shorter than the form of a model would allow: what the environment says is not judged here.
    settings.TUTOR_CONTEXT_TOKENS, settings.TUTOR_ANSWER_TOKENS = 1024, 600
    row = create_settings_model()
    page = admin_client.get(change(row)).content.decode()
    assert "TUTOR_* variables" in page
    assert 'name="base_url"' not in page
    sent = FORM | {"name": "House", "position": "5", "base_url": "https://api.example.com/v1"}
    assert admin_client.post(change(row), sent).status_code == 302
    row = TutorModel.objects.get(pk=row.pk)
    assert (row.name, row.position, row.base_url) == ("House", 5, settings.TUTOR_BASE_URL)
    assert admin_client.post(f"{MODELS}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    assert admin_client.post(MODELS, chosen).status_code == 403
    assert TutorModel.objects.filter(pk=row.pk).exists()


def test_a_model_of_a_plan_cannot_be_deleted_as_the_plan_would_then_allow_every_model(
    admin_client: Client, cloud: TutorModel
) -> None:
    plan = Plan.objects.create(slug="own", name="Own")
    plan.tutor_models.add(cloud)
    assert admin_client.post(f"{MODELS}{cloud.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(cloud.pk)], "post": "yes"}
    assert admin_client.post(MODELS, chosen).status_code == 403
    plan.tutor_models.clear()
    assert admin_client.post(f"{MODELS}{cloud.pk}/delete/", {"post": "yes"}).status_code == 302


@pytest.mark.parametrize("who", ["teen", "parent", "visitor"])
@pytest.mark.parametrize(
    "page", ["", "add/", "{pk}/change/", "{pk}/try-it", "{pk}/prices", "{pk}/capabilities"]
)
def test_no_one_else_gets_in(
    who: str, page: str, cloud: TutorModel, as_person: AsPerson, request: pytest.FixtureRequest
) -> None:
    client = Client() if who == "visitor" else as_person(request.getfixturevalue(who))
    address = MODELS + page.format(pk=cloud.pk)
    for reply in (client.get(address), client.post(address, FORM)):
        assert reply.status_code == 302
        assert reply.headers["Location"].startswith("/admin/login/")
    assert TutorModel.objects.get(pk=cloud.pk).capabilities == []


def test_staff_who_may_only_view_see_no_actions(
    cloud: TutorModel, make_person: Any, as_person: AsPerson
) -> None:
    staff = make_person("vera", Role.ADMIN, is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_tutormodel"))
    client = as_person(staff)
    page = client.get(change(cloud)).content.decode()
    assert "Cloud" in page
    assert "try-it" not in page
    assert KEY not in page
    assert client.post(f"{MODELS}{cloud.pk}/try-it").status_code == 403
    assert client.get(f"{MODELS}{cloud.pk}/prices").status_code == 403
    assert client.post(f"{MODELS}{cloud.pk}/capabilities").status_code == 403


def test_found_capabilities_are_saved_and_unknown_ones_ignored(
    admin_client: Client, cloud: TutorModel
) -> None:
    address = f"{MODELS}{cloud.pk}/capabilities"
    assert admin_client.get(address).status_code == 405
    sent = {"capabilities": ["counts_tokens", "flies"]}
    assert admin_client.post(address, sent).status_code == 302
    cloud.refresh_from_db()
    assert cloud.capabilities == [Capability.COUNTS_TOKENS]
    assert "counts_tokens" in LogEntry.objects.get().change_message
    assert admin_client.post(f"{MODELS}{create_settings_model().pk}/capabilities", sent).status_code == 403


@pytest.mark.parametrize(
    ("microdollars", "text"),
    [(0, "$0.00"), (150_000, "$0.15"), (12, "$0.000012"), (1_250_000, "$1.25"), (75_000, "$0.075")],
)
def test_amounts_have_as_many_decimals_as_they_need(microdollars: int, text: str) -> None:
    assert format_dollars(microdollars) == text
