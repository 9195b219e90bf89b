"""Help with a forgotten password of a teen without an address: the parent gains no access to conversations."""

import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from families.errors import PasswordHelpNotUsable, WrongPasswordHelpCode
from families.models import Link, Notice, PasswordHelp
from families.password_help import (
    delete_expired_password_helps,
    grant_password_help,
    request_password_help,
    unseal_data,
    use_password_help,
)
from families.trusted_adults import find_trusted_adult, save_trusted_adult
from kit import rate_limits
from privacy.archive import build_archive

Enter = Callable[[Person], Client]
OLD, NEW = "a-long-password", "walnut trees whistle"
QUESTION = "Does anybody else feel like this?"


@pytest.fixture(autouse=True)
def _fresh_counts() -> Iterator[None]:
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def asked(teen: Person) -> Turn:
    """A question asked while the old password was in use."""
    conversation = Conversation.objects.create(owner=teen, title="Mine")
    return Turn.objects.create(
        pk=uuid4(),
        conversation=conversation,
        question=QUESTION,
        answer="Many do.",
        state=TurnState.ANSWERED,
        ended_at=timezone.now(),
    )


def set_password_with_help(teen: Person, parent: Person, password: str = NEW) -> Person:
    asking = request_password_help(username=teen.username, code="482913")
    assert asking
    grant_password_help(teen=teen, by=parent, code="482913")
    return use_password_help(help_id=asking.pk, password=password)


def read_code(client: Client) -> str:
    match = re.search(r"(\d{3}) (\d{3})</p>", client.get("/family/password/code").content.decode())
    assert match
    return match[1] + match[2]


class TestOnTwoScreens:
    def test_the_teen_sets_a_password_that_the_parent_never_sees(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        screen, grown_up = Client(), as_person(parent)
        screen.post("/family/password", {"username": "NOOR"})
        code = read_code(screen)
        assert NEW not in grown_up.get("/family/").content.decode()
        reply = grown_up.post(f"/family/links/{link.pk}/password", {"code": f"{code[:3]} {code[3:]}"})
        assert reply["Location"] == "/family/"
        assert "Choose a new password" in screen.get("/family/password/code").content.decode()
        reply = screen.post("/family/password/code", {"password": NEW})
        assert reply["Location"] == "/sign-in"
        teen.refresh_from_db()
        assert teen.check_password(NEW)
        assert "with help from sam" in Notice.objects.filter(person=teen).latest("at").text

    def test_all_sessions_of_the_teen_end(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        elsewhere = as_person(teen)
        set_password_with_help(teen, parent)
        assert elsewhere.get("/family/")["Location"].startswith("/sign-in")

    def test_no_password_can_be_set_before_the_parent_types_the_code(self, link: Link, teen: Person) -> None:
        screen = Client()
        screen.post("/family/password", {"username": "noor"})
        reply = screen.post("/family/password/code", {"password": NEW})
        assert "Show this code" in reply.content.decode()
        teen.refresh_from_db()
        assert teen.check_password(OLD)

    @pytest.mark.parametrize("username", ["nobody-here", "sam", "kit", " ", "\0", "x" * 61])
    def test_it_does_not_reveal_which_usernames_exist(
        self, username: str, link: Link, stranger: Person
    ) -> None:
        known, unknown = Client(), Client()
        known.post("/family/password", {"username": "noor"})
        reply = unknown.post("/family/password", {"username": username})
        if reply.status_code == 422:
            return
        pages = [
            re.sub(r"\d{3} \d{3}", "", client.get("/family/password/code").content.decode())
            for client in (known, unknown)
        ]
        assert pages[0] == pages[1]
        assert PasswordHelp.objects.count() == 1

    def test_a_weak_password_is_refused(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        screen = Client()
        screen.post("/family/password", {"username": "noor"})
        as_person(parent).post(f"/family/links/{link.pk}/password", {"code": read_code(screen)})
        assert screen.post("/family/password/code", {"password": "password"}).status_code == 422
        assert screen.post("/family/password/code", {"password": NEW}).status_code == 302

    def test_another_browser_cannot_use_it(self, link: Link, teen: Person, parent: Person) -> None:
        asking = request_password_help(username="noor", code="482913")
        assert asking
        grant_password_help(teen=teen, by=parent, code="482913")
        assert Client().post("/family/password/code", {"password": NEW})["Location"] == "/family/password"
        teen.refresh_from_db()
        assert teen.check_password(OLD)

    def test_codes_cannot_be_guessed(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        request_password_help(username="noor", code="482913")
        client = as_person(parent)
        replies = [
            client.post(f"/family/links/{link.pk}/password", {"code": f"{number:06}"}).status_code
            for number in range(8)
        ]
        assert replies == [422] * 6 + [429] * 2
        assert client.post(f"/family/links/{link.pk}/password", {"code": "482913"}).status_code == 429


class TestAskingOften:
    def ask(self, address: str, username: str = "noor") -> int:
        return Client(REMOTE_ADDR=address).post("/family/password", {"username": username}).status_code

    def test_a_stranger_cannot_block_a_teen(self, link: Link) -> None:
        assert [self.ask("198.51.100.9") for _ in range(7)] == [302] * 6 + [429]
        assert self.ask("203.0.113.7") == 302

    def test_a_stranger_at_the_same_address_cannot_block_a_known_device(
        self, link: Link, teen: Person
    ) -> None:
        home = Client(REMOTE_ADDR="203.0.113.7")
        home.post("/sign-in", {"username": "noor", "password": OLD})
        home.post("/sign-out")
        assert [self.ask("203.0.113.7") for _ in range(7)][-1] == 429
        assert home.post("/family/password", {"username": "noor"}).status_code == 302

    def test_many_teens_at_one_school_can_ask(self, link: Link) -> None:
        assert {self.ask("203.0.113.7", f"pupil-{number}") for number in range(30)} == {302}

    @pytest.mark.parametrize("username", ["noor", "not-a-name-here"])
    def test_a_reload_and_a_second_tab_show_the_same_code(self, username: str, link: Link) -> None:
        screen = Client()
        codes = set()
        for _ in range(8):
            assert screen.post("/family/password", {"username": username.upper()}).status_code == 302
            codes.add(read_code(screen))
        assert len(codes) == 1
        assert PasswordHelp.objects.count() == (username == "noor")

    def test_the_page_keeps_the_username_and_says_how_long_to_wait(self, link: Link) -> None:
        for _ in range(6):
            self.ask("198.51.100.9", "noor")
        reply = Client(REMOTE_ADDR="198.51.100.9").post("/family/password", {"username": "noor"})
        assert reply.status_code == 429
        assert 'value="noor"' in reply.content.decode()
        assert "Please wait 1 hour, then try again" in reply.content.decode()

    def test_correct_codes_do_not_count(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        client = as_person(parent)
        for number in range(8):
            code = f"{number:06}"
            request_password_help(username="noor", code=code)
            assert client.post(f"/family/links/{link.pk}/password", {"code": code}).status_code == 302

    def test_the_new_password_makes_the_device_known(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        screen = Client(REMOTE_ADDR="198.51.100.9")
        screen.post("/family/password", {"username": "noor"})
        as_person(parent).post(f"/family/links/{link.pk}/password", {"code": read_code(screen)})
        screen.post("/family/password/code", {"password": NEW})
        for number in range(6):
            Client(REMOTE_ADDR="198.51.100.9").post(
                "/sign-in", {"username": "noor", "password": f"no-{number}"}
            )
        assert screen.post("/sign-in", {"username": "noor", "password": NEW}).status_code == 302


class TestTheCode:
    def test_works_only_for_a_linked_parent_and_that_teen(
        self, link: Link, teen: Person, other_parent: Person, stranger: Person, parent: Person
    ) -> None:
        request_password_help(username="noor", code="482913")
        for by, of, code in [
            (other_parent, teen, "482913"),
            (teen, teen, "482913"),
            (parent, stranger, "482913"),
            (parent, teen, "482914"),
        ]:
            with pytest.raises(WrongPasswordHelpCode):
                grant_password_help(teen=of, by=by, code=code)

    def test_works_for_half_an_hour_and_once(self, link: Link, teen: Person, parent: Person) -> None:
        asking = request_password_help(username="noor", code="482913")
        assert asking
        PasswordHelp.objects.update(asked_at=timezone.now() - timedelta(minutes=31))
        with pytest.raises(WrongPasswordHelpCode):
            grant_password_help(teen=teen, by=parent, code="482913")
        PasswordHelp.objects.update(asked_at=timezone.now())
        grant_password_help(teen=teen, by=parent, code="482913")
        use_password_help(help_id=asking.pk, password=NEW)
        with pytest.raises(PasswordHelpNotUsable):
            use_password_help(help_id=asking.pk, password="another long one")
        with pytest.raises(WrongPasswordHelpCode):
            grant_password_help(teen=teen, by=parent, code="482913")

    def test_a_second_request_does_not_end_the_first(self, link: Link, teen: Person, parent: Person) -> None:
        asking = request_password_help(username="noor", code="482913")
        request_password_help(username="noor", code="111111")
        assert grant_password_help(teen=teen, by=parent, code="482913") == asking

    def test_is_not_created_without_a_linked_parent(self, teen: Person, parent: Person) -> None:
        assert request_password_help(username="noor", code="482913") is None
        assert request_password_help(username="sam", code="482913") is None

    def test_is_kept_after_use_until_the_old_password_is_typed(
        self, link: Link, teen: Person, parent: Person
    ) -> None:
        set_password_with_help(teen, parent)
        assert delete_expired_password_helps(now=timezone.now() + timedelta(days=100)) == 0


class TestSealedData:
    """The parent may have chosen the new password and signed in with it."""

    @pytest.fixture
    def as_teen(self, asked: Turn, link: Link, teen: Person, parent: Person, as_person: Enter) -> Client:
        save_trusted_adult(teen=teen, name="Great-Aunt Zephyrine", contact="0161")
        return as_person(set_password_with_help(teen, parent))

    def test_is_on_no_page(self, as_teen: Client, asked: Turn) -> None:
        assert QUESTION not in as_teen.get("/tutor/").content.decode()
        assert as_teen.get(f"/tutor/{asked.conversation_id}").status_code == 404
        assert as_teen.post(f"/tutor/{asked.conversation_id}/delete").status_code == 404
        assert as_teen.get(f"/tutor/turns/{asked.pk}/stream").status_code == 404
        assert "Zephyrine" not in as_teen.get("/family/trusted-adult").content.decode()

    def test_is_not_in_the_export(self, as_teen: Client, teen: Person) -> None:
        teen.refresh_from_db()
        with build_archive(person=teen) as file, zipfile.ZipFile(file) as archive:
            contents = "".join(archive.read(name).decode() for name in archive.namelist())
        assert QUESTION not in contents
        assert "Zephyrine" not in contents
        assert "argon2" not in contents

    def test_is_not_shown_in_a_parent_view_agreed_in_the_teens_name(
        self, as_teen: Client, link: Link, parent: Person, as_person: Enter
    ) -> None:
        Link.objects.update(parent_view="full")
        assert QUESTION not in as_person(parent).get(f"/tutor/parent-view/{link.pk}").content.decode()

    def test_is_unsealed_by_the_old_password(self, as_teen: Client, asked: Turn, teen: Person) -> None:
        assert "are locked" in as_teen.get("/tutor/").content.decode()
        assert as_teen.post("/family/closed", {"old_password": "a-wrong-password"}).status_code == 422
        assert as_teen.post("/family/closed", {"old_password": OLD}).status_code == 302
        assert QUESTION in as_teen.get(f"/tutor/{asked.conversation_id}").content.decode()
        teen.refresh_from_db()
        assert find_trusted_adult(teen)

    def test_is_not_unsealed_by_a_later_password(
        self, as_teen: Client, asked: Turn, teen: Person, parent: Person
    ) -> None:
        teen.refresh_from_db()
        first_seal = teen.sealed_before
        set_password_with_help(teen, parent, "a third long password")
        assert unseal_data(teen=teen, old_password=NEW)
        teen.refresh_from_db()
        assert teen.sealed_before == first_seal
        assert unseal_data(teen=teen, old_password=OLD)
        teen.refresh_from_db()
        assert teen.sealed_before is None

    def test_does_not_include_what_is_written_later(self, as_teen: Client, teen: Person) -> None:
        conversation = Conversation.objects.create(owner=teen, title="New")
        assert as_teen.get(f"/tutor/{conversation.pk}").status_code == 200

    def test_is_erased_with_the_rest(self, as_teen: Client, teen: Person) -> None:
        from privacy.services import erase_person

        teen.refresh_from_db()
        erase_person(person=teen)
        assert not Conversation.objects.exists()
