"""Spellings of an email address count as one address. Every form refuses an invalid one with an explanation."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Person, Role
from events.models import Event, Series
from families.links import create_invitation
from families.selectors import list_invitations_to
from families.views.joining import invitations_per_address_limit
from kit.email_addresses import canonicalize_email, format_email, get_mailbox_key
from kit.rate_limits import RateLimited
from mail.models import Email
from tests.conftest import ADULT_BIRTH
from tests.events.conftest import MakeEvent, make_event, sign_up_and_confirm  # noqa: F401 - a fixture

AsPerson = Callable[[Person], Client]
BROKEN = [
    '"a\x01b"@example.org',
    '"a\x0bb"@example.org',
    "kim\x00@example.org",
    "kim\x7f@example.org",
    "k" * 300 + "@e.org",
]


@pytest.mark.parametrize(
    "typed",
    [
        "Kim@bücher.de",
        " Kim@BÜCHER.DE\u3000",
        "Kim@xn--bcher-kva.de",
        "Ｋｉｍ＠ｂü\u0063ｈｅｒ．ｄｅ",
        "\u200eKim@bu\u0308cher.de.",
    ],
)
def test_an_address_is_canonicalized(typed: str) -> None:
    assert canonicalize_email(typed) == "Kim@xn--bcher-kva.de"
    assert format_email(canonicalize_email(typed)) == "Kim@bücher.de"


def test_tagged_addresses_count_as_one_mailbox() -> None:
    assert get_mailbox_key("Kim.Lee+prize7@GMail.com") == get_mailbox_key("kimlee@gmail.com")
    assert get_mailbox_key("kim.lee@example.org") != get_mailbox_key("kimlee@example.org")


@pytest.mark.parametrize("email", BROKEN)
class TestAnInvalidAddress:
    @pytest.fixture(autouse=True)
    def _event(self, make_event: MakeEvent) -> Event:  # noqa: F811
        return make_event()

    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("/sign-up", {"display_name": "Kim", "password1": "a-long-password-1", **ADULT_BIRTH}),
            ("/account/password/reset/", {}),
            ("/events/one-evening/sign-up", {"name": "Kim"}),
        ],
    )
    def test_is_refused_to_a_visitor(
        self, client: Client, path: str, form: dict[str, str], email: str
    ) -> None:
        reply = client.post(path, form | {"email": email})
        assert reply.status_code in {200, 422}
        assert "ype an email address" in reply.content.decode()
        assert not Email.objects.exists()

    @pytest.mark.parametrize("path", ["/account/email/", "/family/invite"])
    def test_is_refused_to_a_person(self, as_person: AsPerson, parent: Person, path: str, email: str) -> None:
        reply = as_person(parent).post(path, {"email": email, "action_add": "yes"})
        assert reply.status_code in {200, 422}
        assert "ype an email address" in reply.content.decode()
        assert not Email.objects.exists()

    def test_does_not_sign_in(self, client: Client, email: str) -> None:
        reply = client.post("/sign-in", {"username": email, "password": "a-long-password-1"})
        assert reply.status_code in {200, 422}


class TestAnAccount:
    SIGN_UP = {"display_name": "Kim", "password1": "a-long-password-1", **ADULT_BIRTH}

    def test_has_an_address_once(self, client: Client, db: None) -> None:
        client.post("/sign-up", self.SIGN_UP | {"email": "kim@BÜCHER.de"})
        assert EmailAddress.objects.get().email == "kim@xn--bcher-kva.de"
        EmailAddress.objects.update(verified=True)
        Client().post("/sign-up", self.SIGN_UP | {"email": "kim@xn--bcher-kva.de"})
        assert Person.objects.count() == 1
        assert EmailAddress.objects.count() == 1

    def test_accepts_any_spelling_of_its_address_for_sign_in_and_reset(
        self, client: Client, db: None
    ) -> None:
        client.post("/sign-up", self.SIGN_UP | {"email": "kim@bücher.de"})
        EmailAddress.objects.update(verified=True)
        reply = Client().post("/sign-in", {"username": "Kim@Bücher.de ", "password": "a-long-password-1"})
        assert reply.status_code == 302
        client.post("/account/password/reset/", {"email": "KIM@bücher.DE"})
        assert Email.objects.filter(subject__startswith="Choose a new").get().to == "kim@xn--bcher-kva.de"


def test_spellings_of_an_address_share_one_rate_limit(client: Client, db: None) -> None:
    forms = [
        "kim@example.org",
        "ｋim@example.org",
        "kim@ｅxample.org",
        " KIM@example.org\u3000",
        "kim@example．org",
    ]
    replies = [
        client.post("/sign-in", {"username": form, "password": "wrong"}).status_code
        for form in [*forms, forms[0]]
    ]
    assert replies[-1] == 429
    assert 429 not in replies[:-1]


@pytest.mark.parametrize("onward", ["a\0b", "nowhere"])
def test_an_invalid_return_path_is_ignored(as_person: AsPerson, parent: Person, onward: str) -> None:
    assert as_person(parent).post("/sign-in/unsent-form", {"next": onward}).status_code == 302


def test_an_invalid_series_date_is_left_out(client: Client, make_event: MakeEvent) -> None:  # noqa: F811
    series = Series.objects.create(title="Evenings")
    place = sign_up_and_confirm(make_event("one-evening", series=series))
    make_event("another-evening", series=series)
    reply = client.post(f"{place.get_absolute_url()}/dates", {"date": "another-evening\0"})
    assert reply.status_code == 302


class TestInvitations:
    def test_find_the_owner_of_the_address(self, make_person: Callable[..., Person], parent: Person) -> None:
        teen = make_person("lee", Role.TEEN)
        EmailAddress.objects.create(user=teen, email="lee@example.org", verified=True)
        invitation = create_invitation(by=parent, email="Lee@example.org")
        assert list(list_invitations_to(teen)) == [invitation]

    def test_say_who_asks_and_that_the_name_is_unchecked(self, as_person: AsPerson, parent: Person) -> None:
        Person.objects.filter(pk=parent.pk).update(display_name="Sam")
        as_person(parent).post("/family/invite", {"email": "lee@example.org"})
        words = Email.objects.get().text
        assert words.startswith("Sam invited you")
        assert "Sam is a name they chose. We can’t check who they are." in words

    def test_of_many_strangers_do_not_fill_a_mailbox_or_lock_out_its_owner(
        self, make_person: Callable[..., Person], as_person: AsPerson
    ) -> None:
        emails = ["lee@example.org", "Lee+a@example.org", "LEE@example.org", "lee+b@example.org"]
        for number, email in enumerate(emails):
            client = as_person(make_person(f"parent-{number}", Role.PARENT))
            page = client.post("/family/invite", {"email": email}, follow=True).content.decode()
        assert Email.objects.count() == 3
        # The fourth person gets an invitation to hand over instead.
        assert "We’ve already sent several invitations to that address today" in page
        assert "/family/join/" in page
        with pytest.raises(RateLimited):
            invitations_per_address_limit.hit(get_mailbox_key("lee@example.org"))
