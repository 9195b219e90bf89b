"""The sign-up form: what it accepts, refuses and keeps, and that it reveals nothing."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from events.models import Event, SignUp
from events.views import signing_up
from kit.rate_limits import ClientRateLimit
from mail.models import Email

PATH = "/events/one-evening/sign-up"
KIM = {"name": "Kim", "email": "kim@example.org"}


def post(client: Client, place: str = "198.51.100.7", **form: str) -> HttpResponse:
    return client.post(PATH, KIM | form, REMOTE_ADDR=place)  # type: ignore[return-value]


def read_page(reply: HttpResponse) -> str:
    return reply.content.decode()


def test_the_next_page_shows_the_address_and_the_next_step(client: Client, event: Event) -> None:
    reply = client.post(PATH, KIM, follow=True)
    page = read_page(reply)  # type: ignore[arg-type]
    assert reply.redirect_chain == [("/events/one-evening/signed-up", 302)]
    assert "kim@example.org" in page
    assert "We sent an email to" in page
    assert "confirm to get your spot" in page
    assert "/mail/" in page
    assert SignUp.objects.get().token not in page
    # Returning to this page is harmless: only this browser can open it.
    assert client.get("/events/one-evening/signed-up").status_code == HTTPStatus.OK
    assert Client().get("/events/one-evening/signed-up").headers["Location"] == "/events/one-evening"


def test_outside_the_demo_there_is_no_link_to_the_outbox(
    client: Client, event: Event, settings: object
) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    page = read_page(client.post(PATH, KIM, follow=True))  # type: ignore[arg-type]
    assert "/mail/" not in page


def test_answers_do_not_reveal_known_addresses(event: Event, sign_up: SignUp) -> None:
    seen = []
    for email in ("kim@example.org", "new@example.org", "KIM@example.org"):
        client = Client()
        reply = client.post(PATH, {"name": "Kim", "email": email}, follow=True)
        page = read_page(reply)  # type: ignore[arg-type]
        seen.append((reply.redirect_chain, reply.status_code, page.replace(email, "…")))
    assert seen[0] == seen[1] == seen[2]


def test_the_address_stays_in_the_browser_alone(client: Client, event: Event) -> None:
    from accounts.models import Session

    reply = post(client)
    cookie = reply.cookies["signed-up"]
    assert cookie["path"] == "/events/one-evening/signed-up"
    assert cookie["httponly"]
    assert cookie["max-age"] == 600
    assert not Session.objects.exists()


def test_a_forged_cookie_shows_nothing(client: Client, event: Event) -> None:
    client.cookies["signed-up"] = "someone@example.org"
    assert client.get("/events/one-evening/signed-up").status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("name", "", "Type your name"),
        ("name", " \t ", "Type your name"),
        ("name", "K" * 61, "at most 60 characters"),
        ("name", "K" * 10_000, "at most 60 characters"),
        ("name", "Win at https://spam.example", "without a web address"),
        ("name", "Win at WWW.spam.example", "without a web address"),
        ("name", "Kim\nBuy this", "on one line"),
        ("name", "Kim\r\nBcc: all@example.org", "on one line"),
        ("name", "Kim\x00", "on one line"),
        ("name", "Kim\x1b[2J", "on one line"),
        ("name", "Kim \u202etxet", "on one line"),
        ("name", "Kim\u2028next", "on one line"),
        ("email", "", "Type your email address"),
        ("email", "kim", "like name@example.org"),
        ("email", "kim@example.org\nBcc: all@example.org", "like name@example.org"),
        ("email", "kim@example.org, lee@example.org", "like name@example.org"),
        ("email", "kim\x00@example.org", "like name@example.org"),
        ("email", "Kim <kim@example.org>", "like name@example.org"),
        ("email", f"{'k' * 250}@example.org", "at most 254 characters"),
        ("email", "k" * 10_000, "at most 254 characters"),
    ],
)
def test_invalid_input_is_explained_and_kept(
    client: Client, event: Event, field: str, typed: str, message: str
) -> None:
    reply = post(client, **{field: typed})
    page = read_page(reply)
    assert reply.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'class="error-summary" role="alert"' in page
    assert f'<a href="#id_{field}">' in page
    assert message in page
    other = "email" if field == "name" else "name"
    assert f'value="{KIM[other]}"' in page
    assert not SignUp.objects.exists()
    assert not Email.objects.exists()


@pytest.mark.parametrize(
    "name", ["Noor", "Anne-Marie O’Neill", "María José", "李小龍", "علی\u200cرضا", "Zoë & Jim", "K"]
)
def test_people_are_called_all_kinds_of_things(client: Client, event: Event, name: str) -> None:
    assert post(client, name=name).status_code == HTTPStatus.FOUND
    assert SignUp.objects.get().name == name


def test_a_script_for_a_name_stays_a_name(client: Client, event: Event) -> None:
    name = "<script>alert('x')</script>"
    post(client, name=name)
    place = read_page(client.get(f"/events/sign-up/{SignUp.objects.get().token}"))  # type: ignore[arg-type]
    assert "<script" not in place
    again = read_page(post(client, name=name, email="wrong"))
    assert "<script>" not in again
    assert "&lt;script&gt;" in again


def test_filling_in_the_honeypot_gets_the_usual_answer_and_no_sign_up(client: Client, event: Event) -> None:
    reply = client.post(PATH, KIM | {"topic": "Cheap watches"}, follow=True)
    assert reply.redirect_chain == [("/events/one-evening/signed-up", 302)]
    assert "kim@example.org" in read_page(reply)  # type: ignore[arg-type]
    assert not SignUp.objects.exists()
    assert not Email.objects.exists()


@pytest.fixture
def _few_sign_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ClientRateLimit("test event sign-ups", person="2/hour", network="3/hour", everyone="4/hour")
    monkeypatch.setattr(signing_up, "sign_ups", few)


@pytest.mark.usefixtures("_few_sign_ups")
def test_visitors_of_one_network_are_rate_limited(client: Client, event: Event) -> None:
    replies = [post(client, email=f"kim-{number}@example.org") for number in range(4)]
    assert {reply.status_code for reply in replies[:3]} == {HTTPStatus.FOUND}
    page = read_page(replies[3])
    assert replies[3].status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert 60 <= int(replies[3].headers["Retry-After"]) <= 3600
    assert "Please wait 1 hour, then try again. What you typed is still here." in page
    assert 'value="kim-3@example.org"' in page
    assert post(client, place="203.0.113.9", email="lee@example.org").status_code == HTTPStatus.FOUND


@pytest.mark.usefixtures("_few_sign_ups")
def test_people_who_are_signed_in_are_counted_by_themselves(
    event: Event, teen: Person, parent: Person
) -> None:
    for person in (teen, parent):
        client = Client()
        client.force_login(person)
        codes = [post(client, email=f"{person.pk}-{number}@example.org").status_code for number in range(3)]
        assert codes == [302, 302, 429]
    assert post(Client(), email="visitor@example.org").status_code == HTTPStatus.FOUND


def test_thirty_people_in_a_hall_sign_up(event: Event) -> None:
    replies = [post(Client(), email=f"kim-{number}@example.org") for number in range(30)]
    assert {reply.status_code for reply in replies} == {HTTPStatus.FOUND}


def test_strangers_cannot_block_a_persons_own_address(event: Event, parent: Person) -> None:
    for number in range(6):
        post(Client(), place=f"198.51.100.{number}", email="own@example.org")
    EmailAddress.objects.create(user=parent, email="own@example.org", verified=True, primary=True)
    client = Client()
    client.force_login(parent)
    assert post(client, email="own@example.org").status_code == HTTPStatus.FOUND


def test_emails_to_one_address_are_rate_limited(event: Event) -> None:
    places = [f"198.51.100.{number}" for number in range(6)]
    replies = [post(Client(), place=place, email="KIM@example.org") for place in places]
    assert [reply.status_code for reply in replies] == [302] * 5 + [429]
    assert Email.objects.count() == 1


def test_signing_up_for_a_past_event_redirects_to_its_page(client: Client, event: Event) -> None:
    Event.objects.update(starts_at=timezone.now() - timedelta(days=1))
    assert post(client).headers["Location"] == "/events/one-evening"
    assert not SignUp.objects.exists()


def test_a_get_of_the_sign_up_url_redirects_to_the_event(client: Client, event: Event) -> None:
    assert client.get(PATH).headers["Location"] == "/events/one-evening"


def test_a_form_of_another_site_is_refused(event: Event) -> None:
    reply = Client(enforce_csrf_checks=True).post(PATH, KIM)
    assert reply.status_code == HTTPStatus.FORBIDDEN
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("slug", ["nothing", "a" * 3000])
def test_signing_up_for_an_unknown_event_is_a_404(client: Client, event: Event, slug: str) -> None:
    assert client.post(f"/events/{slug}/sign-up", KIM).status_code == HTTPStatus.NOT_FOUND
