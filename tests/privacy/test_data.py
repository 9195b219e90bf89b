"""Export and deletion of one's own data: access, content, and what remains."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import Person, Role, Session
from budgets.models import Budget
from chat.models import Conversation, Turn
from courses.models import LessonDone, QuizAnswer
from events.models import Event, SignUp
from events.services import create_sign_up
from mail.models import Email
from privacy import registry
from tests.privacy.conftest import (
    QUESTION,
    MakeFull,
    Opened,
    answered,
    log,
    opened,
    visitor_session,
)

DATA, DOWNLOAD, ERASE, ERASED = (
    "/account/data",
    "/account/data/download",
    "/account/data/erase",
    "/account/erased",
)
PASSWORD = "a-long-password"
AsPerson = Callable[[Person], Client]


def download_archive(client: Client) -> Opened:
    reply = client.post(DOWNLOAD)
    assert reply.status_code == 200
    return Opened(reply.getvalue())


class TestAccess:
    @pytest.fixture
    def others(self, parent: Person, stranger: Person, admin_person: Person) -> list[Person]:
        return [parent, stranger, admin_person]

    def test_each_person_gets_only_their_own_data(
        self, full: Person, others: list[Person], as_person: AsPerson
    ) -> None:
        for person in (full, *others):
            client = as_person(person)
            assert client.get(DATA).status_code == 200
            copy = download_archive(client)
            assert copy.rows("account")[0]["username"] == person.username
            assert (QUESTION in copy.everything()) == (person == full)
            assert (full.username in copy.everything()) == (person == full)

    def test_each_person_erases_only_themselves(
        self, full: Person, others: list[Person], as_person: AsPerson, make_person: Callable[..., Person]
    ) -> None:
        make_person("second", Role.ADMIN, is_staff=True, is_superuser=True)
        for person in others:
            assert as_person(person).post(ERASE, {"proof": PASSWORD}).status_code == 302
            assert not Person.objects.filter(pk=person.pk).exists()
        assert opened(full).rows("conversations")

    @pytest.mark.parametrize(("method", "path"), [("get", DATA), ("post", DOWNLOAD), ("post", ERASE)])
    def test_sign_in_is_required_and_leads_to_the_page(
        self, method: str, path: str, client: Client, full: Person
    ) -> None:
        reply = getattr(client, method)(path, {"proof": PASSWORD})
        assert (reply.status_code, reply["Location"]) == (302, f"/sign-in?next={DATA}")
        assert Person.objects.filter(pk=full.pk).exists()

    @pytest.mark.parametrize("path", [DOWNLOAD, ERASE])
    def test_a_get_request_does_nothing(self, path: str, full: Person, as_person: AsPerson) -> None:
        assert as_person(full).get(path).status_code == 405
        stricter = Client(enforce_csrf_checks=True)
        stricter.force_login(full)
        assert stricter.post(path, {"proof": PASSWORD}).status_code == 403
        assert Person.objects.filter(pk=full.pk).exists()

    def test_the_deleted_page_is_public_and_names_no_one(self, client: Client, full: Person) -> None:
        reply = client.get(ERASED)
        assert reply.status_code == 200
        assert full.username not in reply.content.decode()
        assert "noindex" in reply["X-Robots-Tag"]

    def test_the_deleted_page_redirects_signed_in_people(self, full: Person, as_person: AsPerson) -> None:
        assert as_person(full).get(ERASED)["Location"] == DATA

    def test_pages_and_files_are_not_cached(self, full: Person, as_person: AsPerson) -> None:
        client = as_person(full)
        for reply in (client.get(DATA), client.post(DOWNLOAD), client.post(ERASE), client.get(ERASED)):
            assert "no-store" in reply["Cache-Control"]
            reply.close()

    def test_a_sixth_download_in_an_hour_is_refused(self, teen: Person, as_person: AsPerson) -> None:
        client = as_person(teen)
        for _ in range(5):
            download_archive(client)
        reply = client.post(DOWNLOAD)
        assert reply.status_code == 429
        assert int(reply["Retry-After"]) > 0

    def test_password_guesses_are_limited(self, teen: Person, as_person: AsPerson) -> None:
        client = as_person(teen)
        for _ in range(5):
            assert client.post(ERASE, {"proof": "guess"}).status_code == 422
        assert client.post(ERASE, {"proof": PASSWORD}).status_code == 429
        assert Person.objects.filter(pk=teen.pk).exists()


class TestErasing:
    def test_requires_the_password(self, full: Person, as_person: AsPerson) -> None:
        client = as_person(full)
        for wrong, message in (("", "Type your password"), ("walnut-kid", "isn’t your password")):
            reply = client.post(ERASE, {"proof": wrong})
            assert reply.status_code == 422
            assert message in reply.content.decode()
        assert Person.objects.filter(pk=full.pk).exists()

    def test_requires_the_username_without_a_password(self, full: Person, as_person: AsPerson) -> None:
        full.set_unusable_password()
        full.save()
        client = as_person(full)
        assert "Your username" in client.get(DATA).content.decode()
        assert client.post(ERASE, {"proof": "WALNUT-KID"}).status_code == 422
        assert client.post(ERASE, {"proof": "walnut-kid"}).status_code == 302
        assert not Person.objects.filter(pk=full.pk).exists()

    def test_ends_all_sessions_of_the_person_only(
        self, full: Person, stranger: Person, as_person: AsPerson
    ) -> None:
        here, phone, theirs, visitor = (
            as_person(full),
            as_person(full),
            as_person(stranger),
            visitor_session(),
        )
        reply = here.post(ERASE, {"proof": PASSWORD}, follow=True)
        assert "Your account is deleted" in reply.content.decode()
        assert phone.get(DATA).status_code == here.get(DATA).status_code == 302
        assert theirs.get(DATA).status_code == 200
        assert set(Session.objects.values_list("pk", flat=True)) == {
            theirs.session.session_key,
            visitor.session_key,
        }

    def test_the_deleted_page_says_what_was_deleted_and_what_stays(self, client: Client, db: None) -> None:
        page = client.get(ERASED).content.decode()
        for kind in registry.list_kinds():
            assert str(kind.erasure_removes) in page
            assert str(kind.erasure_keeps) in page
        for text in ("Your conversations with the tutor", "has no name on it", "in your inbox"):
            assert text in page

    def test_the_last_admin_is_refused_with_a_reason(
        self, admin_person: Person, parent: Person, as_person: AsPerson, make_person: Callable[..., Person]
    ) -> None:
        client = as_person(admin_person)
        make_person("gone", Role.ADMIN, is_superuser=True, is_active=False)
        reply = client.post(ERASE, {"proof": PASSWORD})
        assert reply.status_code == 409
        assert "You’re the last admin." in reply.content.decode()
        make_person("ben", Role.ADMIN, is_superuser=True)
        assert client.post(ERASE, {"proof": PASSWORD}).status_code == 302

    def test_does_not_affect_others(self, full: Person, make_full: MakeFull, as_person: AsPerson) -> None:
        other = make_full("hazel", display_name="Hazel", email="hazel@nut.example")
        answered(other, "And mine?")
        before = opened(other).everything()
        as_person(full).post(ERASE, {"proof": PASSWORD})
        assert opened(other).everything() == before

    def test_removes_an_admins_rights(
        self, make_person: Callable[..., Person], admin_person: Person, as_person: AsPerson
    ) -> None:
        helper = make_person("ben", Role.ADMIN, is_staff=True)
        helper.groups.add(Group.objects.create(name="Helpers"))
        log(helper, admin_person)
        assert as_person(helper).post(ERASE, {"proof": PASSWORD}).status_code == 302
        assert Group.objects.get(name="Helpers").user_set.count() == 0
        assert not LogEntry.objects.exists()

    def test_empties_all_kinds_and_keeps_the_ledgers_sums(self, full: Person, as_person: AsPerson) -> None:
        budget, spent = full.budget, full.budget.periods.get().spent
        as_person(full).post(ERASE, {"proof": PASSWORD})
        for model in (Conversation, Turn, LessonDone, QuizAnswer, SignUp, Email, Session):
            assert not model._default_manager.exists(), model
        budget = Budget.objects.get(pk=budget.pk)
        assert (budget.owner, budget.periods.get().spent) == (None, spent)


def test_a_guest_without_an_account_erases_with_their_link(event: Event, client: Client) -> None:
    sign_up = create_sign_up(event=event, name="Kim", email="kim@example.org")
    client.post(f"/events/sign-up/{sign_up.token}/leave")
    assert not SignUp.objects.exists()
