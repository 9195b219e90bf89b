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
from events.errors import EventClosed, GuestLimitReached, OfferExpired
from events.guests import build_guest_path
from events.models import Event, SignUp, SignUpStatus
from events.services import create_sign_up, delete_expired_sign_ups, leave_event
from events.spots import accept_offer, confirm_sign_up, expire_offers, get_waitlist_position, rejoin_waitlist
from events.tasks import expire_offers as expire_task
from mail.models import Email
from tests.budgets.rush import at_once
from tests.events.conftest import MakeEvent, come
from tests.markup import squeezed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def small(make_event: MakeEvent) -> Event:
    """An event with one spot."""
    return make_event(capacity=1)


def reload(sign_up: SignUp) -> SignUp:
    return SignUp.objects.select_related("event").get(pk=sign_up.pk)


def stands(*sign_ups: SignUp) -> list[str]:
    return [reload(sign_up).status for sign_up in sign_ups]


def mails_to(name: str) -> list[str]:
    mails = Email.objects.filter(to=f"{name}@example.org").order_by("created_at", "pk")
    return [mail.subject.partition(":")[0] for mail in mails]


class TestConfirming:
    def test_gives_a_spot_and_sends_the_invitation(self, asked: SignUp) -> None:
        assert stands(asked) == ["unconfirmed"]
        confirm_sign_up(sign_up=asked)
        confirm_sign_up(sign_up=asked)
        assert stands(asked) == ["going"]
        assert mails_to("kim") == ["Confirm your spot", "You have a spot"]

    def test_is_needed_for_a_spot(self, small: Event) -> None:
        create_sign_up(event=small, name="Kim", email="kim@example.org")
        assert stands(come(small, "Lee")) == ["going"]

    def test_is_refused_after_the_event_or_its_cancellation(self, event: Event, asked: SignUp) -> None:
        with pytest.raises(EventClosed):
            confirm_sign_up(sign_up=asked, now=event.ends_at)
        cancel_event(event=event)
        with pytest.raises(EventClosed):
            confirm_sign_up(sign_up=asked)
        assert mails_to("kim") == ["Confirm your spot"], "whoever did not say yes is told of nothing"

    def test_is_required_within_two_days_or_the_sign_up_is_deleted(self, asked: SignUp, event: Event) -> None:
        come(event, "Lee")
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
        assert stands(own, only_claimed, another) == ["going", "unconfirmed", "unconfirmed"]

    def test_needs_a_post(self, client: Client, asked: SignUp) -> None:
        page = client.get(asked.get_absolute_url()).content.decode()
        assert "Do you want to come?" in page
        assert client.get(f"{asked.get_absolute_url()}/confirm").status_code == 405
        assert stands(asked) == ["unconfirmed"]
        reply = client.post(f"{asked.get_absolute_url()}/confirm", follow=True)
        assert "Kim, you have a spot" in reply.content.decode()


@pytest.mark.usefixtures("unsent")
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_hundred_sign_ups_fill_exactly_fifty_spots_and_the_waitlist(
        self, make_event: MakeEvent
    ) -> None:
        event = make_event(capacity=50)
        asked = [create_sign_up(event=event, name=f"N{n}", email=f"n{n}@example.org") for n in range(200)]
        done = at_once([partial(confirm_sign_up, sign_up=sign_up) for sign_up in asked])
        assert [sign_up.status for sign_up in done].count("going") == 50
        waiting = sorted(
            (sign_up for sign_up in done if sign_up.status == "waitlisted"),
            key=lambda sign_up: str(sign_up.waitlisted_at),
        )
        assert len(waiting) == 150
        assert [get_waitlist_position(sign_up) for sign_up in waiting] == list(range(1, 151))
        last_place = max(sign_up.spot_given_at for sign_up in done if sign_up.spot_given_at)
        assert all(sign_up.waitlisted_at and sign_up.waitlisted_at > last_place for sign_up in waiting), (
            "the rest in order"
        )
        assert Email.objects.filter(subject__startswith="You have a spot").count() == 50

    def test_spots_freed_at_once_are_offered_once_each(self, make_event: MakeEvent) -> None:
        event = make_event(capacity=10)
        placed = [come(event, f"P{n}") for n in range(10)]
        waiting = [come(event, f"W{n}") for n in range(15)]
        at_once([partial(leave_event, sign_up=sign_up) for sign_up in placed])
        assert stands(*waiting) == ["offered"] * 10 + ["waitlisted"] * 5

    def test_signing_up_confirming_and_leaving_never_deadlock(self, small: Event) -> None:
        come(small, "Lee")

        def everything() -> None:
            sign_up = create_sign_up(event=small, name="Kim", email="kim@example.org")
            try:
                confirm_sign_up(sign_up=sign_up)
                leave_event(sign_up=sign_up)
            except SignUp.DoesNotExist:
                pass  # another of these has left meanwhile

        at_once([everything] * 8)
        assert SignUp.objects.filter(status=SignUpStatus.GOING).count() == 1


class TestTheWaitlist:
    def test_starts_when_the_last_spot_is_taken(self, small: Event, client: Client) -> None:
        lee, kim, max_ = come(small, "Lee"), come(small), come(small, "Max")
        assert stands(lee, kim, max_) == ["going", "waitlisted", "waitlisted"]
        assert mails_to("max") == ["Confirm your spot", "You’re on the waitlist"]
        assert "You’re number 2 on the waitlist." in client.get(max_.get_absolute_url()).content.decode()
        page = client.get(small.get_absolute_url()).content.decode()
        assert "All spots are taken" in page
        assert "Join the waitlist" in page

    def test_a_freed_spot_goes_to_the_longest_waiting(self, small: Event) -> None:
        lee, kim, max_ = come(small, "Lee"), come(small), come(small, "Max")
        leave_event(sign_up=lee)
        assert stands(kim, max_) == ["offered", "waitlisted"]
        assert mails_to("kim")[-1] == "A spot opened up"
        assert stands(come(small, "New")) == ["waitlisted"], "nobody comes in before them"

    def test_added_spots_are_offered(self, small: Event) -> None:
        _lee, kim, max_, zoe = come(small, "Lee"), come(small), come(small, "Max"), come(small, "Zoe")
        small.capacity = 3
        update_event(event=small, notify=False)
        assert stands(kim, max_, zoe) == ["offered", "offered", "waitlisted"]
        small.capacity = None
        update_event(event=small, notify=False)
        assert stands(zoe) == ["offered"]

    def test_a_lower_capacity_takes_no_spot_away(self, make_event: MakeEvent) -> None:
        event = make_event(capacity=2)
        both = come(event), come(event, "Lee")
        event.capacity = 1
        update_event(event=event, notify=True)
        assert stands(*both) == ["going", "going"]
        leave_event(sign_up=both[0])
        assert stands(come(event, "Max")) == ["waitlisted"]

    def test_ends_with_the_start(self, small: Event) -> None:
        lee, kim = come(small, "Lee"), come(small)
        leave_event(sign_up=lee, now=small.starts_at)
        assert stands(kim) == ["waitlisted"]


class TestAnOffer:
    @pytest.fixture
    def kim(self, small: Event) -> SignUp:
        """Was just offered the only spot. Max is next on the waitlist."""
        lee, kim = come(small, "Lee"), come(small)
        come(small, "Max")
        leave_event(sign_up=lee)
        return reload(kim)

    def max_now(self) -> str:
        return SignUp.objects.get(name="Max").status

    def test_is_accepted_with_a_button(self, kim: SignUp, client: Client) -> None:
        page = client.get(kim.get_absolute_url()).content.decode()
        assert "A spot is free for you" in page
        client.post(f"{kim.get_absolute_url()}/accept-offer")
        accept_offer(sign_up=kim)
        assert (stands(kim), self.max_now()) == (["going"], "waitlisted")
        assert mails_to("kim")[-2:] == ["A spot opened up", "You have a spot"]

    def test_lasts_a_day(self, kim: SignUp) -> None:
        assert kim.offer_expires_at
        assert DAY - HOUR < kim.offer_expires_at - timezone.now() <= DAY

    def test_lasts_half_of_the_time_before_the_start(self, make_event: MakeEvent) -> None:
        soon = make_event("soon", capacity=1, starts_at=timezone.now() + 4 * HOUR)
        lee, kim = come(soon, "Lee"), come(soon)
        leave_event(sign_up=lee)
        until = reload(kim).offer_expires_at
        assert until
        assert HOUR < until - timezone.now() <= 2 * HOUR

    def test_goes_to_the_next_person_when_it_expires(self, kim: SignUp) -> None:
        until = kim.offer_expires_at
        assert isinstance(until, datetime)
        assert expire_offers(now=until - timedelta(seconds=1)) == 0
        assert expire_offers(now=until) == 1
        assert (stands(kim), self.max_now()) == (["offer_expired"], "offered")
        assert mails_to("kim")[-1] == "Your offer expired"
        with pytest.raises(OfferExpired):
            accept_offer(sign_up=kim, now=until)

    def test_cannot_be_accepted_late_even_before_the_task_runs(self, kim: SignUp) -> None:
        with pytest.raises(OfferExpired):
            accept_offer(sign_up=kim, now=kim.offer_expires_at)

    def test_that_expired_lets_them_rejoin_the_waitlist_at_the_end(self, kim: SignUp, client: Client) -> None:
        expire_offers(now=kim.offer_expires_at)
        assert "Join the waitlist again" in client.get(kim.get_absolute_url()).content.decode()
        client.post(f"{kim.get_absolute_url()}/rejoin-waitlist")
        rejoin_waitlist(sign_up=kim)
        assert stands(kim) == ["waitlisted"]
        assert get_waitlist_position(reload(kim)) == 1

    def test_that_is_declined_goes_to_the_next_person_at_once(self, kim: SignUp) -> None:
        leave_event(sign_up=kim)
        assert self.max_now() == "offered"
        assert "You’re no longer signed up" not in mails_to("kim"), "no calendar has anything to take out"

    def test_is_expired_by_the_task(self, db: None) -> None:
        assert app.conf.beat_schedule["pass offers on"]["task"] == expire_task.name
        assert expire_task() == 0


class TestAfterTheStart:
    """The waitlist closes at the start, and no page or email promises a spot after it."""

    def test_people_on_the_waitlist_see_that_it_is_closed(self, small: Event, client: Client) -> None:
        come(small)
        lee = come(small, "Lee")
        page = client.get(lee.get_absolute_url()).content.decode()
        assert "We’ll email you if one opens up before the event starts." in page
        Event.objects.update(starts_at=timezone.now() - timedelta(minutes=5))
        page = client.get(lee.get_absolute_url()).content.decode()
        assert "The waitlist is closed." in page
        assert "We write to you" not in page

    def test_a_late_sign_up_sees_that_there_is_no_spot(self, small: Event, client: Client) -> None:
        come(small)
        Event.objects.update(starts_at=timezone.now() - timedelta(minutes=5))
        page = client.get("/events/one-evening").content.decode()
        assert "This event has started, and all spots are taken." in page
        assert "Join the waitlist" not in page
        come(small, "Lee")
        words = Email.objects.filter(to="lee@example.org").latest("created_at").text
        assert "there’s no spot for you" in words
        assert "we write to you" not in words


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

    def test_come_by_their_hosts_link(self, sign_up: SignUp, client: Client) -> None:
        path = build_guest_path(sign_up)
        page = client.get(path).content.decode()
        assert "Kim invited you to come along." in page
        assert sign_up.token not in page
        key = path.rpartition("/")[2]
        form = {"name": "Lee", "email": "lee@example.org", "key": key}
        client.post("/events/one-evening/sign-up", form)
        assert SignUp.objects.get(name="Lee").guest_of == sign_up

    def test_are_as_many_as_the_event_allows(self, sign_up: SignUp, client: Client) -> None:
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

    def test_count_as_soon_as_they_are_invited(self, sign_up: SignUp, client: Client) -> None:
        page = sign_up.get_absolute_url()
        assert "You can bring 3 people." in client.get(page).content.decode()
        create_sign_up(event=sign_up.event, name="Lee", email="lee@example.org", guest_of=sign_up)
        assert "You can bring 2 more people." in client.get(page).content.decode()
        create_sign_up(event=sign_up.event, name="Max", email="max@example.org", guest_of=sign_up)
        assert "You can bring 1 more person." in client.get(page).content.decode()

    def test_are_invited_at_most_ten_times_a_day_by_one_host(
        self, make_event: MakeEvent, client: Client
    ) -> None:
        sign_up = come(make_event(max_guests=20))
        replies = [
            client.post(
                f"{sign_up.get_absolute_url()}/invite-guest",
                {"name": f"G{number}", "email": f"g{number}@example.org"},
                REMOTE_ADDR=f"198.51.100.{number}",
            ).status_code
            for number in range(11)
        ]
        assert replies == [302] * 10 + [429]

    def test_stay_when_their_host_leaves(self, sign_up: SignUp) -> None:
        lee = create_sign_up(event=sign_up.event, name="Lee", email="lee@example.org", guest_of=sign_up)
        confirm_sign_up(sign_up=lee)
        leave_event(sign_up=sign_up)
        assert (stands(lee), reload(lee).guest_of) == (["going"], None)

    def test_need_a_spot_like_everyone_else(self, make_event: MakeEvent) -> None:
        event = make_event(capacity=1)
        kim = come(event)
        lee = create_sign_up(event=event, name="Lee", email="lee@example.org", guest_of=kim)
        assert confirm_sign_up(sign_up=lee).status == "waitlisted"

    @pytest.mark.parametrize("key", ["x", "~", "{pk}", "{pk}~x"])
    def test_need_a_valid_link(self, sign_up: SignUp, client: Client, key: str) -> None:
        key = key.format(pk=sign_up.pk)
        assert client.get(f"/events/one-evening/with/{key}").status_code == 404
        form = {"name": "Lee", "email": "lee@example.org", "key": key}
        assert client.post("/events/one-evening/sign-up", form).status_code == 404

    def test_need_a_confirmed_host_of_the_same_event(
        self, asked: SignUp, client: Client, make_event: MakeEvent
    ) -> None:
        make_event("other")
        assert client.get(build_guest_path(asked)).status_code == 404
        client.post(f"{asked.get_absolute_url()}/invite-guest", {"name": "Lee", "email": "lee@example.org"})
        confirm_sign_up(sign_up=asked)
        elsewhere = build_guest_path(asked).replace("one-evening", "other")
        assert client.get(elsewhere).status_code == 404
        assert SignUp.objects.count() == 1


class TestJoining:
    ROOM = "https://meet.example.org/secret"

    def way_in(self, client: Client, sign_up: SignUp) -> str:
        return str(client.get(f"{sign_up.get_absolute_url()}/join").headers["Location"])

    def test_opens_fifteen_minutes_before_and_records_attendance_once(
        self, make_event: MakeEvent, client: Client
    ) -> None:
        event = make_event(join_url=self.ROOM, starts_at=timezone.now() + timedelta(minutes=16))
        kim = come(event)
        assert self.way_in(client, kim) == kim.get_absolute_url()
        assert reload(kim).attended_at is None
        Event.objects.update(starts_at=timezone.now() + timedelta(minutes=14))
        page = client.get(kim.get_absolute_url()).content.decode()
        assert "join now</a>" in page
        assert self.ROOM not in page
        assert self.way_in(client, kim) == self.ROOM
        came = reload(kim).attended_at
        assert came
        self.way_in(client, kim)
        assert reload(kim).attended_at == came

    def test_needs_a_spot(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(join_url=self.ROOM, capacity=1, starts_at=timezone.now() + timedelta(minutes=5))
        come(event, "Lee")
        waits = come(event)
        new = create_sign_up(event=event, name="Max", email="max@example.org")
        for sign_up in (waits, new):
            assert self.way_in(client, sign_up) == sign_up.get_absolute_url()

    def test_a_changed_join_link_keeps_the_personal_link(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(join_url=self.ROOM, starts_at=timezone.now())
        kim = come(event)
        Event.objects.update(join_url="https://meet.example.org/another")
        assert self.way_in(client, kim) == "https://meet.example.org/another"

    def test_is_over_with_the_event(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(join_url=self.ROOM)
        kim = come(event)
        Event.objects.update(starts_at=timezone.now() - 2 * HOUR)
        assert self.way_in(client, kim) == kim.get_absolute_url()


def test_a_page_of_an_event_with_places_costs_two_queries_more(
    client: Client, small: Event, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    come(small)
    with django_assert_num_queries(2):
        client.get(small.get_absolute_url())
