"""One rule for names: generous to the names of the world, firm against what is no name."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import Person
from accounts.names import NO_ADDRESS, ONE_LINE, TOO_LONG, clean_name, count_seen
from events.models import Event, SignUp
from events.services import sign_up_make
from families.models import TrustedAdult
from kit.links import break_links, has_link
from tests.conftest import GROWN_UP_BORN
from tests.events.conftest import MakeEvent, make_event  # noqa: F401 - a fixture

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    "name",
    [
        "Noor",
        "李小龍",
        "علی\u200cرضا",  # Persian, with its non-joiner
        "ශ\u0dca\u200dරී",  # Sinhala, with a joiner behind a virama
        "Nguyễn Thị Ngọc Ánh",
        "O‘Neil",
        "Anne-Marie O’Neil 3rd",
        "Sam Smith, Jr.",
        "Anna (Anya)",
        "J.R.R. Tolkien",
        "St.John",
        "Dr.Who",
        "Mary Smith M.Sc.",
        "Dr.Li",
        "X Æ A-12",
        "Kim / Lee",
        "Kim2009",
        "葛\U000e0100城",  # the old form of a letter
        f"{FAMILY} the Lees",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Isla",
        "Zoë & Jim",
        "שָׁלוֹם",
    ],
)
def test_people_are_called_all_kinds_of_things(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Zoe\u0308", "Zoë"),
        ("\u3000李\u3000小龍 ", "李 小龍"),
        ("Kim\u00a0\tLee", "Kim Lee"),
        ("K\u200di\u200cm", "Kim"),
        ("\u2068Kim\u2069\u200f\u200b", "Kim"),
        ("Kim\u2800\u3164", "Kim"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_makes_no_second_name(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Prize: evil-win.com/claim", NO_ADDRESS),
        ("https://evil.example/prize", NO_ADDRESS),
        ("WWW.spam.example", NO_ADDRESS),
        ("kim@example.org", NO_ADDRESS),
        ("ｅｖｉｌ．ｃｏｍ", NO_ADDRESS),
        ("evil。com", NO_ADDRESS),
        ("ev\u200bil.c\u200bom", NO_ADDRESS),
        ("пример.рф", NO_ADDRESS),
        ("Bit.Ly", NO_ADDRESS),
        ("t.me/x", NO_ADDRESS),
        ("foo.abbott/x", NO_ADDRESS),
        ("xn--a.xn--p1ai", NO_ADDRESS),
        ("192.168.0.1", NO_ADDRESS),
        ("mailto:kim", NO_ADDRESS),
        ("Kim (evil.com), Jr.", NO_ADDRESS),
        ("Call 555 0100 now", NO_ADDRESS),
        ("Kim\nBuy this", ONE_LINE),
        ("Kim\x00", ONE_LINE),
        ("Kim\x1b[2J", ONE_LINE),
        ("Kim \u202etxet", ONE_LINE),
        ("Kim\u2028next", ONE_LINE),
        ("\u0301Kim", ONE_LINE),
        ("K" + "\u0335" * 5, ONE_LINE),
        ("...", ONE_LINE),
        ("Kim\ue000", ONE_LINE),
        ("Kim\U000e0041", ONE_LINE),
        ("K" * 61, TOO_LONG),
        (FAMILY * 40, TOO_LONG),
    ],
)
def test_what_is_no_name_is_refused_in_a_sentence(typed: str, said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        clean_name(typed)
    assert refusal.value.messages == [str(said)]


def test_length_is_what_people_see() -> None:
    assert count_seen(FAMILY) == count_seen("é̱") == count_seen("🇪🇸") == count_seen("👋🏽") == 1
    assert count_seen("نورا") == 4
    assert clean_name("ngọ̈" * 20)


@pytest.mark.parametrize(
    "typed",
    [
        "https://evil.example/prize",
        "evil-win.com/claim",
        "a@b.com",
        "www.x.yz",
        "evil。com",
        "tel:555",
        "a.b.c.de",
    ],
)
def test_quoted_in_a_mail_no_words_become_a_link(typed: str) -> None:
    assert has_link(typed)
    quoted = break_links(f"Prize: {typed}, now")
    assert not has_link(quoted)
    assert break_links(quoted) == quoted
    assert break_links("J. R. R. O’Neil, Jr.: a/b") == "J. R. R. O’Neil, Jr.: a/b"


Post = Callable[..., Any]


class TestEveryDoor:
    """Wherever a name is typed, the same name is kept and the same words are refused."""

    @pytest.fixture(autouse=True)
    def _event(self, make_event: MakeEvent) -> Event:  # noqa: F811
        return make_event()

    @pytest.fixture(params=["account", "teen sign-up", "sign-up", "event", "guest", "trusted adult", "admin"])
    def door(self, request: pytest.FixtureRequest) -> Post:
        """Posts a name at one of the doors."""
        get = request.getfixturevalue
        client = Client()
        email = "kim@example.org"

        def guest(name: str) -> Any:
            host = SignUp.objects.first() or sign_up_make(event=Event.objects.get(), name="Host", email=email)
            SignUp.objects.update(standing="waiting", queued_at=host.created_at)
            return client.post(
                f"/events/place/{host.token}/bring", {"name": name, "email": "lee@example.org"}
            )

        def teen_sign_up(name: str) -> Any:
            client.post("/sign-up/teen", {"month": "1", "year": "2011"})
            form = {"username": "noor-new", "display_name": name, "password": "a-long-password-1"}
            return client.post("/sign-up/teen", form)

        def admin(name: str) -> Any:
            person = get("teen")
            client.force_login(get("admin_person"))
            form = {
                "username": person.username,
                "display_name": name,
                "role": person.role,
                "time_zone": person.time_zone,
                "is_active": "on",
            }
            return client.post(f"/admin/accounts/person/{person.pk}/change/", form)

        def signed_in(path: str, **form: str) -> Post:
            def post(name: str) -> Any:
                client.force_login(get("teen"))
                return client.post(path, {key: value or name for key, value in form.items()})

            return post

        doors: dict[str, Post] = {
            "account": signed_in("/account/", display_name="", time_zone="UTC"),
            "teen sign-up": teen_sign_up,
            "sign-up": lambda name: client.post(
                "/sign-up",
                {"display_name": name, "email": email, "password1": "a-long-password-1", **GROWN_UP_BORN},
            ),
            "event": lambda name: client.post("/events/one-evening/sign-up", {"name": name, "email": email}),
            "guest": guest,
            "trusted adult": signed_in("/family/trusted-adult", name="", reach="555"),
            "admin": admin,
        }
        return doors[request.param]

    def names(self) -> set[str]:
        return {
            *Person.objects.values_list("display_name", flat=True),
            *SignUp.objects.values_list("name", flat=True),
            *TrustedAdult.objects.values_list("name", flat=True),
        }

    @pytest.mark.parametrize("name", ["https://evil.example/prize", "Prize: evil-win.com/claim", "K\x00im"])
    def test_refuses_an_address(self, door: Post, name: str) -> None:
        reply = door(name)
        page = reply.content.decode()
        # The admin's own pages answer 200, with the field's error on them.
        assert reply.status_code in {200, 422}
        assert str(NO_ADDRESS) in page or str(ONE_LINE) in page
        assert name not in self.names()

    def test_takes_a_name_of_the_world(self, door: Post) -> None:
        assert door("علی\u200cرضا\u3000O‘Neil, Jr.").status_code == 302
        assert "علی\u200cرضا O‘Neil, Jr." in self.names()


@pytest.mark.parametrize("username", ["evil-win.com", "kim@home"])
def test_a_username_is_no_address_either(client: Client, db: None, username: str) -> None:
    client.post("/sign-up/teen", {"month": "1", "year": "2011"})
    form = {"username": username, "display_name": "Kim", "password": "a-long-password-1"}
    assert client.post("/sign-up/teen", form).status_code == 422
    assert not Person.objects.exists()


@pytest.mark.parametrize("said", ["Until 6:50 p.m. it is closed.", "It refills at 7 a.m., Los Angeles time."])
def test_a_time_of_day_is_no_link(said: str) -> None:
    assert break_links(said) == said
