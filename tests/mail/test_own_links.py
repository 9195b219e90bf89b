"""Emails link only to this site. These tests check every email that it can send."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from allauth.account.adapter import get_adapter
from allauth.core import context
from django.conf import settings
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone
from icalendar import Calendar
from pytest_django import Settings

from accounts.models import Person, Role
from budgets.alerts import send_alerts
from budgets.allowances import create_family_budget, set_allowance, set_parent_budget
from budgets.services import settle_hold
from desk.roles import StaffRole
from desk.team import invite_to_team
from events import emails
from events.models import Event, SignUp, SignUpStatus
from families.links import accept_invitation, create_invitation, decline_invitation, end_link
from families.notices import send_notice
from families.views.joining import _create_and_send_invitation
from kit.hyperlinks import has_hyperlink
from kit.site import build_absolute_url
from mail.messages import build_outgoing_message
from mail.models import Email
from mail.services import NewEmail, build_email, queue_emails
from safeguarding.models import Incident
from safeguarding.notifying import notify_on_call
from tests.budgets.ledger import make_hold

SITE = "https://kitchen.example"
# A hostile name that today's validation rejects. It may be stored already.
EVIL = "Win https://evil.example/prize evil-win.com/claim www.evil.example a@evil.example evil.abbott/x Evil。com"
FORBIDDEN = ["evil.example", "evil-win.com", "evil.abbott", "@evil", "://evil", "Evil。com"]
TEMPLATES = Path(settings.ROOT) / "templates"
BASE_TEMPLATES = {"base.txt"}


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = SITE


def list_links(text: str) -> list[str]:
    """List the parts of a text that an email client would turn into links."""
    return [word.strip("(<“\"'”>).,") for word in text.split() if has_hyperlink(word)]


def require_own_links_only(email: Email) -> None:
    message = build_outgoing_message(email).message()
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    assert plain
    assert page
    for text in (str(message["Subject"]), plain.get_content(), re.sub(r"<[^>]*>", " ", page.get_content())):
        assert not [link for link in list_links(text) if not link.startswith(f"{SITE}/")], text
        assert not [sign for sign in FORBIDDEN if sign in text], text
    targets = re.findall(r'href="([^"]*)"', page.get_content())
    assert all(target.startswith(f"{SITE}/") for target in targets), targets
    assert email.unsubscribe_url.startswith(f"{SITE}/") or not email.unsubscribe_url
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            require_own_calendar(part.get_content())


def require_own_calendar(content: str) -> None:
    unfolded = content.replace("\r\n ", "")
    assert not [sign for sign in FORBIDDEN if sign in unfolded], unfolded
    for entry in Calendar.from_ical(content).events:
        for field in ("SUMMARY", "DESCRIPTION", "LOCATION", "URL"):
            links = list_links(str(entry.get(field, "")))
            assert all(link.startswith(f"{SITE}/") for link in links), links


@pytest.fixture
def event(db: None) -> Event:
    return Event.objects.create(
        slug="one-evening",
        title="One evening",
        summary="An hour.",
        starts_at=timezone.now() + timedelta(days=9),
        time_zone="UTC",
        minutes=60,
        is_published=True,
    )


@pytest.fixture
def evil(event: Event) -> SignUp:
    """A guest with a host, an account and another sign-up at the same address, all with a hostile name."""
    person = Person.objects.create(username="evil", display_name=EVIL[:150], role=Role.PARENT)
    shared_fields = {"event": event, "status": SignUpStatus.GOING, "spot_given_at": timezone.now()}
    host = SignUp.objects.create(name=f"Host {EVIL}", email="host@example.org", **shared_fields)
    SignUp.objects.create(name=f"Lee {EVIL}", email="kim@example.org", **shared_fields)
    return SignUp.objects.create(
        name=EVIL,
        email="kim@example.org",
        person=person,
        guest_of=host,
        waitlisted_at=timezone.now(),
        **shared_fields,
    )


def build_every_email(sign_up: SignUp) -> dict[str, NewEmail]:
    """Build every email about an event, by the name of its template."""
    sign_up.offer_expires_at = timezone.now()
    return {
        "confirmation_request": emails.build_confirmation_request(sign_up),
        "spot_confirmation": emails.build_spot_confirmation(sign_up),
        "waitlisted": emails.build_waitlisted(sign_up),
        "offer": emails.build_offer(sign_up),
        "offer_expired": emails.build_offer_expired(sign_up),
        "changed": emails.build_change_notice(sign_up),
        "day_reminder": emails.build_day_reminder(sign_up),
        "hour_reminder": emails.build_hour_reminder(sign_up),
        "recording": emails.build_recording(sign_up),
        "left": emails.build_left_notice(sign_up),
        "cancelled": emails.build_cancellation_notice(sign_up, reason="The hall is closed."),
        "address_full": emails.build_address_full(sign_up, name=EVIL, now=timezone.now()),
        "message": emails.build_admin_message(
            sign_up, message_id=uuid4(), subject="Bring tea", body="Bring tea."
        ),
    }


def test_event_emails_link_only_to_this_site(evil: SignUp) -> None:
    new_emails = build_every_email(evil)
    files = {file.name for file in (TEMPLATES / "events/email").iterdir()}
    assert {f"{kind}.txt" for kind in new_emails} == files - BASE_TEMPLATES, "every email is checked"
    with transaction.atomic():
        for email in queue_emails(new_emails=list(new_emails.values())):
            require_own_links_only(email)
    for guest_of, person in ((None, None), (None, evil.person), (evil.guest_of, None)):
        evil.guest_of, evil.person = guest_of, person
        require_own_links_only(build_email(emails.build_confirmation_request(evil)))


def test_family_emails_link_only_to_this_site(db: None) -> None:
    def person(name: str, role: Role) -> Person:
        return Person.objects.create(
            username=name, display_name=f"{name} {EVIL}"[:150], role=role, email=f"{name}@example.org"
        )

    parent, teen = person("parent", Role.PARENT), person("teen", Role.TEEN)
    with transaction.atomic():
        _create_and_send_invitation(parent, "lee@example.org")
        decline_invitation(token=create_invitation(by=parent).token, by=teen)
        link = accept_invitation(token=create_invitation(by=parent).token, by=teen)
        end_link(link=link, by=teen)
        send_notice(person=teen, text=f"{parent} would like to take “A module” together with you.")
    assert Email.objects.count() == 5
    for email in Email.objects.all():
        require_own_links_only(email)


def test_invitations_to_the_team_link_only_to_this_site(db: None) -> None:
    owner = Person.objects.create(
        username="owner", display_name=EVIL[:150], role=Role.ADMIN, is_staff=True, is_superuser=True
    )
    invite_to_team(email="kim@example.org", roles=[StaffRole.CONTENT], language="es", by=owner)
    require_own_links_only(Email.objects.get())


def list_account_emails() -> Iterator[str]:
    """Yield the template prefix of every account email: account/email/password_reset_key."""
    for room in ("account", "mfa"):
        for file in sorted((TEMPLATES / room / "email").glob("*_message.txt")):
            yield f"{room}/email/{file.name.removesuffix('_message.txt')}"


@pytest.mark.parametrize("template_prefix", list(list_account_emails()))
def test_account_emails_link_only_to_this_site_despite_a_forged_host(template_prefix: str, db: None) -> None:
    request = RequestFactory().get("/", headers={"host": "evil.example"})
    forged = dict.fromkeys(
        ["activate_url", "password_reset_url", "signup_url"], "https://evil.example/account/key/a:b:c-d_e/"
    )
    with context.request_context(request):
        get_adapter().send_mail(
            template_prefix, "kim@example.org", {"user": Person(), "request": request, **forged}
        )
    email = Email.objects.get()
    require_own_links_only(email)
    assert list_links(email.text), "every account email contains a link"


class TestQueueing:
    """Queueing breaks the links to other sites that are left in an email's text."""

    def queued_text(self, text: str, *, is_by_staff: bool = False) -> str:
        new_email = NewEmail(key="k", to="kim@example.org", subject=text, text=text, is_by_staff=is_by_staff)
        return build_email(new_email).text

    def test_keeps_our_own_links(self) -> None:
        own = f"Here: {build_absolute_url('/account/confirm-email/MjU:1xXhbZ:Be5A_sb-Q/')}. Or ({SITE}/x?a=b#c), {SITE}"
        assert self.queued_text(own) == own

    @pytest.mark.parametrize(
        "text",
        [
            "evil.com",
            f"{SITE}.evil.com/x",
            f"{SITE}@evil.com/x",
            f"{SITE}/x,https://evil.com",
            f"x{SITE}/",
            "https://kitchen.example.evil.com",
        ],
    )
    def test_breaks_all_other_links(self, text: str) -> None:
        assert not list_links(self.queued_text(text))

    def test_keeps_links_written_by_staff(self) -> None:
        assert (
            self.queued_text("See https://example.org/tea", is_by_staff=True) == "See https://example.org/tea"
        )


def test_emails_to_reviewers_link_only_to_this_site(db: None) -> None:
    teen = Person.objects.create(username="evil", display_name=EVIL[:150], role=Role.TEEN)
    Person.objects.create(
        username="rosa",
        role=Role.ADMIN,
        display_name=EVIL[:150],
        email="rosa@example.org",
        is_staff=True,
        is_superuser=True,
    )
    for is_drill in (False, True):
        incident = Incident.objects.create(teen=teen, level="4", protocol="x", is_drill=is_drill)
        notify_on_call(incident_id=incident.pk)
    assert Email.objects.count() == 2
    for email in Email.objects.all():
        require_own_links_only(email)


def test_budget_alerts_link_only_to_this_site(db: None) -> None:
    family = set_allowance(budget=create_family_budget(time_zone="UTC"), tokens=1000)
    parent = Person.objects.create(
        username="evil", display_name=EVIL[:150], role=Role.PARENT, email="kim@example.org"
    )
    staff = {"role": Role.ADMIN, "is_staff": True, "is_superuser": True}
    Person.objects.create(username="boss", email="boss@example.org", **staff)
    set_parent_budget(owner=parent, parent=family)
    settle_hold(
        key=make_hold(parent, prompt=900, answer=50, now=timezone.now()).key, tokens=900, microdollars=0
    )
    assert send_alerts() == 1
    assert Email.objects.count() == 2
    for email in Email.objects.all():
        require_own_links_only(email)


def test_only_these_modules_queue_emails() -> None:
    """Add a check of its emails above before you add a module to this list."""
    places = {
        str(file.relative_to(settings.ROOT))
        for room in ("platform", "chat", "courses")
        for file in (Path(settings.ROOT) / room).rglob("*.py")
        if re.search(r"\bqueue_emails?\(", file.read_text())
    }
    assert places == {
        "platform/accounts/adapter.py",
        "platform/desk/team.py",
        "platform/budgets/alerts.py",
        "platform/events/follow_up.py",
        "platform/events/changes.py",
        "platform/events/messages.py",
        "platform/events/spots.py",
        "platform/events/reminders.py",
        "platform/events/services.py",
        "platform/families/notices.py",
        "platform/families/views/joining.py",
        "platform/mail/services.py",
        "platform/safeguarding/notifying.py",
    }
