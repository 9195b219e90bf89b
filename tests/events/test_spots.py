"""Spots are exact, the waitlist is in order, offers expire, and people confirm for themselves."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from config.celery import app
from events.changes import cancel_event, update_event
from events.errors import EventClosed, GuestLimitReached, OfferNotUsable
from events.guests import build_guest_path
from events.models import Event, SignUp, SignUpStatus
from events.services import create_sign_up, delete_expired_sign_ups, leave_event
from events.spots import accept_offer, confirm_sign_up, expire_offers, get_waitlist_position, rejoin_waitlist
from events.tasks import expire_offers as expire_offers_task
from mail.models import Email
from tests.budgets.rush import at_once
from tests.events.conftest import MakeEvent, sign_up_and_confirm
from tests.markup import squeezed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def small(make_event: MakeEvent) -> Event:
    """An event with one spot."""
    return make_event(capacity=1)


def reload(sign_up: SignUp) -> SignUp:
    return SignUp.objects.select_related("event").get(pk=sign_up.pk)


def list_statuses(*sign_ups: SignUp) -> list[str]:
    return [reload(sign_up).status for sign_up in sign_ups]


def list_subjects(name: str) -> list[str]:
    """Return the subjects of all emails to a person, oldest first, up to the colon before the event's title."""
    emails = Email.objects.filter(to=f"{name}@example.org").order_by("created_at", "pk")
    return [email.subject.partition(":")[0] for email in emails]


class TestConfirming:
    def test_gives_a_spot_and_sends_the_invitation(self, unconfirmed: SignUp) -> None:
        assert list_statuses(unconfirmed) == ["unconfirmed"]
        confirm_sign_up(sign_up=unconfirmed)
        confirm_sign_up(sign_up=unconfirmed)
        assert list_statuses(unconfirmed) == ["going"]
        assert list_subjects("kim") == ["Confirm your spot", "You have a spot"]

    def test_is_needed_for_a_spot(self, small: Event) -> None:
        create_sign_up(event=small, name="Kim", email="kim@example.org")
        assert list_statuses(sign_up_and_confirm(small, "Lee")) == ["going"]

    def test_is_refused_after_the_event_or_its_cancellation(self, event: Event, unconfirmed: SignUp) -> None:
        with pytest.raises(EventClosed):
            confirm_sign_up(sign_up=unconfirmed, now=event.ends_at)
        cancel_event(event=event)
        with pytest.raises(EventClosed):
            confirm_sign_up(sign_up=unconfirmed)
        assert list_subjects("kim") == ["Confirm your spot"], "no cancellation email without a confirmation"

    def test_is_required_within_two_days_or_the_sign_up_is_deleted(
        self, unconfirmed: SignUp, event: Event
    ) -> None:
        sign_up_and_confirm(event, "Lee")
        assert delete_expired_sign_ups(now=timezone.now() + 2 * DAY - HOUR) == 0
        assert delete_expired_sign_ups(now=timezone.now() + 2 * DAY) == 1
        assert SignUp.objects.get().name == "Lee"

    def test_is_not_needed_when_signed_in_with_that_address(
        self, event: Event, parent: Person, stranger: Person
    ) -> None:
        EmailAddress.objects.create(user=parent, email="kim@example.org", verified=True)
        EmailAddress.objects.create(user=stranger, email="lee@example.org", verified=False)
        own = create_sign_up(event=event, name="Kim", email="KIM@example.org", person=parent)
        only_claimed = create_sign_up(event=event, name="Lee", email="lee@example.org", person=stranger)
        another = create_sign_up(event=event, name="Max", email="max@example.org", person=parent)
        assert list_statuses(own, only_claimed, another) == ["going", "unconfirmed", "unconfirmed"]

    def test_needs_a_post(self, client: Client, unconfirmed: SignUp) -> None:
        page = client.get(unconfirmed.get_absolute_url()).content.decode()
        assert "Do you want to come?" in page
        assert client.get(f"{unconfirmed.get_absolute_url()}/confirm").status_code == 405
        assert list_statuses(unconfirmed) == ["unconfirmed"]
        reply = client.post(f"{unconfirmed.get_absolute_url()}/confirm", follow=True)
        assert "Kim, you have a spot" in reply.content.decode()


@pytest.mark.usefixtures("no_nudges")
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_hundred_sign_ups_fill_exactly_fifty_spots_and_the_waitlist(
        self, make_event: MakeEvent
    ) -> None:
        event = make_event(capacity=50)
        sign_ups = [create_sign_up(event=event, name=f"N{n}", email=f"n{n}@example.org") for n in range(200)]
        done = at_once([partial(confirm_sign_up, sign_up=sign_up) for sign_up in sign_ups])
        assert [sign_up.status for sign_up in done].count("going") == 50
        waiting = sorted(
            (sign_up for sign_up in done if sign_up.status == "waitlisted"),
            key=lambda sign_up: str(sign_up.waitlisted_at),
        )
        assert len(waiting) == 150
        assert [get_waitlist_position(sign_up) for sign_up in waiting] == list(range(1, 151))
        last_spot_given_at = max(sign_up.spot_given_at for sign_up in done if sign_up.spot_given_at)
        assert all(
            sign_up.waitlisted_at and sign_up.waitlisted_at > last_spot_given_at for sign_up in waiting
        ), "the waitlist begins after the last spot"
        assert Email.objects.filter(subject__startswith="You have a spot").count() == 50

    def test_spots_freed_at_once_are_offered_once_each(self, make_event: MakeEvent) -> None:
        event = make_event(capacity=10)
        with_spots = [sign_up_and_confirm(event, f"P{n}") for n in range(10)]
        waiting = [sign_up_and_confirm(event, f"W{n}") for n in range(15)]
        at_once([partial(leave_event, sign_up=sign_up) for sign_up in with_spots])
        assert list_statuses(*waiting) == ["offered"] * 10 + ["waitlisted"] * 5

    def test_signing_up_confirming_and_leaving_never_deadlock(self, small: Event) -> None:
        sign_up_and_confirm(small, "Lee")

        def sign_up_confirm_and_leave() -> None:
            sign_up = create_sign_up(event=small, name="Kim", email="kim@example.org")
            try:
                confirm_sign_up(sign_up=sign_up)
                leave_event(sign_up=sign_up)
            except SignUp.DoesNotExist:
                pass  # another thread has left with the same sign-up

        at_once([sign_up_confirm_and_leave] * 8)
        assert SignUp.objects.filter(status=SignUpStatus.GOING).count() == 1


class TestTheWaitlist:
    def test_starts_when_the_last_spot_is_taken(self, small: Event, client: Client) -> None:
        lee, kim, max_ = (
            sign_up_and_confirm(small, "Lee"),
            sign_up_and_confirm(small),
            sign_up_and_confirm(small, "Max"),
        )
        assert list_statuses(lee, kim, max_) == ["going", "waitlisted", "waitlisted"]
        assert list_subjects("max") == ["Confirm your spot", "You’re on the waitlist"]
        assert "You’re number 2 on the waitlist." in client.get(max_.get_absolute_url()).content.decode()
        page = client.get(small.get_absolute_url()).content.decode()
        assert "All spots are taken" in page
        assert "Join the waitlist" in page

    def test_a_freed_spot_goes_to_the_longest_waiting(self, small: Event) -> None:
        lee, kim, max_ = (
            sign_up_and_confirm(small, "Lee"),
            sign_up_and_confirm(small),
            sign_up_and_confirm(small, "Max"),
        )
        leave_event(sign_up=lee)
        assert list_statuses(kim, max_) == ["offered", "waitlisted"]
        assert list_subjects("kim")[-1] == "A spot opened up"
        assert list_statuses(sign_up_and_confirm(small, "New")) == ["waitlisted"], (
            "no one overtakes the waitlist"
        )

    def test_added_spots_are_offered(self, small: Event) -> None:
        _lee, kim, max_, zoe = (
            sign_up_and_confirm(small, "Lee"),
            sign_up_and_confirm(small),
            sign_up_and_confirm(small, "Max"),
            sign_up_and_confirm(small, "Zoe"),
        )
        small.capacity = 3
        update_event(event=small, notify=False)
        assert list_statuses(kim, max_, zoe) == ["offered", "offered", "waitlisted"]
        small.capacity = None
        update_event(event=small, notify=False)
        assert list_statuses(zoe) == ["offered"]

    def test_a_lower_capacity_takes_no_spot_away(self, make_event: MakeEvent) -> None:
        event = make_event(capacity=2)
        both = sign_up_and_confirm(event), sign_up_and_confirm(event, "Lee")
        event.capacity = 1
        update_event(event=event, notify=True)
        assert list_statuses(*both) == ["going", "going"]
        leave_event(sign_up=both[0])
        assert list_statuses(sign_up_and_confirm(event, "Max")) == ["waitlisted"]

    def test_makes_no_offers_after_the_start(self, small: Event) -> None:
        lee, kim = sign_up_and_confirm(small, "Lee"), sign_up_and_confirm(small)
        leave_event(sign_up=lee, now=small.starts_at)
        assert list_statuses(kim) == ["waitlisted"]


class TestAnOffer:
    @pytest.fixture
    def kim(self, small: Event) -> SignUp:
        """A sign-up with an offer of the only spot. Max is next on the waitlist."""
        lee, kim = sign_up_and_confirm(small, "Lee"), sign_up_and_confirm(small)
        sign_up_and_confirm(small, "Max")
        leave_event(sign_up=lee)
        return reload(kim)

    def get_max_status(self) -> str:
        return SignUp.objects.get(name="Max").status

    def test_is_accepted_with_a_button(self, kim: SignUp, client: Client) -> None:
        page = client.get(kim.get_absolute_url()).content.decode()
        assert "A spot is free for you" in page
        client.post(f"{kim.get_absolute_url()}/accept-offer")
        accept_offer(sign_up=kim)
        assert (list_statuses(kim), self.get_max_status()) == (["going"], "waitlisted")
        assert list_subjects("kim")[-2:] == ["A spot opened up", "You have a spot"]

    def test_lasts_a_day(self, kim: SignUp) -> None:
        assert kim.offer_expires_at
        assert DAY - HOUR < kim.offer_expires_at - timezone.now() <= DAY

    def test_lasts_half_of_the_time_before_the_start(self, make_event: MakeEvent) -> None:
        soon = make_event("soon", capacity=1, starts_at=timezone.now() + 4 * HOUR)
        lee, kim = sign_up_and_confirm(soon, "Lee"), sign_up_and_confirm(soon)
        leave_event(sign_up=lee)
        expires_at = reload(kim).offer_expires_at
        assert expires_at
        assert HOUR < expires_at - timezone.now() <= 2 * HOUR

    def test_goes_to_the_next_person_when_it_expires(self, kim: SignUp) -> None:
        expires_at = kim.offer_expires_at
        assert isinstance(expires_at, datetime)
        assert expire_offers(now=expires_at - timedelta(seconds=1)) == 0
        assert expire_offers(now=expires_at) == 1
        assert (list_statuses(kim), self.get_max_status()) == (["offer_expired"], "offered")
        assert list_subjects("kim")[-1] == "Your offer expired"
        with pytest.raises(OfferNotUsable):
            accept_offer(sign_up=kim, now=expires_at)

    def test_cannot_be_accepted_late_even_before_the_task_runs(self, kim: SignUp) -> None:
        with pytest.raises(OfferNotUsable):
            accept_offer(sign_up=kim, now=kim.offer_expires_at)

    def test_that_has_expired_can_be_exchanged_for_the_end_of_the_waitlist(
        self, kim: SignUp, client: Client
    ) -> None:
        expire_offers(now=kim.offer_expires_at)
        assert "Join the waitlist again" in client.get(kim.get_absolute_url()).content.decode()
        client.post(f"{kim.get_absolute_url()}/rejoin-waitlist")
        rejoin_waitlist(sign_up=kim)
        assert list_statuses(kim) == ["waitlisted"]
        assert get_waitlist_position(reload(kim)) == 1

    def test_that_is_declined_goes_to_the_next_person_at_once(self, kim: SignUp) -> None:
        leave_event(sign_up=kim)
        assert self.get_max_status() == "offered"
        assert "You’re no longer signed up" not in list_subjects("kim"), "no calendar has an entry to remove"

    def test_is_expired_by_a_task_in_the_beat_schedule(self, db: None) -> None:
        assert app.conf.beat_schedule["expire offers"]["task"] == expire_offers_task.name
        assert expire_offers_task() == 0


class TestAfterTheStart:
    """The waitlist closes at the start, and no page or email promises a spot after it."""

    def test_people_on_the_waitlist_see_that_it_is_closed(self, small: Event, client: Client) -> None:
        sign_up_and_confirm(small)
        lee = sign_up_and_confirm(small, "Lee")
        promise = "We’ll email you if one opens up before the event starts."
        assert promise in client.get(lee.get_absolute_url()).content.decode()
        Event.objects.update(starts_at=timezone.now() - timedelta(minutes=5))
        page = client.get(lee.get_absolute_url()).content.decode()
        assert "The waitlist is closed." in page
        assert promise not in page

    def test_a_late_sign_up_sees_that_there_is_no_spot(self, small: Event, client: Client) -> None:
        sign_up_and_confirm(small)
        Event.objects.update(starts_at=timezone.now() - timedelta(minutes=5))
        page = client.get("/events/one-evening").content.decode()
        assert "This event has started, and all spots are taken." in page
        assert "Join the waitlist" not in page
        sign_up_and_confirm(small, "Lee")
        text = Email.objects.filter(to="lee@example.org").latest("created_at").text
        assert "there’s no spot for you" in text
        assert "We’ll email you" not in text


class TestGuests:
    def test_are_invited_by_email_and_confirm_themselves(self, sign_up: SignUp, client: Client) -> None:
        form = {"name": "Lee", "email": "lee@example.org"}
        reply = client.post(f"{sign_up.get_absolute_url()}/invite-guest", form, follow=True)
        assert "Lee: hasn’t confirmed yet" in squeezed(reply.content.decode())
        lee = SignUp.objects.get(name="Lee")
        assert (lee.guest_of, lee.status) == (sign_up, "unconfirmed")
        confirm_sign_up(sign_up=lee)
        assert "Lee: has a spot" in squeezed(client.get(sign_up.get_absolute_url()).content.decode())
        assert "Kim" in client.get(lee.get_absolute_url()).content.decode()

    def test_can_sign_up_with_their_hosts_link(self, sign_up: SignUp, client: Client) -> None:
        path = build_guest_path(sign_up)
        page = client.get(path).content.decode()
        assert "Kim invited you to come along." in page
        assert sign_up.token not in page
        key = path.rpartition("/")[2]
        form = {"name": "Lee", "email": "lee@example.org", "key": key}
        client.post("/events/one-evening/sign-up", form)
        assert SignUp.objects.get(name="Lee").guest_of == sign_up

    def test_are_limited_by_the_events_maximum(self, sign_up: SignUp, client: Client) -> None:
        Event.objects.update(max_guests=2)
        for name in ("A", "B"):
            create_sign_up(event=sign_up.event, name=name, email=f"{name}@example.org", guest_of=sign_up)
        with pytest.raises(GuestLimitReached):
            create_sign_up(event=sign_up.event, name="C", email="c@example.org", guest_of=sign_up)
        assert SignUp.objects.count() == 3
        key = build_guest_path(sign_up).rpartition("/")[2]
        reply = client.post(
            "/events/one-evening/sign-up", {"name": "C", "email": "c@example.org", "key": key}
        )
        assert reply.status_code == 422
        assert "You can still sign up on your own." in reply.content.decode()
        form = {"name": "C", "email": "c@example.org"}
        assert client.post(f"{sign_up.get_absolute_url()}/invite-guest", form).status_code == 422

    def test_count_toward_the_maximum_before_they_confirm(self, sign_up: SignUp, client: Client) -> None:
        page = sign_up.get_absolute_url()
        assert "You can bring 3 people." in client.get(page).content.decode()
        create_sign_up(event=sign_up.event, name="Lee", email="lee@example.org", guest_of=sign_up)
        assert "You can bring 2 more people." in client.get(page).content.decode()
        create_sign_up(event=sign_up.event, name="Max", email="max@example.org", guest_of=sign_up)
        assert "You can bring 1 more person." in client.get(page).content.decode()

    def test_are_invited_at_most_ten_times_a_day_by_one_host(
        self, make_event: MakeEvent, client: Client
    ) -> None:
        sign_up = sign_up_and_confirm(make_event(max_guests=20))
        replies = [
            client.post(
                f"{sign_up.get_absolute_url()}/invite-guest",
                {"name": f"G{number}", "email": f"g{number}@example.org"},
                REMOTE_ADDR=f"198.51.100.{number}",
            ).status_code
            for number in range(11)
        ]
        assert replies == [302] * 10 + [429]

    def test_keep_their_spot_when_their_host_leaves(self, sign_up: SignUp) -> None:
        lee = create_sign_up(event=sign_up.event, name="Lee", email="lee@example.org", guest_of=sign_up)
        confirm_sign_up(sign_up=lee)
        leave_event(sign_up=sign_up)
        assert (list_statuses(lee), reload(lee).guest_of) == (["going"], None)

    def test_need_a_spot_like_everyone_else(self, make_event: MakeEvent) -> None:
        event = make_event(capacity=1)
        kim = sign_up_and_confirm(event)
        lee = create_sign_up(event=event, name="Lee", email="lee@example.org", guest_of=kim)
        assert confirm_sign_up(sign_up=lee).status == "waitlisted"

    @pytest.mark.parametrize("key", ["x", "~", "{pk}", "{pk}~x"])
    def test_need_a_valid_link(self, sign_up: SignUp, client: Client, key: str) -> None:
        key = key.format(pk=sign_up.pk)
        assert client.get(f"/events/one-evening/with/{key}").status_code == 404
        form = {"name": "Lee", "email": "lee@example.org", "key": key}
        assert client.post("/events/one-evening/sign-up", form).status_code == 404

    def test_need_a_confirmed_host_of_the_same_event(
        self, unconfirmed: SignUp, client: Client, make_event: MakeEvent
    ) -> None:
        make_event("other")
        assert client.get(build_guest_path(unconfirmed)).status_code == 404
        client.post(
            f"{unconfirmed.get_absolute_url()}/invite-guest", {"name": "Lee", "email": "lee@example.org"}
        )
        confirm_sign_up(sign_up=unconfirmed)
        elsewhere = build_guest_path(unconfirmed).replace("one-evening", "other")
        assert client.get(elsewhere).status_code == 404
        assert SignUp.objects.count() == 1


class TestJoining:
    JOIN_URL = "https://meet.example.org/secret"

    def get_join_redirect(self, client: Client, sign_up: SignUp) -> str:
        return str(client.get(f"{sign_up.get_absolute_url()}/join").headers["Location"])

    def test_opens_fifteen_minutes_before_and_records_attendance_once(
        self, make_event: MakeEvent, client: Client
    ) -> None:
        event = make_event(join_url=self.JOIN_URL, starts_at=timezone.now() + timedelta(minutes=16))
        kim = sign_up_and_confirm(event)
        assert self.get_join_redirect(client, kim) == kim.get_absolute_url()
        assert reload(kim).attended_at is None
        Event.objects.update(starts_at=timezone.now() + timedelta(minutes=14))
        page = client.get(kim.get_absolute_url()).content.decode()
        assert "join now</a>" in page
        assert self.JOIN_URL not in page
        assert self.get_join_redirect(client, kim) == self.JOIN_URL
        attended_at = reload(kim).attended_at
        assert attended_at
        self.get_join_redirect(client, kim)
        assert reload(kim).attended_at == attended_at

    def test_needs_a_spot(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(
            join_url=self.JOIN_URL, capacity=1, starts_at=timezone.now() + timedelta(minutes=5)
        )
        sign_up_and_confirm(event, "Lee")
        waitlisted = sign_up_and_confirm(event)
        unconfirmed = create_sign_up(event=event, name="Max", email="max@example.org")
        for sign_up in (waitlisted, unconfirmed):
            assert self.get_join_redirect(client, sign_up) == sign_up.get_absolute_url()

    def test_a_changed_join_link_keeps_the_personal_link(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(join_url=self.JOIN_URL, starts_at=timezone.now())
        kim = sign_up_and_confirm(event)
        Event.objects.update(join_url="https://meet.example.org/another")
        assert self.get_join_redirect(client, kim) == "https://meet.example.org/another"

    def test_is_closed_after_the_event(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(join_url=self.JOIN_URL)
        kim = sign_up_and_confirm(event)
        Event.objects.update(starts_at=timezone.now() - 2 * HOUR)
        assert self.get_join_redirect(client, kim) == kim.get_absolute_url()


def test_the_page_of_an_event_with_a_capacity_takes_two_queries(
    client: Client, small: Event, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sign_up_and_confirm(small)
    with django_assert_num_queries(2):
        client.get(small.get_absolute_url())
