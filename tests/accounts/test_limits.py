"""Rate limits stop attackers, but not a school or the owner of an account."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts import limits
from accounts.known_devices import COOKIE_NAME, forget_devices
from accounts.models import Person, Role
from kit import rate_limits
from kit.rate_limits import ClientRateLimit, FailureBackoff, RateLimit, RateLimited, get_client_network
from tests.conftest import ADULT_BIRTH

PASSWORD = "a-long-password"
WAITS = HTTPStatus.TOO_MANY_REQUESTS
SCHOOL, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def owner(make_person: Callable[..., Person]) -> Person:
    return make_person("guessed-at")


def at(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def try_sign_in(client: Client, password: str, username: str = "guessed-at") -> int:
    return client.post("/sign-in", {"username": username, "password": password}).status_code


def try_wrong_names(address: str, times: int, username: str = "guessed-at") -> list[int]:
    client = at(address)
    return [try_sign_in(client, f"guess-{number}", username) for number in range(times)]


def let_waits_end() -> None:
    counters: Any = rate_limits._shared_counters().storage
    for key in counters.storage.scan_iter("*wait/*"):
        counters.storage.delete(key)


class TestGuessingAtOneAccount:
    def test_is_slowed_after_five_tries_from_one_address(self, owner: Person) -> None:
        assert try_wrong_names(ELSEWHERE, 7) == [200] * 5 + [WAITS] * 2
        assert try_sign_in(at(ELSEWHERE), PASSWORD) == WAITS

    def test_waits_grow_to_half_an_hour_and_no_further(self) -> None:
        waits = [limits.login_failures_from_network.wait_after(tries) for tries in range(1, 14)]
        assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
        assert limits.login_failures_from_network.wait_after(10_000) == 1800

    def test_attempts_during_a_wait_do_not_extend_it(self, owner: Person) -> None:
        try_wrong_names(ELSEWHERE, 60)
        let_waits_end()
        assert try_wrong_names(ELSEWHERE, 1) == [200]
        reply = at(ELSEWHERE).post("/sign-in", {"username": "guessed-at", "password": PASSWORD})
        assert 30 < int(reply.headers["Retry-After"]) <= 60

    def test_does_not_slow_down_the_owner_elsewhere(self, owner: Person) -> None:
        try_wrong_names(ELSEWHERE, 12)
        assert try_sign_in(at(SCHOOL), PASSWORD) == HTTPStatus.FOUND

    def test_from_one_network_never_slows_down_the_owner_everywhere(self) -> None:
        limit, seconds, tries = limits.login_failures_from_network, 0, 0
        while seconds < 86_400:
            tries += 1
            seconds += limit.wait_after(tries)
        assert tries < limits.login_failures.free

    def test_from_many_addresses_is_slowed_as_well(
        self, owner: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            limits, "login_failures", FailureBackoff("test anywhere", free=3, first=30, longest=60)
        )
        codes = [try_wrong_names(f"198.51.100.{number}", 1)[0] for number in range(5)]
        assert codes == [200] * 3 + [WAITS] * 2

    def test_counts_a_username_and_an_address_as_one_account(self, known: Person) -> None:
        statuses = try_wrong_names(ELSEWHERE, 3, known.username)
        statuses += try_wrong_names(ELSEWHERE, 3, known.email.upper())
        assert statuses == [200] * 5 + [WAITS]

    def test_is_the_same_for_an_unknown_name(self, db: None) -> None:
        assert try_wrong_names(ELSEWHERE, 6, "not-a-name-here") == [200] * 5 + [WAITS]

    def test_the_right_password_clears_the_failures(self, owner: Person) -> None:
        for _ in range(2):
            assert try_wrong_names(SCHOOL, 4) == [200] * 4
            assert try_sign_in(at(SCHOOL), PASSWORD) == HTTPStatus.FOUND

    def test_an_empty_form_is_not_counted(self, owner: Person) -> None:
        assert {try_sign_in(at(SCHOOL), "") for _ in range(8)} == {200}
        assert try_sign_in(at(SCHOOL), PASSWORD) == HTTPStatus.FOUND

    def test_a_rate_limited_answer_keeps_the_name_and_says_how_long_to_wait(self, owner: Person) -> None:
        try_wrong_names(ELSEWHERE, 5)
        reply = at(ELSEWHERE).post("/sign-in", {"username": "guessed-at", "password": "typed-secret"})
        page = reply.content.decode()
        assert 'value="guessed-at"' in page
        assert "typed-secret" not in page
        assert "seconds, then try again" in page
        assert 1 <= int(reply.headers["Retry-After"]) <= 30


class TestAKnownDevice:
    def open_known_browser(self, owner: Person) -> Client:
        client = at(SCHOOL)
        try_sign_in(client, PASSWORD)
        client.post("/sign-out")
        return client

    def test_is_let_in_while_strangers_guess_from_the_same_address(self, owner: Person) -> None:
        home = self.open_known_browser(owner)
        try_wrong_names(SCHOOL, 8)
        assert try_sign_in(at(SCHOOL), PASSWORD) == WAITS
        assert try_sign_in(home, PASSWORD) == HTTPStatus.FOUND

    def test_is_let_in_while_its_network_and_the_site_are_rate_limited(
        self, owner: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = self.open_known_browser(owner)
        monkeypatch.setattr(limits, "network_failures", RateLimit("test network", "1/hour"))
        try_wrong_names(SCHOOL, 1, "anybody")
        assert try_sign_in(at(SCHOOL), PASSWORD) == WAITS
        assert try_sign_in(home, PASSWORD) == HTTPStatus.FOUND

    def test_has_a_limit_of_its_own(self, owner: Person) -> None:
        home = self.open_known_browser(owner)
        assert [try_sign_in(home, f"guess-{number}") for number in range(12)] == [200] * 10 + [WAITS] * 2
        assert try_sign_in(at(ELSEWHERE), PASSWORD) == HTTPStatus.FOUND

    def test_is_known_for_no_other_account(self, owner: Person, make_person: Callable[..., Person]) -> None:
        make_person("another")
        home = self.open_known_browser(owner)
        try_wrong_names(SCHOOL, 6, "another")
        assert try_sign_in(home, PASSWORD, "another") == WAITS

    def test_is_known_for_each_account_that_signed_in_on_it(
        self, owner: Person, make_person: Callable[..., Person]
    ) -> None:
        make_person("another")
        home = self.open_known_browser(owner)
        try_sign_in(home, PASSWORD, "another")
        home.post("/sign-out")
        for name in ("guessed-at", "another"):
            try_wrong_names(SCHOOL, 6, name)
            assert try_sign_in(home, PASSWORD, name) == HTTPStatus.FOUND
            home.post("/sign-out")

    def test_has_a_cookie_without_names(self, owner: Person) -> None:
        cookie = self.open_known_browser(owner).cookies[COOKIE_NAME]
        assert owner.username not in cookie.value
        assert str(owner.pk) not in cookie.value.partition(".")[0]
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 31_536_000)

    def test_cannot_be_forged(self, owner: Person) -> None:
        home = self.open_known_browser(owner)
        device, _dot, proof = home.cookies[COOKIE_NAME].value.partition(".")
        forged = [f"{device}.{proof[::-1]}", f"x{device}.{proof}", "~.~", "." * 5000, "é.é"]
        try_wrong_names(SCHOOL, 6)
        for value in forged:
            client = at(SCHOOL)
            client.cookies[COOKIE_NAME] = value
            assert try_sign_in(client, PASSWORD) == WAITS

    def test_is_unknown_after_a_new_password(self, owner: Person) -> None:
        home = self.open_known_browser(owner)
        owner.set_password("another-long-password")
        owner.save()
        try_wrong_names(SCHOOL, 6)
        assert try_sign_in(home, "another-long-password") == WAITS

    def test_is_unknown_once_its_owner_signs_out_everywhere_else(self, owner: Person) -> None:
        lost, here = self.open_known_browser(owner), at(ELSEWHERE)
        try_sign_in(here, PASSWORD)
        here.post("/account/sessions/others/end")
        here.post("/sign-out")
        try_wrong_names(SCHOOL, 6)
        try_wrong_names(ELSEWHERE, 6)
        assert try_sign_in(lost, PASSWORD) == WAITS
        assert try_sign_in(here, PASSWORD) == HTTPStatus.FOUND

    def test_stays_known_when_the_key_of_the_site_is_changed(self, owner: Person, settings: Settings) -> None:
        home = self.open_known_browser(owner)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [settings.SECRET_KEY]
        try_wrong_names(SCHOOL, 6)
        assert try_sign_in(home, PASSWORD) == HTTPStatus.FOUND

    def test_is_forgotten_for_good(self, owner: Person) -> None:
        home = self.open_known_browser(owner)
        forget_devices(person=owner)
        try_wrong_names(SCHOOL, 6)
        assert try_sign_in(home, PASSWORD) == WAITS


def test_a_password_reset_by_email_lets_the_owner_in_during_an_attack(
    known: Person, link_in: Callable[..., str]
) -> None:
    from mail.models import Email

    home = at(SCHOOL)
    try_wrong_names(SCHOOL, 6, known.email)
    home.post("/account/password/reset/", {"email": known.email})
    place = home.get(link_in(Email.objects.get()), follow=True).redirect_chain[-1][0]
    new = "four-words-in-a-row"
    home.post(place, {"password1": new, "password2": new})
    try_wrong_names(SCHOOL, 6, known.email)
    assert try_sign_in(home, new, known.email) == HTTPStatus.FOUND


class TestASchoolBehindOneAddress:
    @pytest.fixture
    def pupils(self, db: None) -> list[Person]:
        encoded = make_password(PASSWORD)
        return Person.objects.bulk_create(
            Person(username=f"pupil-{number}", password=encoded, role=Role.TEEN) for number in range(60)
        )

    def test_signs_in_with_one_typo_each(self, pupils: list[Person]) -> None:
        for pupil in pupils:
            client = at(SCHOOL)
            assert try_sign_in(client, "a-long-pasword", pupil.username) == 200
            assert try_sign_in(client, PASSWORD, pupil.username) == HTTPStatus.FOUND

    def test_counts_only_failures(self, pupils: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "network_failures", RateLimit("test school", "3/hour"))
        monkeypatch.setattr(limits, "site_failures", RateLimit("test site", "3/hour"))
        codes = [try_sign_in(at(SCHOOL), PASSWORD, pupil.username) for pupil in pupils[:6]]
        assert codes == [HTTPStatus.FOUND] * 6
        assert [try_wrong_names(SCHOOL, 1, pupil.username)[0] for pupil in pupils[:5]] == [200] * 3 + [
            WAITS
        ] * 2

    def test_thirty_families_sign_up(self, db: None) -> None:
        for number in range(30):
            given = {
                "display_name": "Kim",
                "email": f"kim-{number}@example.org",
                "password1": "four-words-in-a-row",
                **ADULT_BIRTH,
            }
            client = at(SCHOOL)
            client.post("/sign-up", given | {"email": "wrong"})
            assert client.post("/sign-up", given).status_code == HTTPStatus.FOUND


class TestLimitsByPerson:
    @pytest.fixture
    def pages(self) -> ClientRateLimit:
        return ClientRateLimit("test asker", person="2/hour", network="3/hour", everyone="5/hour")

    @pytest.fixture
    def ask(self, pages: ClientRateLimit) -> Callable[..., bool]:
        def asked(address: str, person: object = None) -> bool:
            from django.contrib.auth.models import AnonymousUser

            request = RequestFactory(REMOTE_ADDR=address).get("/")
            request.user = person or AnonymousUser()  # type: ignore[assignment]
            try:
                pages.hit(request)
            except RateLimited:
                return False
            return True

        return asked

    def test_people_behind_one_address_have_separate_limits(
        self, teen: Person, parent: Person, ask: Callable[..., bool]
    ) -> None:
        assert [ask(SCHOOL, teen) for _ in range(3)] == [True, True, False]
        assert ask(SCHOOL, parent)
        assert ask(SCHOOL)

    def test_one_person_has_one_limit_on_every_network(self, teen: Person, ask: Callable[..., bool]) -> None:
        assert [ask(f"198.51.100.{number}", teen) for number in range(3)] == [True, True, False]

    def test_visitors_share_the_limits_of_their_network_and_of_the_site(
        self, db: None, ask: Callable[..., bool]
    ) -> None:
        assert [ask(SCHOOL) for _ in range(4)] == [True] * 3 + [False]
        assert [ask(f"198.51.100.{number}") for number in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_an_ipv6_visitor_is_their_network(address: str, network: str) -> None:
    assert get_client_network(RequestFactory(REMOTE_ADDR=address).get("/")) == network


class TestWhatWasTyped:
    """Every rate-limited form keeps what was typed, but never a password."""

    @pytest.fixture(autouse=True)
    def _nothing_allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("sign_up_forms", "reset_requests"):
            none = ClientRateLimit(f"test none {name}", person="1/hour", network="1/hour", everyone="1/hour")
            monkeypatch.setattr(limits, name, none)

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            (
                "/sign-up",
                {"display_name": "Kim <3", "email": "kim@example.org", "password1": "four-words-in"},
            ),
            ("/sign-up/teen", {"month": "3", "year": "2011"}),
            ("/account/password/reset/", {"email": "kim@example.org"}),
        ],
    )
    def test_is_kept(self, path: str, fields: dict[str, str], db: None) -> None:
        at(SCHOOL).post(path, fields)
        client = at(SCHOOL)
        replies = [client.post(path, fields) for _reload in range(2)]
        for reply in replies:
            page = reply.content.decode()
            assert reply.status_code == WAITS
            assert int(reply.headers["Retry-After"]) > 60
            assert "Please wait 1 hour, then try again" in page
            assert "four-words-in" not in page
            kept = [value for name, value in fields.items() if name not in {"password1", "month"}]
            assert [value for value in kept if f'value="{value.replace("<", "&lt;")}"' not in page] == []
            assert 'value="3" selected' in page or "month" not in fields
        # With Back or in another tab: GET is never refused.
        assert client.get(path).status_code == 200

    def test_of_a_teen_is_kept(self, db: None) -> None:
        client = at(SCHOOL)
        client.post("/sign-up/teen", {"month": "3", "year": "2011"})
        reply = client.post(
            "/sign-up/teen", {"username": "noor-2", "display_name": "Noor", "password": "four-words-in-a-row"}
        )
        page = reply.content.decode()
        assert reply.status_code == WAITS
        assert 'value="noor-2"' in page
        assert "four-words-in-a-row" not in page

    def test_says_that_the_email_was_already_sent(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        many = ClientRateLimit("test many", person="9/hour", network="9/hour", everyone="9/hour")
        monkeypatch.setattr(limits, "reset_requests", many)
        replies = [
            at(SCHOOL).post("/account/password/reset/", {"email": "kim@example.org"}) for _ in range(6)
        ]
        assert [reply.status_code for reply in replies] == [302] * 5 + [WAITS]
        assert "We’ve already sent several emails to that address" in replies[-1].content.decode()


def test_the_threat_model_lists_these_limits() -> None:
    text = Path("docs/threat-model.md").read_text()
    for wait in (
        limits.known_device_failures,
        limits.login_failures_from_network,
        limits.login_failures,
    ):
        assert f"after {wait.free}, {wait.first} s to {wait.longest // 60} min" in text, wait.name
    for limit in (limits.sign_up_forms, limits.accounts_created, limits.reset_requests):
        for part in (limit.person, limit.network, limit.everyone):
            assert format_rates(part) in text, part.name
    for part in (limits.network_failures, limits.site_failures, limits.reset_emails):
        assert format_rates(part) in text, part.name


def format_rates(part: RateLimit) -> str:
    """The rates as the threat model's table writes them: "300/h, 1000/d"."""
    units = {60: "min", 600: "10 min", 3600: "h", 86_400: "d"}
    return ", ".join(f"{item.amount}/{units[item.get_expiry()]}" for item in part.items)
