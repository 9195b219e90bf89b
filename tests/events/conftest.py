"""Events and sign-ups for the tests, with fresh rate limits."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.models import Event, SignUp
from events.services import create_sign_up
from events.spots import confirm_sign_up
from kit import rate_limits

LOS_ANGELES = "America/Los_Angeles"
MakeEvent = Callable[..., Event]


@pytest.fixture
def no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send no nudges: another test's worker would still read while the tables are being emptied."""
    monkeypatch.setattr("mail.nudge.send", lambda _mail_id: None)


@pytest.fixture(autouse=True)
def _fresh_counts(db: None) -> Iterator[None]:
    """Reset the rate limits for every test."""
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def make_event(db: None) -> MakeEvent:
    def make(slug: str = "one-evening", **fields: object) -> Event:
        values: dict[str, object] = {
            "title": "One evening",
            "summary": "An hour about AI.",
            "description": "First this.\n\nThen that.",
            "starts_at": timezone.now().replace(microsecond=0) + timedelta(days=20),
            "time_zone": LOS_ANGELES,
            "minutes": 60,
            "is_published": True,
        }
        return Event.objects.create(slug=slug, **(values | fields))

    return make


@pytest.fixture
def event(make_event: MakeEvent) -> Event:
    """An upcoming one-hour event in Los Angeles."""
    return make_event()


@pytest.fixture
def past(make_event: MakeEvent) -> Event:
    """A past event of unknown length."""
    starts_at = datetime(2024, 7, 1, 19, tzinfo=UTC)
    return make_event("long-ago", title="Long ago", starts_at=starts_at, minutes=None)


@pytest.fixture
def draft(make_event: MakeEvent) -> Event:
    return make_event("a-draft", title="A draft", is_published=False)


def sign_up_and_confirm(
    event: Event, name: str = "Kim", *, now: datetime | None = None, **fields: Any
) -> SignUp:
    """Create a sign-up and confirm it: it gets a spot, or goes on the waitlist."""
    sign_up = create_sign_up(
        event=event, name=name, now=now, **{"email": f"{name.lower()}@example.org"} | fields
    )
    return confirm_sign_up(sign_up=sign_up, now=now)


@pytest.fixture
def unconfirmed(event: Event) -> SignUp:
    """A sign-up that is not confirmed."""
    return create_sign_up(event=event, name="Kim", email="kim@example.org")


@pytest.fixture
def sign_up(event: Event) -> SignUp:
    """A sign-up with a spot."""
    return sign_up_and_confirm(event)
