"""Price proposals are found by name and host, and taken over only by a press."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from genai_prices.data_snapshot import get_snapshot

from accounts.models import Person
from routing.models import TutorModel
from routing.price_proposals import find_price_proposal


def build(name: str, url: str) -> TutorModel:
    return TutorModel(name="Cloud", model_name=name, base_url=url)


def test_a_known_model_at_its_host() -> None:
    found = find_price_proposal(build("gpt-4o-mini", "https://api.openai.com/v1"))
    assert found
    assert (found.prices.input, found.prices.cached_input, found.prices.output) == (150_000, 75_000, 600_000)
    assert (found.provider, found.is_of_host, found.has_conditions) == ("OpenAI", True, False)


def test_a_known_name_at_an_unknown_host_is_marked() -> None:
    found = find_price_proposal(build("gpt-4o-mini", "https://proxy.example.com/v1"))
    assert found
    assert not found.is_of_host


def test_prices_by_length_date_or_time_are_marked() -> None:
    found = find_price_proposal(
        build("gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1beta/openai")
    )
    assert found
    assert found.has_conditions
    assert found.prices.input == 1_250_000
    timed = find_price_proposal(build("deepseek-chat", "https://api.deepseek.com"))
    assert timed
    assert timed.has_conditions


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("no-such-model", "https://api.openai.com/v1"),
        ("gpt-4o-mini", "http://127.0.0.1:9/v1"),
        ("gpt-4o-mini", "http://model:8080/v1"),
        ("", "https://api.openai.com/v1"),
        ("(" * 200, "https://api.openai.com/v1"),
        ("☃" * 200, "https://proxy.example.com/v1"),
    ],
)
def test_nothing_is_proposed_for_unknown_and_local_models(name: str, url: str) -> None:
    assert find_price_proposal(build(name, url)) is None


def test_every_price_of_the_list_can_be_read() -> None:
    for provider in get_snapshot().providers:
        for listed in provider.models:
            prices = listed.get_prices(datetime.now(UTC))
            found = find_price_proposal(build(listed.id, "https://proxy.example.com/v1"))
            assert found is None or found.prices.input >= 0, (provider.id, listed.id, prices)


@pytest.fixture
def cloud(db: None) -> TutorModel:
    return TutorModel.objects.create(
        name="Cloud", model_name="gpt-4o-mini", base_url="https://api.openai.com/v1", input_price=1
    )


def test_an_admin_compares_and_takes_them_over(
    cloud: TutorModel, admin_person: Person, as_person: Callable[[Person], Client]
) -> None:
    client = as_person(admin_person)
    address = f"/admin/routing/tutormodel/{cloud.pk}/prices"
    page = client.get(address).content.decode()
    assert "$0.000001" in page
    assert "$0.15" in page
    cloud.refresh_from_db()
    assert cloud.input_price == 1
    assert client.post(address).status_code == 302
    cloud.refresh_from_db()
    assert (cloud.input_price, cloud.cached_input_price, cloud.output_price) == (150_000, 75_000, 600_000)
    assert "150000" in LogEntry.objects.get().change_message


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        ("no-such", "https://api.openai.com/v1", "knows no no-such"),
        ("tutor", "http://127.0.0.1:9/v1", "costs nothing a token"),
        ("gpt-4o-mini", "https://proxy.example.com/v1", "yours may differ"),
    ],
)
def test_it_says_plainly_what_it_does_not_know(
    cloud: TutorModel,
    name: str,
    url: str,
    said: str,
    admin_person: Person,
    as_person: Callable[[Person], Client],
) -> None:
    TutorModel.objects.filter(pk=cloud.pk).update(model_name=name, base_url=url)
    page = as_person(admin_person).get(f"/admin/routing/tutormodel/{cloud.pk}/prices").content.decode()
    assert said in " ".join(page.split())


def test_the_list_is_not_loaded_before_it_is_asked() -> None:
    import subprocess

    code = (
        "import os, sys; os.environ.update(KITCHEN_MODE='demo', SECRET_KEY='x', "
        "DJANGO_SETTINGS_MODULE='config.settings');"
        "import django; django.setup(); import routing.admin; print('genai_prices.data' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "False"
