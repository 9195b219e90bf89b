"""Admins can view the outbox, and can only resend failed emails."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from mail.models import Email, EmailState
from tests.mail.conftest import Queue

AsPerson = Callable[[Person], Client]
LIST = "/admin/mail/email/"


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


def test_the_outbox_is_listed_filtered_and_searched_by_address(admin_client: Client, queue: Queue) -> None:
    queue("noor@example.org", "For Noor")
    queue("kit@example.org", "For Kit")
    page = admin_client.get(LIST, {"q": "noor@", "state": "waiting"}).content.decode()
    assert "For Noor" in page
    assert "For Kit" not in page
    assert "For Noor" not in admin_client.get(LIST, {"state": "failed"}).content.decode()


def test_an_emails_text_is_not_shown(admin_client: Client, queue: Queue) -> None:
    email = queue(text="A link of your own")
    page = admin_client.get(f"{LIST}{email.pk}/change/").content.decode()
    assert email.message_id.strip("<>") in page
    assert "A link of your own" not in page


def test_nothing_can_be_added_changed_or_deleted(admin_client: Client, queue: Queue) -> None:
    email = queue()
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}add/", {"subject": "Mine"}).status_code == 403
    assert admin_client.post(f"{LIST}{email.pk}/change/", {"subject": "Mine"}).status_code == 403
    assert admin_client.post(f"{LIST}{email.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Email.objects.get().subject == email.subject


def test_only_admins_see_the_outbox(
    client: Client, teen: Person, parent: Person, as_person: AsPerson, db: None
) -> None:
    for other in (client, as_person(teen), as_person(parent)):
        assert other.get(LIST).status_code == 302


def test_a_failed_email_can_be_resent(admin_client: Client, queue: Queue) -> None:
    failed, sent = queue(), queue()
    Email.objects.filter(pk=failed.pk).update(state=EmailState.FAILED, failed_at=timezone.now(), attempts=8)
    Email.objects.filter(pk=sent.pk).update(state=EmailState.SENT, sent_at=timezone.now())
    page = admin_client.post(
        LIST, {"action": "send_again", "_selected_action": [failed.pk, sent.pk]}, follow=True
    )
    assert "1 email will be sent again." in page.content.decode()
    assert Email.objects.get(pk=failed.pk).state == EmailState.WAITING
    assert Email.objects.get(pk=failed.pk).message_id == failed.message_id
    assert Email.objects.get(pk=sent.pk).state == EmailState.SENT
    page = admin_client.post(LIST, {"action": "send_again", "_selected_action": [sent.pk]}, follow=True)
    assert "None of these emails had failed." in page.content.decode()
