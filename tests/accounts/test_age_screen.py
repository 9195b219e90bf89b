"""Everyone who creates an account is asked for the birth month, and a browser's first answer counts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.age_screen import ANSWERED_AT_KEY, TOO_YOUNG_KEY
from accounts.confirmations import get_mailbox_confirmed_at
from accounts.models import Person, Role
from mail.models import Email
from tests.accounts.conftest import is_signed_in

TEEN, ADULT_PAGE = "/sign-up/teen", "/sign-up"
ACCOUNT = {"username": "lou", "display_name": "Lou", "password": "three-words-in-a-row"}
GIVEN = {"display_name": "Kim", "email": "kim@example.org", "password1": "three-words-in-a-row"}

pytestmark = pytest.mark.django_db


def born(years_ago: int) -> dict[str, str]:
    today = timezone.localdate()
    return {"month": str(today.month), "year": str(today.year - years_ago)}


class TestTheFirstAnswer:
    def test_stands_when_the_teen_goes_back(self, client: Client) -> None:
        client.post(TEEN, born(14))
        assert 'name="username"' in client.get(TEEN).content.decode()
        client.post(TEEN, born(17))
        client.post(TEEN, ACCOUNT)
        person = Person.objects.get()
        assert person.born
        assert person.born.year == timezone.localdate().year - 14

    def test_is_shown_with_a_contact_for_corrections(self, client: Client) -> None:
        page = client.post(TEEN, {"month": "5", "year": str(timezone.localdate().year - 15)}).content.decode()
        assert f"May {timezone.localdate().year - 15}" in page
        assert "write to us" in page

    @pytest.mark.parametrize("years", [10, 15])
    def test_of_a_minor_blocks_adult_sign_up_in_that_browser(self, years: int, client: Client) -> None:
        client.post(TEEN, born(years))
        assert client.get(ADULT_PAGE)["Location"] == TEEN
        assert client.post(ADULT_PAGE, GIVEN | born(40))["Location"] == TEEN
        assert not Person.objects.exists()

    def test_stands_for_a_day_as_a_family_may_share_the_device(self, client: Client) -> None:
        client.post(TEEN, born(15))
        session = client.session
        session[ANSWERED_AT_KEY] -= int(timedelta(days=1, minutes=1).total_seconds())
        session.save()
        assert client.get(ADULT_PAGE).status_code == 200

    def test_does_not_apply_to_a_sibling_once_the_account_exists(self, client: Client) -> None:
        client.post(TEEN, born(15))
        client.post(TEEN, ACCOUNT)
        client.post("/sign-out")
        assert 'name="year"' in client.get(TEEN).content.decode()


class TestTheAdultSignUpPage:
    @pytest.mark.parametrize(
        ("years", "words"), [(10, "You can’t have an account yet"), (15, 'name="username"')]
    )
    def test_a_minor_is_sent_to_the_teen_page_and_no_account_is_created(
        self, years: int, words: str, client: Client
    ) -> None:
        reply = client.post(ADULT_PAGE, GIVEN | born(years), follow=True)
        assert reply.redirect_chain == [(TEEN, 302)]
        assert words in reply.content.decode()
        assert not Person.objects.exists()
        assert not Email.objects.exists()

    def test_a_form_with_other_errors_counts_as_an_answer(self, client: Client) -> None:
        client.post(ADULT_PAGE, born(10))
        assert dict(client.session) == {TOO_YOUNG_KEY: True}

    def test_an_answer_is_needed(self, client: Client) -> None:
        assert "Choose the month" in client.post(ADULT_PAGE, GIVEN).content.decode()
        assert not Person.objects.exists()

    def test_an_adults_birth_month_is_not_stored(self, client: Client) -> None:
        client.post(ADULT_PAGE, GIVEN | born(40))
        person = Person.objects.get()
        assert (person.role, person.born) == (Role.PARENT, None)
        assert not {"sign_up_born", TOO_YOUNG_KEY} & set(client.session.keys())

    def test_the_next_address_is_kept(self, client: Client) -> None:
        onward = {"next": "/family/join/abc"}
        assert (
            client.post(ADULT_PAGE, GIVEN | born(15) | onward)["Location"]
            == f"{TEEN}?next=%2Ffamily%2Fjoin%2Fabc"
        )


class TestARefusal:
    def test_survives_sign_in_and_sign_out(self, client: Client, teen: Person) -> None:
        client.post(TEEN, born(10))
        client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
        assert is_signed_in(client)
        client.post("/sign-out")
        assert not is_signed_in(client)
        assert "You can’t have an account yet" in client.post(TEEN, born(15)).content.decode()

    def test_survives_the_deletion_of_an_account(self, client: Client, teen: Person) -> None:
        client.post(TEEN, born(10))
        client.force_login(teen)
        client.post("/account/data/erase", {"proof": "a-long-password"})
        assert not Person.objects.exists()
        assert "You can’t have an account yet" in client.get(TEEN).content.decode()


class TestAMailbox:
    def test_is_as_old_as_its_confirmation(self, client: Client, link_in: Callable[[Email], str]) -> None:
        client.post(ADULT_PAGE, GIVEN | born(40))
        person = Person.objects.get()
        assert get_mailbox_confirmed_at(person) is None
        client.post(link_in(Email.objects.get()))
        first = get_mailbox_confirmed_at(person)
        assert first
        assert timezone.now() - first < timedelta(minutes=1)

    def test_starts_anew_after_a_change_of_address(
        self, client: Client, known: Person, link_in: Callable[[Email], str]
    ) -> None:
        client.force_login(known)
        client.post("/account/reauthenticate/", {"password": "a-long-password"})
        client.post("/account/email/", {"action_add": "", "email": "new@example.org"})
        assert get_mailbox_confirmed_at(known) is None  # created in the test, without an email
        client.post(link_in(Email.objects.get(to="new@example.org")))
        assert [address.email for address in EmailAddress.objects.filter(user=known)] == ["new@example.org"]
        assert get_mailbox_confirmed_at(known)
        assert Email.objects.filter(to="kim@example.org").exists()
