"""The admin's event pages: previews, messages, check-in, counts, export, repeat and copy."""

import csv
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from events.models import Event, SignUp
from events.services import create_sign_up, delete_expired_sign_ups, record_attendance
from events.statistics import build_bars
from mail.models import BounceKind, Email, EmailState
from tests.events.conftest import MakeEvent, sign_up_and_confirm
from tests.events.test_admin import AsPerson
from tests.markup import squeezed

READ = ["people", "visit", "emails", "emails/spot_confirmation", "people.csv"]
WRITE = ["message", "repeat", "cancel"]


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


def at(event: Event, page: str) -> str:
    return f"/admin/events/event/{event.pk}/{page}"


def read(client: Client, event: Event, page: str) -> str:
    reply = client.get(at(event, page))
    assert reply.status_code == 200
    content = b"".join(reply.streaming_content) if reply.streaming else reply.content  # type: ignore[attr-defined]
    return bytes(content).decode()


class TestPermissions:
    @pytest.mark.parametrize("page", READ + WRITE)
    def test_only_admins_get_in(self, event: Event, as_person: AsPerson, teen: Person, page: str) -> None:
        for client in (Client(), as_person(teen)):
            assert client.get(at(event, page)).status_code == 302
        helper = Person.objects.create(username="h", role=Role.ADMIN, is_staff=True)
        assert as_person(helper).get(at(event, page)).status_code == 403

    def test_the_view_permission_changes_nothing(
        self, event: Event, sign_up: SignUp, as_person: AsPerson
    ) -> None:
        from django.contrib.auth.models import Permission

        looker = Person.objects.create(username="h", role=Role.ADMIN, is_staff=True)
        looker.user_permissions.add(Permission.objects.get(codename="view_event"))
        client = as_person(looker)
        for page in READ:
            read(client, event, page)
        for page in WRITE:
            assert client.get(at(event, page)).status_code == 403
        assert client.post(at(event, "people"), {"sign_up": str(sign_up.pk)}).status_code == 403
        assert "Check in" not in read(client, event, "people")


class TestPreviews:
    def test_a_draft_is_seen_as_a_visitor_would(self, admin_client: Client, draft: Event) -> None:
        page = read(admin_client, draft, "visit")
        assert "A draft" in page
        assert "Save my spot" in page

    def test_every_email_is_shown_as_it_would_be_sent(self, admin_client: Client, draft: Event) -> None:
        page = read(admin_client, draft, "emails")
        for subject in (
            "Confirm your spot",
            "You have a spot",
            "Changed",
            "Coming up",
            "A spot opened up",
            "Cancelled",
        ):
            assert f"{subject}: A draft" in page
        assert not Email.objects.exists()

    def test_an_email_is_shown_as_html_with_inline_styles_only(
        self, admin_client: Client, draft: Event
    ) -> None:
        reply = admin_client.get(at(draft, "emails/spot_confirmation"))
        assert "You have a spot at “A draft”." in reply.content.decode()
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert admin_client.get(at(draft, "emails/nothing")).status_code == 404


class TestAMessage:
    def form(self, **changed: str) -> dict[str, str]:
        return {
            "message_id": str(uuid4()),
            "audience": "everyone",
            "subject": "Bring 100% of your\r\nquestions",
            "body": "Two lines.\n\nAnd <b>one</b>.",
        } | changed

    @pytest.fixture
    def full(self, make_event: MakeEvent) -> Event:
        """Lee has a spot, Kim is on the waitlist, and Max has not confirmed."""
        event = make_event(capacity=1)
        sign_up_and_confirm(event, "Lee")
        sign_up_and_confirm(event, "Kim")
        create_sign_up(event=event, name="Max", email="max@example.org")
        return event

    def written(self) -> set[str]:
        return {mail.to.partition("@")[0] for mail in Email.objects.filter(subject__startswith="Bring")}

    @pytest.mark.parametrize(
        ("audience", "names"), [("everyone", {"lee", "kim"}), ("going", {"lee"}), ("waitlisted", {"kim"})]
    )
    def test_goes_to_its_audience_once(
        self, admin_client: Client, full: Event, audience: str, names: set[str]
    ) -> None:
        page = read(admin_client, full, "message")
        assert "Everyone who confirmed (2)" in page
        assert "The waitlist (1)" in page
        form = self.form(audience=audience)
        for _ in range(2):
            assert admin_client.post(at(full, "message"), form).status_code == 302
        assert self.written() == names
        assert Email.objects.filter(subject="Bring 100% of your questions").count() == len(names)
        assert "Two lines.\n\nAnd <b>one</b>." in Email.objects.filter(subject__startswith="Bring")[0].text

    def test_needs_a_text_and_an_audience(self, admin_client: Client, full: Event) -> None:
        for wrong in ({"body": ""}, {"audience": "strangers"}, {"subject": ""}):
            assert admin_client.post(at(full, "message"), self.form(**wrong)).status_code == 200
        assert not self.written()


def test_the_page_shows_whose_email_did_not_arrive(admin_client: Client, event: Event) -> None:
    for name in ("Kim", "Lee", "Max"):
        sign_up_and_confirm(event, name, email=f"{name}@Example.org")
    assert "didn’t arrive" not in read(admin_client, event, "people")
    Email.objects.filter(to="Kim@example.org").update(bounce=BounceKind.BOUNCED)
    Email.objects.filter(to="Lee@example.org").update(state=EmailState.FAILED, failed_at=timezone.now())
    page = squeezed(read(admin_client, event, "people"))
    for name in ("Kim", "Lee"):
        assert f"{name}@example.org (an email didn’t arrive)" in page
    assert "Max@example.org (" not in page


class TestCheckIn:
    def test_a_button_checks_a_person_in_and_undoes_it(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        assert "Check in Kim" in read(admin_client, event, "people")
        admin_client.post(at(event, "people"), {"sign_up": str(sign_up.pk)})
        sign_up.refresh_from_db()
        assert sign_up.attended_at
        assert "Mark Kim as not here" in read(admin_client, event, "people")
        admin_client.post(at(event, "people"), {"sign_up": str(sign_up.pk)})
        sign_up.refresh_from_db()
        assert sign_up.attended_at is None

    def test_of_another_event_is_not_possible_here(
        self, admin_client: Client, make_event: MakeEvent, sign_up: SignUp
    ) -> None:
        other = make_event("other")
        assert admin_client.post(at(other, "people"), {"sign_up": str(sign_up.pk)}).status_code == 404

    def test_the_page_costs_the_same_for_many(
        self, admin_client: Client, event: Event, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        host = sign_up_and_confirm(event, "Host")
        for number in range(8):
            create_sign_up(event=event, name=f"N{number}", email=f"n{number}@example.org", guest_of=None)
        SignUp.objects.exclude(pk=host.pk).update(guest_of=host)
        # Session, person, second factor, the event, its sign-ups, counts and feedback, and unreachable addresses.
        with django_assert_max_num_queries(8):
            page = squeezed(read(admin_client, event, "people"))
        assert page.count('">Check in<') == 9


def test_the_numbers_are_counted_in_one_query(
    event: Event, sign_up: SignUp, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record_attendance(sign_up=sign_up)
    sign_up_and_confirm(event, "Lee")
    create_sign_up(event=event, name="Max", email="max@example.org")
    with django_assert_num_queries(1):
        bars = build_bars(event)
    assert [bar.count for bar in bars] == [3, 2, 2, 0, 1]
    assert [bar.width for bar in bars] == [320, 213, 213, 0, 107]


def test_the_counts_outlive_the_sign_ups(event: Event, sign_up: SignUp) -> None:
    record_attendance(sign_up=sign_up)
    sign_up_and_confirm(event, "Lee")
    assert event.ends_at
    assert delete_expired_sign_ups(now=event.ends_at + timedelta(days=30)) == 2
    assert not SignUp.objects.exists()
    assert [bar.count for bar in build_bars(Event.objects.get())] == [2, 2, 2, 0, 1]
    assert delete_expired_sign_ups(now=event.ends_at + timedelta(days=31)) == 0


def test_the_export_opens_in_a_spreadsheet_and_runs_nothing(
    admin_client: Client, event: Event, sign_up: SignUp
) -> None:
    create_sign_up(event=event, name="=1+1", email="lee@example.org", guest_of=sign_up)
    text = read(admin_client, event, "people.csv")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(text[1:].splitlines()))
    assert [row["name"] for row in rows] == ["'=1+1", "Kim"]
    assert rows[0]["guest_of"] == "Kim"
    assert rows[1]["status"] == "going"
    assert "token" not in rows[0]
    assert sign_up.token not in text


def test_a_new_event_is_prefilled_from_the_latest_or_the_chosen_one(
    admin_client: Client, make_event: MakeEvent, past: Event
) -> None:
    make_event(title="The last one", capacity=12)
    page = admin_client.get("/admin/events/event/add/").content.decode()
    assert 'value="The last one"' in page
    assert 'value="12"' in page
    chosen = admin_client.get(f"/admin/events/event/add/?from={past.pk}").content.decode()
    assert 'value="Long ago"' in chosen
    assert admin_client.get("/admin/events/event/add/?from=nobody").status_code == 200


def test_repeating_creates_drafts_and_refuses_skipped_times(admin_client: Client, event: Event) -> None:
    admin_client.post(at(event, "repeat"), {"times": "3", "weeks": "2"})
    assert Event.objects.filter(is_published=False, series__isnull=False).count() == 3
    assert admin_client.post(at(event, "repeat"), {"times": "0", "weeks": "2"}).status_code == 200
