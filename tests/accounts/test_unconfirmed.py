"""One address creates one account, and an unconfirmed account is deleted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib.auth import hashers
from django.core.cache import cache
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.confirmations import UNCONFIRMED_RETENTION, delete_unconfirmed_accounts
from accounts.models import Person, Role
from mail.models import Email
from tests.accounts.conftest import is_signed_in
from tests.budgets.rush import at_once
from tests.conftest import ADULT_BIRTH

GIVEN = {
    "display_name": "Kim",
    "email": "kim@example.org",
    "password1": "three-words-in-a-row",
    **ADULT_BIRTH,
}
LATER = timedelta(days=8)


def sign_up(**changed: str) -> tuple[int, str]:
    reply = Client().post("/sign-up", GIVEN | changed)
    return reply.status_code, reply.headers["Location"]


def minutes_go_by() -> None:
    """Skip the three minutes in which the same email is not sent twice."""
    cache.clear()
    Email.objects.all().delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("passwords", [[GIVEN["password1"]] * 5, [f"words-in-row-{n}" for n in range(5)]])
def test_five_simultaneous_sign_ups_create_one_account_and_get_one_answer(passwords: list[str]) -> None:
    addresses = [
        "kim@example.org",
        "Kim@example.org",
        "KIM@EXAMPLE.ORG",
        "kim@Example.org",
        "kim@example.org",
    ]
    works = [
        lambda email=email, password=password: sign_up(email=email, password1=password)
        for email, password in zip(addresses, passwords, strict=True)
    ]
    assert set(at_once(works)) == {(302, "/account/confirm-email/")}
    assert Person.objects.count() == EmailAddress.objects.count() == 1
    assert Person.objects.get().unconfirmed_since


@pytest.mark.django_db
class TestSigningUpAgain:
    def test_with_the_same_password_sends_the_link_again_and_signs_in(
        self, client: Client, link_in: Callable[[Email], str]
    ) -> None:
        sign_up()
        minutes_go_by()
        client.post("/sign-up", GIVEN)
        assert Person.objects.count() == 1
        client.post(link_in(Email.objects.get()))
        assert is_signed_in(client)

    def test_with_another_password_changes_nothing_and_explains_how_to_reset_it(self) -> None:
        sign_up()
        minutes_go_by()
        before = Person.objects.get().password
        assert sign_up(password1="other-words-in-a-row", display_name="Mallory") == (
            302,
            "/account/confirm-email/",
        )
        person = Person.objects.get()
        assert (person.password, person.display_name) == (before, "Kim")
        assert "You already have one" in Email.objects.get().text

    def test_hashes_one_password_whether_the_address_is_known_or_not(
        self, known: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed: list[str] = []
        hasher: Any = type(hashers.get_hasher())

        def count(name: str) -> None:
            real = getattr(hasher, name)

            def counted(self: Any, password: str, *more: Any, **named: Any) -> Any:
                hashed.append(password)
                return real(self, password, *more, **named)

            monkeypatch.setattr(hasher, name, counted)

        count("encode")
        count("verify")
        counts = []
        for email in ("new@example.org", "new@example.org", known.email):
            hashed.clear()
            sign_up(email=email)
            counts.append(len(hashed))
        assert counts == [1, 1, 1]


@pytest.mark.django_db
def test_spellings_of_an_address_belong_to_one_account() -> None:
    Person.objects.create(username="a", role=Role.PARENT, email="kim@example.org")
    with pytest.raises(IntegrityError):
        Person.objects.create(username="b", role=Role.PARENT, email="Kim@Example.org")


@pytest.mark.django_db
class TestDeletingUnconfirmedAccounts:
    def test_deletes_the_account_and_its_address_without_an_email(
        self, client: Client, link_in: Callable[[Email], str]
    ) -> None:
        client.post("/sign-up", GIVEN)
        page = link_in(Email.objects.get())
        assert delete_unconfirmed_accounts(now=timezone.now() + LATER) == 1
        assert not Person.objects.exists()
        assert not EmailAddress.objects.exists()
        assert "expired" in client.get(page).content.decode()
        assert client.get("/account/confirm-email/").status_code == 200
        assert sign_up() == (302, "/account/confirm-email/")

    def test_keeps_confirmed_accounts(self, client: Client, link_in: Callable[[Email], str]) -> None:
        client.post("/sign-up", GIVEN)
        Client().post(link_in(Email.objects.get()))
        person = Person.objects.get()
        assert person.unconfirmed_since is None
        assert person.last_login is None
        assert delete_unconfirmed_accounts(now=timezone.now() + LATER) == 0

    def test_keeps_accounts_made_by_admins_and_teens(self, teen: Person) -> None:
        person = Person.objects.create_user("lou", role=Role.PARENT, email="lou@example.org")
        EmailAddress.objects.create(user=person, email=person.email)
        assert delete_unconfirmed_accounts(now=timezone.now() + LATER) == 0

    def test_waits_for_the_retention_period(self) -> None:
        sign_up()
        since = Person.objects.get().unconfirmed_since
        assert since
        assert delete_unconfirmed_accounts(now=since + UNCONFIRMED_RETENTION) == 0
        assert delete_unconfirmed_accounts(now=since + UNCONFIRMED_RETENTION + timedelta(seconds=1)) == 1


@pytest.mark.django_db
def test_confirming_an_address_deletes_other_unconfirmed_accounts_with_it(
    known: Person, client: Client
) -> None:
    client.force_login(known)
    sign_up(email="new@example.org")
    address = EmailAddress.objects.create(user=known, email="new@example.org")
    client.post(f"/account/confirm-email/{EmailConfirmationHMAC.create(address).key}/")
    known.refresh_from_db()
    assert known.email == "new@example.org"
    assert Person.objects.filter(email="new@example.org").count() == 1
