"""A form that is sent without a session: the text is kept, and can be sent after signing in."""

import time
from collections.abc import Callable
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.access import UNSENT_FORM_SECONDS
from accounts.models import Person, Session
from chat import services
from chat.models import Turn
from kit import rate_limits
from tests.chat.conftest import Ask

AsPerson = Callable[[Person], Client]
QUESTION = "Why is the sky blue, and the sea?"
PAGE = "http://testserver/tutor/"


@pytest.fixture(autouse=True)
def _fresh_counts(db: None) -> None:
    """The sign-ins of one test are not counted against the next."""
    rate_limits._shared_counters().storage.reset()


def ask_signed_out(client: Client, question: str = QUESTION, **headers: str) -> str:
    """Post a question without a session, and return the address of the sign-in page."""
    sent = {"question": question, "turn_id": str(uuid4())}
    reply = client.post(reverse("chat:ask"), sent, headers={"Referer": PAGE} | headers)
    return reply.headers.get("HX-Redirect") or reply.headers["Location"]


def sign_in(client: Client, address: str) -> str:
    reply = client.post(address, {"username": "noor", "password": "a-long-password"})
    return reply.headers["Location"]


class TestAQuestion:
    @pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
    def test_waits_after_signing_in_and_can_be_sent(
        self, headers: dict[str, str], client: Client, teen: Person
    ) -> None:
        address = ask_signed_out(client, **headers)
        assert "We kept what you wrote" in client.get(address).content.decode()
        after = sign_in(client, address)
        page = client.get(after).content.decode()
        assert QUESTION in page
        assert f'action="{reverse("chat:ask")}"' in page
        assert client.post(reverse("chat:ask"), {"question": QUESTION, "turn_id": uuid4()}).status_code == 302
        assert Turn.objects.get().question == QUESTION
        assert QUESTION not in client.get(after, follow=True).content.decode()

    def test_is_kept_through_a_wrong_password(self, client: Client, teen: Person) -> None:
        address = ask_signed_out(client)
        client.post(address, {"username": "noor", "password": "wrong"})
        assert QUESTION in client.get(sign_in(client, address)).content.decode()

    def test_can_be_discarded(self, client: Client, teen: Person) -> None:
        after = sign_in(client, ask_signed_out(client))
        reply = client.post(after, {"next": "/tutor/"})
        assert reply.headers["Location"] == "/tutor/"
        assert client.get(after).status_code == 302

    def test_is_gone_after_half_an_hour(self, client: Client, teen: Person) -> None:
        after = sign_in(client, ask_signed_out(client))
        with patch("accounts.access.time.time", return_value=time.time() + UNSENT_FORM_SECONDS + 1):
            assert client.get(after).status_code == 302

    def test_is_gone_with_the_session(self, client: Client, teen: Person) -> None:
        after = sign_in(client, ask_signed_out(client))
        client.post(reverse("accounts:sign_out"))
        client.force_login(teen)
        assert client.get(after).status_code == 302

    def test_that_is_a_cry_for_help_is_answered_with_the_card_and_not_stored(
        self, client: Client, db: None
    ) -> None:
        reply = client.post(reverse("chat:ask"), {"question": "I want to kill myself", "turn_id": uuid4()})
        assert 'href="tel:988"' in reply.content.decode()
        assert not Session.objects.exists()

    def test_longer_than_any_question_is_not_kept(self, client: Client, db: None) -> None:
        assert "kept" not in ask_signed_out(client, "why " * 10_000)

    def test_does_not_redirect_to_another_site(self, client: Client, teen: Person) -> None:
        address = ask_signed_out(client, Referer="https://example.com/tutor/")
        after = sign_in(client, address)
        assert "example.com" not in client.get(after).content.decode()
        assert client.post(after, {"next": "https://example.com/"}).headers["Location"] == "/"


class TestOtherForms:
    """An address that takes only POST leads back to the page of its button."""

    @pytest.mark.parametrize("act", ["retry", "stop", "report", "report/withdraw", "check-in"])
    def test_a_button_of_a_turn_leads_back_to_its_conversation(
        self, act: str, client: Client, teen: Person, ask: Ask
    ) -> None:
        turn = ask(teen)
        page = f"/tutor/{turn.conversation_id}"
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
        reply = client.post(f"/tutor/turns/{turn.pk}/{act}", headers=headers)
        assert reply.status_code == 401
        assert sign_in(client, reply.headers["HX-Redirect"]) == page
        assert client.get(page).status_code == 200

    @pytest.mark.parametrize(
        "address",
        [
            "/tutor/end-pause",
            "/family/invite",
            "/account/sessions/others/end",
            "/learn/good-and-bad/certificate/withdraw",
        ],
    )
    def test_without_a_page_before_it_leads_to_the_front_page(
        self, address: str, client: Client, teen: Person
    ) -> None:
        reply = client.post(address)
        assert sign_in(client, reply.headers["Location"]) == "/"

    def test_a_password_is_never_kept(self, client: Client, teen: Person) -> None:
        client.post("/family/data/erase", {"proof": "a-long-password"})
        assert not any("a-long-password" in str(session.get_decoded()) for session in Session.objects.all())


class TestAStaleCsrfToken:
    @pytest.fixture
    def strict(self, teen: Person) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(teen)
        client.get("/tutor/")
        return client

    def test_the_text_is_on_the_page_with_a_new_token(self, strict: Client) -> None:
        reply = strict.post(reverse("chat:ask"), {"question": QUESTION, "turn_id": uuid4()})
        page = reply.content.decode()
        assert reply.status_code == 403
        assert QUESTION in page
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        again = {"question": QUESTION, "turn_id": uuid4(), "csrfmiddlewaretoken": token}
        assert strict.post(reverse("chat:ask"), again).status_code == 302

    def test_htmx_is_given_the_new_token(self, strict: Client) -> None:
        sent = {"question": QUESTION, "turn_id": uuid4()}
        reply = strict.post(reverse("chat:ask"), sent, headers={"HX-Request": "true"})
        assert reply.status_code == 403
        assert "form-token" in reply.headers["HX-Trigger"]

    def test_nothing_is_stored_as_another_site_may_have_sent_it(self, db: None) -> None:
        client = Client(enforce_csrf_checks=True)
        client.post(reverse("chat:ask"), {"question": QUESTION, "turn_id": uuid4()})
        assert settings.SESSION_COOKIE_NAME not in client.cookies


class TestPrivatePages:
    @pytest.mark.parametrize("address", ["/", "/tutor/", "/family/", "/learn/", "/events/", "/account/"])
    def test_of_a_signed_in_person_stay_in_no_cache(
        self, address: str, as_person: AsPerson, teen: Person
    ) -> None:
        assert "no-store" in as_person(teen).get(address).headers["Cache-Control"]

    @pytest.mark.parametrize("address", ["/", "/learn/", "/events/", "/help/now"])
    def test_of_a_visitor_may_be_cached(self, address: str, client: Client, db: None) -> None:
        assert "no-store" not in client.get(address).headers.get("Cache-Control", "")

    def test_of_errors_stay_in_no_cache(
        self, as_person: AsPerson, teen: Person, stranger: Person, ask: Ask
    ) -> None:
        turn = ask(stranger)
        services.stop_turn(turn=turn)
        client = as_person(teen)
        assert "no-store" in client.get(f"/tutor/{turn.conversation_id}").headers["Cache-Control"]
        assert "no-store" in client.post("/tutor/ask", {"question": " "}).headers["Cache-Control"]
