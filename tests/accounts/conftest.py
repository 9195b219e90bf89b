"""Fixtures for tests of accounts: fresh rate limits, and an account with a confirmed address."""

import re
from collections.abc import Callable, Iterator

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from accounts.models import Person, Role
from kit import rate_limits
from mail.models import Email


@pytest.fixture(autouse=True)
def _fresh_counts(db: None) -> Iterator[None]:
    """Every test starts with empty counters."""
    cache.clear()
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def known(make_person: Callable[..., Person]) -> Person:
    """A parent with a confirmed address."""
    person = make_person("person-known", Role.PARENT, email="kim@example.org", display_name="Kim")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@pytest.fixture
def link_in() -> Callable[[Email], str]:
    """The path of the link in an email."""

    def linked(mail: Email) -> str:
        match = re.search(rf"{settings.SITE_URL}(/\S+)", mail.text)
        assert match, mail.text
        return match[1]

    return linked


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session
