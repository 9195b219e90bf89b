"""Resetting a password by email, changing it, and the breach check."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from accounts.passwords import LeakedPasswordValidator
from mail.models import Email
from tests.accounts.conftest import is_signed_in

LEAKED = "tr0ub4dor-and-three"
DIGEST = hashlib.sha1(LEAKED.encode(), usedforsecurity=False).hexdigest().upper()


class Range(BaseHTTPRequestHandler):
    """A fake of the range API: suffixes of all hashes with a prefix, with padding."""

    asked: list[str]
    padded: list[str | None]
    reply: bytes
    delay: float
    status: int
    location: str

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.padded.append(self.headers["Add-Padding"])
        time.sleep(self.delay)
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Length", str(len(self.reply)))
        self.end_headers()
        self.wfile.write(self.reply)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def range_api(settings: Settings) -> Iterator[type[Range]]:
    reply = f"{DIGEST[5:]}:37\r\n{'A' * 35}:0\r\n{'B' * 35}:2".encode()
    given = {"asked": [], "padded": [], "reply": reply, "delay": 0.0, "status": 200, "location": ""}
    handler = type("OneRange", (Range,), given)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.PWNED_PASSWORDS_URL = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()


class TestALeakedPassword:
    def test_is_refused_and_only_five_characters_of_its_hash_are_sent(self, range_api: type[Range]) -> None:
        with pytest.raises(ValidationError):
            LeakedPasswordValidator().validate(LEAKED)
        assert range_api.asked == [f"/range/{DIGEST[:5]}"]
        assert range_api.padded == ["true"]

    def test_an_unknown_password_passes(self, range_api: type[Range]) -> None:
        LeakedPasswordValidator().validate("three-words-in-a-row")
        assert len(range_api.asked) == 1

    def test_padding_does_not_count_as_a_leak(self, range_api: type[Range]) -> None:
        range_api.reply = f"{DIGEST[5:]}:0".encode()
        LeakedPasswordValidator().validate(LEAKED)

    def test_is_refused_on_the_page(self, range_api: type[Range], client: Client, db: None) -> None:
        given = {"display_name": "Kim", "email": "kim@example.org", "password1": LEAKED}
        assert "data breach" in client.post("/sign-up", given).content.decode()
        assert not Person.objects.exists()


@pytest.mark.parametrize(
    "trouble", [{"status": 503}, {"delay": 1.5}, {"reply": b"<html>\xff"}, {"reply": b"no colon"}]
)
def test_an_error_of_the_service_lets_the_password_pass_and_is_logged(
    trouble: dict[str, object], range_api: type[Range], caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in trouble.items():
        setattr(range_api, name, value)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="accounts.passwords"):
        LeakedPasswordValidator().validate(LEAKED)
    assert time.monotonic() - began < 1.4
    assert "passed unchecked" in caplog.text
    assert LEAKED not in caplog.text


def test_a_redirect_is_not_followed_to_another_host(range_api: type[Range]) -> None:
    range_api.status, range_api.location = 302, "/elsewhere"
    LeakedPasswordValidator().validate(LEAKED)
    assert range_api.asked == [f"/range/{DIGEST[:5]}"]


def test_an_unreachable_service_lets_the_password_pass(settings: Settings) -> None:
    settings.PWNED_PASSWORDS_URL = "http://127.0.0.1:9"
    LeakedPasswordValidator().validate(LEAKED)


def test_the_demo_sends_no_breach_check(settings: Settings) -> None:
    assert settings.PWNED_PASSWORDS_URL == ""
    LeakedPasswordValidator().validate(LEAKED)


class TestAForgottenPassword:
    def test_is_replaced_through_the_emailed_link(
        self, client: Client, known: Person, link_in: Callable[[Email], str]
    ) -> None:
        client.post("/account/password/reset/", {"email": "kim@example.org"})
        page = client.get(link_in(Email.objects.get()), follow=True)
        place = page.redirect_chain[-1][0]
        new = {"password1": "four-words-in-a-row", "password2": "four-words-in-a-row"}
        assert client.post(place, new).status_code == 302
        assert not is_signed_in(client)
        client.post("/sign-in", {"username": "kim@example.org", "password": "four-words-in-a-row"})
        assert is_signed_in(client)
        assert Email.objects.filter(to="kim@example.org", subject="Your password was changed").exists()

    def test_a_link_works_once(self, client: Client, known: Person, link_in: Callable[[Email], str]) -> None:
        client.post("/account/password/reset/", {"email": "kim@example.org"})
        link = link_in(Email.objects.get())
        place = client.get(link, follow=True).redirect_chain[-1][0]
        client.post(place, {"password1": "four-words-in-a-row", "password2": "four-words-in-a-row"})
        assert "was already used" in Client().get(link, follow=True).content.decode()

    def test_the_answer_does_not_tell_whether_an_address_is_known(self, known: Person) -> None:
        asked = [Client(), Client()]
        pages = [
            client.post("/account/password/reset/", {"email": email}, follow=True).content
            for client, email in zip(asked, ("kim@example.org", "nobody@example.org"), strict=True)
        ]
        assert pages[0] == pages[1]
        assert "no account uses it" in Email.objects.get(to="nobody@example.org").text

    def test_asking_twice_sends_one_email(self, client: Client, known: Person) -> None:
        codes = [
            client.post("/account/password/reset/", {"email": "kim@example.org"}).status_code
            for _number in range(7)
        ]
        assert codes[0] == 302
        assert codes[-1] == 429
        assert Email.objects.count() <= 5


def test_changing_a_password_needs_the_old_one_and_sends_an_email(client: Client, known: Person) -> None:
    client.post("/sign-in", {"username": "kim@example.org", "password": "a-long-password"})
    new = {"password1": "four-words-in-a-row", "password2": "four-words-in-a-row"}
    wrong = client.post("/account/password/change/", new | {"oldpassword": "wrong"})
    assert "That password is wrong." in wrong.content.decode()
    client.post("/account/password/change/", new | {"oldpassword": "a-long-password"})
    assert is_signed_in(client)
    known.refresh_from_db()
    assert known.check_password("four-words-in-a-row")
    email = Email.objects.get()
    assert email.subject == "Your password was changed"
    assert "127.0.0.1" not in email.text


def test_a_new_address_takes_effect_once_it_is_confirmed(
    client: Client, known: Person, link_in: Callable[[Email], str]
) -> None:
    client.post("/sign-in", {"username": "kim@example.org", "password": "a-long-password"})
    client.post("/account/email/", {"email": "new@example.org", "action_add": ""})
    known.refresh_from_db()
    assert known.email == "kim@example.org"
    client.post(link_in(Email.objects.get(to="new@example.org")))
    known.refresh_from_db()
    assert known.email == "new@example.org"
    assert Email.objects.filter(to="kim@example.org", subject="Your email address was changed").exists()
