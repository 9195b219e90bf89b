"""Sign-ups are unique per name and address, confirmed by email, and deleted in time."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Person
from events.errors import EventClosed
from events.models import Event, SignUp, SignUpStatus
from events.services import create_sign_up, delete_expired_sign_ups, leave_event
from events.spots import confirm_sign_up
from events.tasks import delete_expired_sign_ups as forget_task
from mail.models import Email
from tests.budgets.rush import at_once
from tests.events.conftest import MakeEvent

SOON = timedelta(minutes=10)


def test_a_sign_up_is_saved_and_asked_to_confirm(event: Event, teen: Person) -> None:
    made = create_sign_up(event=event, name=" Kim ", email=" Kim@Example.org ", person=teen)
    kept = SignUp.objects.get()
    assert (kept.name, kept.email, kept.person, kept.event) == ("Kim", "Kim@example.org", teen, event)
    assert len(kept.token) == 32
    assert kept == made
    assert Email.objects.get().to == "Kim@example.org"


@pytest.mark.parametrize("again", ["kim@example.org", "KIM@EXAMPLE.ORG", "  Kim@Example.Org\t"])
def test_signing_up_again_makes_no_second_row_and_no_immediate_email(
    event: Event, unconfirmed: SignUp, again: str
) -> None:
    assert create_sign_up(event=event, name="Kim", email=again) == unconfirmed
    assert SignUp.objects.count() == Email.objects.count() == 1


def test_signing_up_again_later_sends_the_email_again(event: Event, unconfirmed: SignUp) -> None:
    later = timezone.now() + SOON
    create_sign_up(event=event, name="Kim", email="kim@example.org", now=later)
    create_sign_up(event=event, name="Kim", email="kim@example.org", now=later)
    assert Email.objects.count() == 2
    assert {mail.to for mail in Email.objects.all()} == {"kim@example.org"}


def test_another_name_at_an_address_is_another_sign_up(
    event: Event, sign_up: SignUp, stranger: Person
) -> None:
    other = create_sign_up(event=event, name="Lee", email="KIM@example.org", person=stranger)
    sign_up.refresh_from_db()
    assert (sign_up.name, sign_up.email, sign_up.person) == ("Kim", "kim@example.org", None)
    assert (other.name, other.status) == ("Lee", SignUpStatus.UNCONFIRMED)
    words = Email.objects.get(key__startswith=f"sign-up {other.pk}").text
    assert "signed in here as kit, and gave your name as Lee" in words
    assert "There’s already a sign-up with your email address: Kim." in words
    assert confirm_sign_up(sign_up=other).is_going
    assert SignUp.objects.filter(status=SignUpStatus.GOING).count() == 2


def test_one_address_has_at_most_four_sign_ups_and_one_email_a_day_says_so(event: Event) -> None:
    for name in ("Ana", "Ben", "Cem", "Dov", "Eva", "Fay"):
        made = create_sign_up(event=event, name=name, email="home@example.org")
    assert sorted(event.sign_ups.values_list("name", flat=True)) == ["Ana", "Ben", "Cem", "Dov"]
    assert made.name == "Ana"
    assert "tried to sign up Eva" in Email.objects.get(subject__startswith="No one was added").text
    assert create_sign_up(event=event, name="dov", email="HOME@example.org").name == "Dov"


@pytest.mark.parametrize(
    ("spelling", "other"),
    [
        ("kim@bücher.de", "kim@xn--bcher-kva.de"),
        ("kim@BÜCHER.DE", "  kim@bücher.de\u3000"),
        ("ｋｉｍ＠ｅｘａｍｐｌｅ．ｏｒｇ", "Kim@example.org"),
    ],
)
def test_spellings_of_an_address_are_the_same(event: Event, spelling: str, other: str) -> None:
    assert create_sign_up(event=event, name="Kim", email=spelling) == create_sign_up(
        event=event, name="KIM", email=other
    )


def test_one_address_can_sign_up_for_two_events(unconfirmed: SignUp, make_event: MakeEvent) -> None:
    other = create_sign_up(event=make_event("another"), name="Kim", email="kim@example.org")
    assert other.token != unconfirmed.token
    assert Email.objects.count() == 2


def test_a_past_event_cannot_be_signed_up_for(past: Event) -> None:
    with pytest.raises(EventClosed):
        create_sign_up(event=past, name="Kim", email="kim@example.org")
    assert not SignUp.objects.exists()


def test_a_live_event_can_be_signed_up_for(make_event: MakeEvent) -> None:
    going_on = make_event(starts_at=timezone.now() - timedelta(minutes=59))
    create_sign_up(event=going_on, name="Kim", email="kim@example.org")
    assert going_on.sign_ups.count() == 1
    ended = make_event("ended", starts_at=timezone.now() - timedelta(minutes=60))
    with pytest.raises(EventClosed):
        create_sign_up(event=ended, name="Kim", email="kim@example.org")
    with pytest.raises(EventClosed):
        create_sign_up(event=going_on, name="Lee", email="lee@example.org", now=going_on.ends_at)


def test_a_rolled_back_sign_up_leaves_no_email(event: Event) -> None:
    with transaction.atomic():
        create_sign_up(event=event, name="Kim", email="kim@example.org")
        transaction.set_rollback(True)
    assert not Email.objects.exists()
    assert not SignUp.objects.exists()


@pytest.mark.usefixtures("no_nudges")
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_address_many_times_is_one_sign_up_and_one_email(self, event: Event) -> None:
        emails = ["kim@example.org", "Kim@Example.org"] * 6
        works = [lambda email=email: create_sign_up(event=event, name="Kim", email=email) for email in emails]
        assert len({made.pk for made in at_once(works)}) == 1
        assert SignUp.objects.count() == Email.objects.count() == 1

    def test_leaving_and_signing_up_at_once_both_succeed(self, event: Event, sign_up: SignUp) -> None:
        def come() -> None:
            create_sign_up(event=event, name="Kim", email="kim@example.org")

        def go() -> None:
            leave_event(sign_up=sign_up)

        at_once([come, go] * 6)
        assert SignUp.objects.count() <= 1


def test_the_database_allows_a_name_and_address_once(event: Event, sign_up: SignUp) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SignUp.objects.create(event=event, name="KIM", email="KIM@example.org")


def test_the_database_refuses_a_length_of_nothing(make_event: MakeEvent) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_event(minutes=0)


class TestRetention:
    def test_leaving_deletes_name_and_address_and_can_be_repeated(self, sign_up: SignUp) -> None:
        leave_event(sign_up=sign_up)
        leave_event(sign_up=sign_up)
        assert not SignUp.objects.exists()

    def test_a_sign_up_is_deleted_thirty_days_after_its_event(self, event: Event, sign_up: SignUp) -> None:
        assert event.ends_at
        assert delete_expired_sign_ups(now=event.ends_at + timedelta(days=30, seconds=-1)) == 0
        assert delete_expired_sign_ups(now=event.ends_at + timedelta(days=30)) == 1
        assert not SignUp.objects.exists()

    def test_sign_ups_of_unpublished_events_are_deleted_thirty_days_after_the_start(
        self, event: Event, sign_up: SignUp
    ) -> None:
        Event.objects.update(is_published=False, minutes=None)
        assert delete_expired_sign_ups(now=event.starts_at + timedelta(days=30)) == 1

    def test_upcoming_sign_ups_are_kept(self, sign_up: SignUp) -> None:
        assert forget_task() == 0
        assert SignUp.objects.exists()

    def test_the_task_deletes_expired_sign_ups(self) -> None:
        from config.celery import app

        entry = app.conf.beat_schedule["delete expired sign-ups"]
        assert entry["task"] == forget_task.name
        assert entry["schedule"].remaining_estimate(timezone.now()) <= timedelta(days=1)

    def test_a_sign_up_outlives_its_account(self, event: Event, teen: Person) -> None:
        create_sign_up(event=event, name="Noor", email="noor@example.org", person=teen)
        teen.delete()
        assert SignUp.objects.get().person is None
