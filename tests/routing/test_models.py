"""Models as rows: what an admin may enter, and the row of the settings' model."""

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from routing.models import TutorModel, is_host_allowed
from routing.registry import create_settings_model, find_model, list_models, list_outside_hosts


@pytest.fixture
def hosts(settings: Settings) -> None:
    settings.TUTOR_HOSTS = ["api.example.com", "10.0.0.5:8080", "models.example.com:8443"]
    settings.TUTOR_BASE_URL = "http://127.0.0.1:9000/v1"


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("https://api.example.com/v1", True),
        ("https://API.example.com/v1", True),
        ("https://api.example.com:443/v1", True),
        ("https://api.example.com:8443/v1", False),
        ("https://api.example.com.evil.test/v1", False),
        ("https://evil.test/api.example.com", False),
        ("https://api.example.com@evil.test/v1", False),
        ("https://sub.api.example.com/v1", False),
        ("http://10.0.0.5:8080/v1", True),
        ("http://10.0.0.5/v1", False),
        ("https://models.example.com:8443/v1", True),
        ("https://models.example.com/v1", False),
        ("http://127.0.0.1:9000/other", True),
        ("http://127.0.0.1:5432/v1", False),
        ("http://127.0.0.1:99999/v1", False),
        ("file:///etc/passwd", False),
        ("gopher://api.example.com/", False),
        ("", False),
        ("//api.example.com", False),
    ],
)
def test_only_hosts_of_the_environment_are_allowed(address: str, is_allowed: bool) -> None:
    assert is_host_allowed(address) is is_allowed


def enter(**fields: object) -> TutorModel:
    model = TutorModel(
        **{"name": "Cloud", "base_url": "https://api.example.com/v1", "model_name": "large"} | fields
    )
    model.full_clean()
    return model


@pytest.mark.usefixtures("hosts", "db")
class TestWhatAnAdminMayEnter:
    def test_a_model_on_an_allowed_host(self) -> None:
        assert not enter().is_local
        assert enter(base_url="http://10.0.0.5:8080/v1").is_local

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"base_url": "https://evil.test/v1"}, "isn’t allowed"),
            ({"base_url": "http://api.example.com/v1"}, "needs https"),
            ({"base_url": "https://who:secret@api.example.com/v1"}, "Leave out user names"),
            ({"base_url": "https://api.example.com/v1?key=1"}, "Leave out user names"),
            ({"key_variable": "SECRET_KEY"}, "begins with TUTOR_KEY_"),
            ({"key_variable": "TUTOR_KEY_NONE"}, "begins with TUTOR_KEY_"),
            ({"extra_fields": {"model": "other"}}, "sets these fields itself"),
            ({"extra_fields": ["x"]}, "JSON object"),
            ({"context_tokens": 1024, "answer_tokens": 600}, "half of the context"),
            ({"max_answers": 0}, "1"),
        ],
    )
    def test_and_nothing_else(self, fields: dict[str, object], error: str) -> None:
        with pytest.raises(ValidationError, match=error):
            enter(**fields)

    def test_a_key_is_named_and_never_shown(self, settings: Settings) -> None:
        settings.TUTOR_KEYS = {"TUTOR_KEY_CLOUD": "sk-very-secret"}
        model = enter(key_variable="TUTOR_KEY_CLOUD")
        assert model.endpoint.api_key == "sk-very-secret"
        assert "sk-very-secret" not in repr(model.endpoint) + repr(vars(model))


@pytest.mark.django_db
class TestTheModelOfTheSettings:
    def test_follows_the_settings(self, settings: Settings) -> None:
        settings.TUTOR_MODEL, settings.TUTOR_CONTEXT_TOKENS, settings.TUTOR_INPUT_PRICE = "new", 5000, 0.15
        [model] = list_models()
        assert (model.model_name, model.context_tokens, model.input_price) == ("new", 5000, 150_000)
        assert model.cached_input_price == 150_000
        settings.TUTOR_MODEL, settings.TUTOR_CACHED_INPUT_PRICE = "newer", 0.05
        [model] = list_models()
        assert (model.model_name, model.cached_input_price) == ("newer", 50_000)

    def test_is_made_again_if_its_row_is_gone(self) -> None:
        TutorModel.objects.all().delete()
        [model] = list_models()
        assert model.is_from_settings
        assert create_settings_model() == model


@pytest.mark.django_db
class TestWhichModelsAreUsable:
    def test_one_that_is_not_in_use_or_not_allowed_any_more_is_left_out(self, settings: Settings) -> None:
        settings.TUTOR_HOSTS, settings.TUTOR_KEYS = ["api.example.com"], {"TUTOR_KEY_A": "x"}
        cloud = TutorModel.objects.create(
            name="Cloud", base_url="https://api.example.com/v1", model_name="a", key_variable="TUTOR_KEY_A"
        )
        assert find_model(cloud.pk) == cloud
        assert list_outside_hosts() == ["api.example.com"]
        settings.TUTOR_KEYS = {}
        assert find_model(cloud.pk) is None
        settings.TUTOR_KEYS = {"TUTOR_KEY_A": "x"}
        settings.TUTOR_HOSTS = []
        assert find_model(cloud.pk) is None
        settings.TUTOR_HOSTS = ["api.example.com"]
        cloud.is_enabled = False
        cloud.save()
        assert find_model(cloud.pk) is None

    def test_they_come_in_the_order_of_the_admin_with_local_ones_last(self, settings: Settings) -> None:
        settings.TUTOR_HOSTS = ["api.example.com", "10.0.0.5"]
        own = create_settings_model()
        local = TutorModel.objects.create(name="L", base_url="http://10.0.0.5/v1", model_name="l", position=5)
        cloud = TutorModel.objects.create(
            name="C", base_url="https://api.example.com/v1", model_name="c", position=5
        )
        assert list_models() == [cloud, local, own]
