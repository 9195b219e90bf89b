"""The second step with real TOTP codes, which admins must have."""

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Person
from mail.models import Email
from tests.accounts.conftest import is_signed_in

PERIOD = 30


def get_current_code(secret: str) -> str:
    """Return the current code. Waits if the next one is about to start."""
    left = PERIOD - time.time() % PERIOD
    if left < 3:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD))


def sign_in(client: Client, person: Person) -> str:
    reply = client.post("/sign-in", {"username": person.username, "password": "a-long-password"})
    return reply.headers["Location"]


def reauthenticate(client: Client) -> None:
    """Enter the password again, as pages ask before changing how a person signs in."""
    client.post("/account/reauthenticate/", {"password": "a-long-password"})


def enroll(client: Client) -> str:
    """Turn on app codes. Return the secret."""
    page = client.get("/account/second-step/totp/activate/")
    secret: str = page.context["form"].secret
    reply = client.post("/account/second-step/totp/activate/", {"code": get_current_code(secret)})
    assert reply.headers["Location"] == "/account/second-step/recovery-codes/"
    return secret


@pytest.fixture
def enrolled(client: Client, known: Person) -> tuple[Person, str]:
    sign_in(client, known)
    reauthenticate(client)
    return known, enroll(client)


class TestEnrolment:
    def test_asks_for_the_password_again(self, client: Client, known: Person) -> None:
        sign_in(client, known)
        reply = client.get("/account/second-step/totp/activate/")
        assert reply.headers["Location"].startswith("/account/reauthenticate/")

    def test_a_wrong_code_does_not_enable_it(self, client: Client, known: Person) -> None:
        sign_in(client, known)
        reauthenticate(client)
        client.get("/account/second-step/totp/activate/")
        reply = client.post("/account/second-step/totp/activate/", {"code": "000000"})
        assert "That code is wrong" in reply.content.decode()
        assert not Authenticator.objects.exists()

    def test_the_qr_code_is_inline(self, client: Client, known: Person) -> None:
        sign_in(client, known)
        reauthenticate(client)
        page = client.get("/account/second-step/totp/activate/").content.decode()
        assert "<svg" in page
        assert "data:" not in page
        assert "<?xml" not in page

    def test_sends_an_email_and_creates_ten_recovery_codes(
        self,
        client: Client,
        known: Person,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        sign_in(client, known)
        reauthenticate(client)
        with django_capture_on_commit_callbacks(execute=True):
            enroll(client)
        assert [mail.subject for mail in Email.objects.all()] == ["Authenticator app turned on"]
        page = client.get("/account/second-step/recovery-codes/")
        assert len(page.context["unused_codes"]) == 10
        assert page.context["unused_codes"][0] in page.content.decode()


class TestSigningIn:
    def test_asks_for_a_code_after_the_password(self, enrolled: tuple[Person, str]) -> None:
        person, secret = enrolled
        client = Client()
        assert sign_in(client, person) == "/account/second-step/authenticate/"
        assert not is_signed_in(client)
        assert client.get("/account/").status_code == 302
        client.post("/account/second-step/authenticate/", {"code": get_current_code(secret)})
        assert is_signed_in(client)

    def test_a_code_works_once(self, enrolled: tuple[Person, str]) -> None:
        person, secret = enrolled
        code = get_current_code(secret)
        clients = [Client(), Client()]
        for client in clients:
            sign_in(client, person)
            client.post("/account/second-step/authenticate/", {"code": code})
        assert [is_signed_in(client) for client in clients] == [True, False]

    def test_a_recovery_code_works_once(self, client: Client, enrolled: tuple[Person, str]) -> None:
        person, _secret = enrolled
        code = client.get("/account/second-step/recovery-codes/").context["unused_codes"][0]
        clients = [Client(), Client()]
        for fresh in clients:
            sign_in(fresh, person)
            fresh.post("/account/second-step/authenticate/", {"code": code})
        assert [is_signed_in(fresh) for fresh in clients] == [True, False]

    def test_guessing_codes_is_slowed_down(self, enrolled: tuple[Person, str]) -> None:
        person, secret = enrolled
        client = Client()
        sign_in(client, person)
        for _number in range(5):
            client.post("/account/second-step/authenticate/", {"code": "000000"})
        reply = client.post("/account/second-step/authenticate/", {"code": get_current_code(secret)})
        assert "Wait five minutes" in reply.content.decode()
        assert not is_signed_in(client)

    @pytest.mark.parametrize("code", ["", "\0", "１２３４５６", "9" * 5000, "-1", "<script>"])
    def test_an_invalid_code_is_refused(self, code: str, enrolled: tuple[Person, str]) -> None:
        person, _secret = enrolled
        client = Client()
        sign_in(client, person)
        assert client.post("/account/second-step/authenticate/", {"code": code}).status_code == 200
        assert not is_signed_in(client)

    @pytest.mark.parametrize(
        "credential", ["", "{}", "[]", "null", "1", '{"rawId": 1}', '{"id": "a", "rawId": "a"}', "x" * 2000]
    )
    def test_an_invalid_credential_is_refused(self, credential: str, client: Client, db: None) -> None:
        client.get("/account/second-step/webauthn/login/", headers={"Accept": "application/json"})
        reply = client.post("/account/second-step/webauthn/login/", {"credential": credential})
        assert reply.status_code == 302
        assert not is_signed_in(client)


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "null", "1", '{"rawId": 1}', '{"id": "a", "rawId": "a"}']
)
def test_an_invalid_credential_is_not_added(credential: str, client: Client, known: Person) -> None:
    sign_in(client, known)
    reauthenticate(client)
    place = "/account/second-step/webauthn/add/"
    client.get(place)
    reply = client.post(place, {"name": "x" * 5000, "credential": credential, "passwordless": "on"})
    assert reply.status_code == 200
    assert "error-summary" in reply.content.decode()
    assert not Authenticator.objects.exists()


class TestAnAdmin:
    @pytest.fixture
    def production(self, settings: Settings) -> None:
        settings.DEMO = False

    @pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/person/", "/admin/password_change/"])
    def test_cannot_open_admin_pages_without_a_second_step(
        self, path: str, production: None, as_person: Callable[[Person], Client], admin_person: Person
    ) -> None:
        client = as_person(admin_person)
        reply = client.get(path)
        assert reply.headers["Location"] == "/account/second-step/"
        assert "set up a second step for signing in" in client.get("/account/second-step/").content.decode()
        assert client.post(path, {"action": "delete_selected"}).status_code == 302

    def test_can_open_admin_pages_with_a_second_step(
        self, production: None, client: Client, admin_person: Person
    ) -> None:
        sign_in(client, admin_person)
        reauthenticate(client)
        enroll(client)
        assert client.get("/admin/").status_code == 200

    def test_recovery_codes_alone_are_not_a_second_step(
        self, production: None, as_person: Callable[[Person], Client], admin_person: Person
    ) -> None:
        Authenticator.objects.create(
            user=admin_person, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "", "used_mask": 0}
        )
        assert as_person(admin_person).get("/admin/").status_code == 302

    def test_is_only_reminded_in_a_demo(
        self, as_person: Callable[[Person], Client], admin_person: Person
    ) -> None:
        page = as_person(admin_person).get("/admin/")
        assert page.status_code == 200
        assert "This demo lets you in without one." in page.content.decode()
        account = as_person(admin_person).get("/account/").content.decode()
        assert "This demo doesn’t require it" in account

    def test_signs_in_on_the_one_page_that_counts_tries(self, client: Client, db: None) -> None:
        reply = client.get("/admin/login/?next=/admin/")
        assert reply.headers["Location"] == "/sign-in?next=%2Fadmin%2F"
        posted = client.post("/admin/login/", {"username": "ana", "password": "a-long-password"})
        assert posted.status_code == 302
        assert not is_signed_in(client)

    def test_others_cannot_open_admin_pages(
        self, production: None, as_person: Callable[[Person], Client], teen: Person
    ) -> None:
        assert as_person(teen).get("/admin/").status_code == 302
        assert as_person(teen).get("/admin/login/").status_code == 403

    def test_sees_no_secrets(
        self, as_person: Callable[[Person], Client], admin_person: Person, enrolled: tuple[Person, str]
    ) -> None:
        authenticator = Authenticator.objects.get(type=Authenticator.Type.TOTP)
        page = (
            as_person(admin_person)
            .get(f"/admin/mfa/authenticator/{authenticator.pk}/change/")
            .content.decode()
        )
        assert enrolled[1] not in page
        assert as_person(admin_person).get("/admin/usersessions/usersession/").status_code == 404


def test_a_passkey_can_only_be_changed_by_its_owner(
    as_person: Callable[[Person], Client], known: Person, stranger: Person
) -> None:
    key = Authenticator.objects.create(
        user=known, type=Authenticator.Type.WEBAUTHN, data={"name": f"secret {uuid4()}", "credential": {}}
    )
    client = Client()
    sign_in(client, stranger)
    reauthenticate(client)
    for page in ("remove", "edit"):
        place = f"/account/second-step/webauthn/keys/{key.pk}/{page}/"
        assert client.get(place).status_code == 404
        assert client.post(place, {"name": "mine"}).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()
