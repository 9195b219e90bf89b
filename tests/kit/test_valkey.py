"""The shared cache: in the real Valkey beside the broker, and in this process while Valkey is down."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as site
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from kit import rate_limits
from kit.valkey import FallbackCache, JSONSerializer


@pytest.fixture
def away(settings: Settings) -> Iterator[None]:
    gone = "redis://127.0.0.1:9/0"
    settings.VALKEY_URL = gone
    settings.CACHES = {"default": site.CACHES["default"] | {"LOCATION": gone}}
    rate_limits._shared_counters.cache_clear()
    yield
    rate_limits._shared_counters.cache_clear()


def test_the_cache_keeps_plain_values() -> None:
    cache.set("a-list", [1.5, 2], 60)
    assert cache.get("a-list") == [1.5, 2]
    assert cache.add("a-list", 1) is False
    assert cache.delete("a-list")
    assert cache.get("a-list", "none") == "none"


def test_the_cache_does_not_unpickle_stored_values() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        JSONSerializer().loads(b"\x80\x05N.")


def test_clearing_the_cache_leaves_the_broker_alone() -> None:
    client = redis.Redis.from_url(site.VALKEY_URL)
    client.set("another prefix", b"1", ex=60)
    cache.set("ours", 1)
    cache.clear()
    assert cache.get("ours") is None
    assert client.get("another prefix") == b"1"


def test_rate_limits_count_in_this_process_while_valkey_is_down(away: None) -> None:
    steady = FallbackCache("redis://127.0.0.1:9/0", site.CACHES["default"])
    assert steady.add("one", 1, 60)
    assert not steady.add("one", 1, 60)
    steady.set("two", [1])
    assert steady.get("two") == [1]
    assert steady.delete("one")
    assert steady.delete("two")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/account/password/reset/"])
def test_the_sign_in_pages_work_while_valkey_is_down(path: str, away: None, client: Client, db: None) -> None:
    assert client.get(path).status_code == 200
    assert client.post(path, {"email": "not an address"}).status_code == 200


def test_people_can_sign_in_while_valkey_is_unavailable(away: None, client: Client, teen: Person) -> None:
    client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
    assert client.get("/account/").status_code == 200
