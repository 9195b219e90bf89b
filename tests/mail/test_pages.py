"""The outbox as pages: public in the demo, and a 404 outside it."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from mail.models import Email, EmailState
from tests.mail.conftest import CALENDAR, Queue
from tests.markup import squeezed

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["anonymous", "teen", "parent", "admin_person"])
def reader(request: pytest.FixtureRequest, client: Client) -> Client:
    if request.param != "anonymous":
        client.force_login(request.getfixturevalue(request.param))
    return client


@pytest.fixture
def email(queue: Queue) -> Email:
    return queue(attachments=[CALENDAR])


def addresses(email: Email) -> list[str]:
    return [
        reverse("mail:outbox"),
        reverse("mail:email", args=[email.pk]),
        reverse("mail:attachment", args=[email.pk, email.attachments.get().pk]),
    ]


def test_anyone_can_read_the_outbox_in_the_demo(reader: Client, email: Email) -> None:
    for address in addresses(email):
        assert reader.get(address).status_code == 200


def test_the_outbox_is_not_found_outside_the_demo(reader: Client, email: Email, settings: Settings) -> None:
    settings.DEMO = False
    for address in addresses(email):
        page = reader.get(address)
        assert page.status_code == 404
        assert email.to not in page.content.decode()


def test_nothing_can_be_posted_to_the_outbox(client: Client, email: Email) -> None:
    for address in addresses(email):
        assert client.post(address).status_code == 405


class TestTheList:
    def test_pages_back_to_the_oldest(
        self, client: Client, queue: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mail.views.EMAILS_PER_PAGE", 2)
        for number in range(5):
            queue(subject=f"Letter {number}")
        seen, address = [], reverse("mail:outbox")
        while address:
            page = client.get(address).content.decode()
            seen += re.findall(r"Letter \d", page)
            older = re.search(r'href="(\?before=[^"]+)"', page)
            address = reverse("mail:outbox") + older[1] if older else ""
        assert seen == [f"Letter {number}" for number in range(4, -1, -1)]

    def test_shows_recipient_subject_and_state(self, client: Client, queue: Queue) -> None:
        queue(subject="Waits")
        sent = queue(subject="Went")
        Email.objects.filter(pk=sent.pk).update(state=EmailState.SENT, sent_at=timezone.now())
        page = client.get("/mail/").content.decode()
        assert page.index("Went") < page.index("Waits")
        assert "to noor@example.org" in page
        assert ", waiting" in squeezed(page)
        assert ", sent" in squeezed(page)

    def test_loads_the_newest_fifty_in_one_query(
        self, client: Client, queue: Queue, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(51):
            queue(subject=f"Number {number}.")
        with django_assert_num_queries(1):
            page = client.get("/mail/").content.decode()
        assert "Number 50." in page
        assert "Number 1." in page
        assert "Number 0." not in page

    def test_takes_two_more_queries_when_signed_in(
        self, client: Client, teen: Person, email: Email, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client.force_login(teen)
        with django_assert_num_queries(3):
            client.get("/mail/")

    def test_explains_an_empty_list(self, client: Client) -> None:
        assert "No emails yet" in client.get("/mail/").content.decode()

    def test_says_that_it_is_only_in_the_demo(self, client: Client, settings: Settings) -> None:
        assert "its emails never leave this computer" in client.get("/mail/").content.decode()
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}
        page = client.get("/mail/").content.decode()
        assert "its emails never leave this computer" not in page
        assert "Only the demo has this page" in page


class TestAnEmail:
    def test_shows_its_headers_and_its_text(self, client: Client, email: Email) -> None:
        page = client.get(f"/mail/{email.pk}").content.decode()
        for word in (email.subject, email.to, email.message_id.strip("<>"), "hello@localhost", email.text):
            assert word in page

    def test_its_links_can_be_followed(self, client: Client, queue: Queue) -> None:
        email = queue(text="Your seat:\nhttp://localhost:8000/events/seats/1?a=1&b=2\nSee you.")
        page = client.get(f"/mail/{email.pk}").content.decode()
        address = "http://localhost:8000/events/seats/1?a=1&amp;b=2"
        assert f'<a href="{address}" rel="nofollow">{address}</a>' in page

    def test_html_in_it_is_escaped(self, client: Client, queue: Queue) -> None:
        hostile = '<script>alert(1)</script> javascript:alert(2) http://x.example/"onmouseover="alert(3)'
        email = queue(subject="<script>alert(1)</script>", text=hostile)
        Email.objects.update(error="550 <script>alert(1)</script>")
        for address in ("/mail/", f"/mail/{email.pk}"):
            page = client.get(address).content.decode()
            assert "<script>alert" not in page
            assert 'href="javascript' not in page
            assert '"onmouseover="' not in page

    def test_an_unknown_one_is_a_404(self, client: Client) -> None:
        assert client.get(f"/mail/{uuid4()}").status_code == 404


class TestAnAttachment:
    def test_is_downloaded_with_its_type_and_name(self, client: Client, email: Email) -> None:
        address = addresses(email)[2]
        assert address in client.get(f"/mail/{email.pk}").content.decode()
        file = client.get(address)
        assert file.headers["Content-Type"] == CALENDAR.content_type
        assert file.headers["Content-Disposition"] == "attachment; filename*=utf-8''caf%C3%A9.ics"
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert file.content.decode() == CALENDAR.content

    def test_of_another_email_is_a_404(self, client: Client, email: Email, queue: Queue) -> None:
        assert client.get(f"/mail/{queue().pk}/{email.attachments.get().pk}").status_code == 404
