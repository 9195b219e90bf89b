"""People can see and end their own sessions only."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts.models import Person, Session
from accounts.sessions import SEEN_AT_KEY, format_browser, parse_browser
from accounts.tasks import delete_expired_sessions
from tests.accounts.conftest import is_signed_in

FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


def signed_in(person: Person, browser: str) -> Client:
    client = Client(headers={"User-Agent": browser})
    client.post("/sign-in", {"username": person.username, "password": "a-long-password"})
    assert is_signed_in(client)
    return client


def test_each_browser_has_a_plain_name(teen: Person) -> None:
    signed_in(teen, SAFARI)
    page = signed_in(teen, FIREFOX).get("/account/sessions/").content.decode()
    assert "Firefox on Android" in page
    assert "Safari on iPhone" in page
    assert "This browser, now" in page


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Android"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        (f"{SAFARI} OPT/6.0", "Opera on iPhone"),
        ("curl/8", "Unknown browser"),
        ("", "Unknown browser"),
        ("<script>Linux", "Linux"),
    ],
)
def test_only_browser_and_platform_are_stored(user_agent: str, words: str) -> None:
    kept = parse_browser(user_agent)
    assert format_browser(kept) == words
    assert parse_browser(kept) == kept


def test_no_ip_address_is_stored(teen: Person) -> None:
    signed_in(teen, FIREFOX)
    row = UserSession.objects.get()
    assert (row.ip, row.user_agent) == ("0.0.0.0", "Firefox/Android")  # noqa: S104


def test_one_session_can_be_ended(teen: Person) -> None:
    lost, kept = signed_in(teen, SAFARI), signed_in(teen, FIREFOX)
    row = UserSession.objects.get(session_key=lost.session.session_key)
    assert kept.post(f"/account/sessions/{row.pk}/end").status_code == 302
    assert lost.get("/account/").status_code == 302
    assert kept.get("/account/").status_code == 200


def test_all_others_can_be_ended_at_once(teen: Person) -> None:
    clients = [signed_in(teen, SAFARI), signed_in(teen, EDGE), signed_in(teen, FIREFOX)]
    clients[-1].post("/account/sessions/others/end")
    assert [client.get("/account/").status_code for client in clients] == [302, 302, 200]


def test_other_peoples_sessions_can_not_be_seen_or_ended(teen: Person, stranger: Person) -> None:
    own, other = signed_in(teen, SAFARI), signed_in(stranger, FIREFOX)
    row = UserSession.objects.get(user=teen)
    assert "iPhone" not in other.get("/account/sessions/").content.decode()
    assert other.post(f"/account/sessions/{row.pk}/end").status_code == 404
    other.post("/account/sessions/others/end")
    assert own.get("/account/").status_code == 200


def test_the_pages_ask_for_sign_in_and_ending_needs_a_form(client: Client, teen: Person) -> None:
    assert client.get("/account/sessions/").headers["Location"].startswith("/sign-in")
    assert client.post("/account/sessions/1/end").headers["Location"].startswith("/sign-in")
    assert signed_in(teen, FIREFOX).get("/account/sessions/others/end").status_code == 405


def test_last_seen_is_updated_at_intervals(teen: Person) -> None:
    client = signed_in(teen, FIREFOX)
    long_ago = timezone.now() - timedelta(hours=1)
    UserSession.objects.update(last_seen_at=long_ago)
    client.get("/account/")
    assert UserSession.objects.get().last_seen_at == long_ago
    session = client.session
    session[SEEN_AT_KEY] = int(long_ago.timestamp())
    session.save()
    client.get("/account/")
    assert UserSession.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)


def test_the_record_is_deleted_with_the_session(teen: Person) -> None:
    signed_in(teen, FIREFOX)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    delete_expired_sessions()
    assert not UserSession.objects.exists()
