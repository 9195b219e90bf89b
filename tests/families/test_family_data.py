"""A family's export, and the deletion of its accounts."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from budgets.audit import find_ledger_differences
from chat.models import Conversation
from families import family_deletion
from families.errors import NotLinkedParent
from families.family_deletion import AccountOutcome
from families.links import create_invitation, end_link
from families.models import FamilyDeletion, Link, Notice
from families.trusted_adults import save_trusted_adult
from kit import rate_limits
from mail.models import Email
from privacy import services

Enter = Callable[[Person], Client]


@pytest.fixture(autouse=True)
def _fresh_counts(db: None) -> Iterator[None]:
    cache.clear()
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def born_17(teen: Person) -> Person:
    """A teen who is certainly over 16 and under 18: old enough to decide alone everywhere."""
    today = date.today()  # noqa: DTZ011 - a month, anywhere
    teen.born = date(today.year - 17, max(1, today.month - 2), 1)
    teen.save(update_fields=["born"])
    return teen


def carry_out_deletions(days: float = 7.1) -> int:
    return family_deletion.carry_out_family_deletions(now=timezone.now() + timedelta(days=days))


class TestExport:
    def files(self, client: Client) -> dict[str, str]:
        reply = client.post("/family/data/download")
        with zipfile.ZipFile(io.BytesIO(b"".join(reply.streaming_content))) as archive:  # type: ignore[attr-defined]
            return {name: archive.read(name).decode() for name in archive.namelist()}

    def test_contains_the_parents_data_and_each_teens_account_and_usage(
        self, link: Link, parent: Person, as_person: Enter
    ) -> None:
        files = self.files(as_person(parent))
        assert {"index.html", "account.json", "teen-1/index.html", "teen-1/usage.json"} <= files.keys()
        assert 'href="teen-1/index.html">Noor' in files["index.html"]
        assert "Noor" in files["teen-1/account.json"]

    def test_omits_what_is_private_to_a_teen_or_another_parent(
        self, link: Link, teen: Person, parent: Person, other_parent: Person, as_person: Enter
    ) -> None:
        Link.objects.create(parent=other_parent, teen=teen, parent_view="full")
        Link.objects.update(parent_view="full")
        save_trusted_adult(teen=teen, name="Great-Aunt Zephyrine", contact="0161")
        Conversation.objects.create(owner=teen, title="Does it get better?")
        create_invitation(by=teen, email="auntie@example.org")
        contents = "".join(self.files(as_person(parent)).values())
        for hidden in ("Zephyrine", "get better", "auntie", "Lou", "lou"):
            assert hidden not in contents

    def test_notifies_each_teen(self, link: Link, teen: Person, parent: Person, as_person: Enter) -> None:
        self.files(as_person(parent))
        assert "sam downloaded a copy" in Notice.objects.get(person=teen).text

    def test_omits_people_who_are_no_longer_linked(
        self, link: Link, parent: Person, as_person: Enter
    ) -> None:
        end_link(link=link, by=parent)
        assert not any(name.startswith("teen-") for name in self.files(as_person(parent)))


class TestRequest:
    def test_requires_the_password_and_notifies_everyone(
        self, link: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        client = as_person(parent)
        assert client.post("/family/data/erase", {"proof": "a guess"}).status_code == 422
        assert not FamilyDeletion.objects.exists()
        client.post("/family/data/erase", {"proof": "a-long-password"})
        assert "asked to delete" in Notice.objects.get(person=teen).text
        assert "Keep everything" in client.get("/family/data").content.decode()
        assert "Yours will be deleted too" in as_person(teen).get("/family/").content.decode()

    def test_requires_a_parent_with_a_linked_teen(
        self, parent: Person, teen: Person, admin_person: Person
    ) -> None:
        for person in (parent, teen, admin_person):
            with pytest.raises(NotLinkedParent):
                family_deletion.request_family_deletion(parent=person)

    def test_changes_nothing_for_seven_days_and_can_be_canceled(
        self, link: Link, parent: Person, as_person: Enter
    ) -> None:
        family_deletion.request_family_deletion(parent=parent)
        family_deletion.request_family_deletion(parent=parent)
        assert Notice.objects.count() == 1
        assert carry_out_deletions(days=6.9) == 0
        as_person(parent).post("/family/data/keep")
        assert carry_out_deletions() == 0
        assert Person.objects.count() == 2


class TestDeletion:
    def test_deletes_the_parent_and_a_young_teen(
        self, link: Link, teen: Person, parent: Person, stranger: Person
    ) -> None:
        Conversation.objects.create(owner=teen, title="Mine")
        family_deletion.request_family_deletion(parent=parent)
        assert carry_out_deletions() == 1
        assert list(Person.objects.all()) == [stranger]
        assert not Conversation.objects.exists()
        assert list(find_ledger_differences()) == []
        assert not Email.objects.filter(text__contains="Noor").exists()

    def test_keeps_a_teen_who_decides_alone_and_did_not_answer(
        self, link: Link, born_17: Person, parent: Person
    ) -> None:
        family_deletion.request_family_deletion(parent=parent)
        assert [planned.outcome for planned in family_deletion.list_planned_outcomes(parent)] == [
            AccountOutcome.ASKED
        ]
        carry_out_deletions()
        assert list(Person.objects.all()) == [born_17]
        assert not Link.objects.exists()

    def test_deletes_a_teen_who_agreed_unless_they_changed_their_mind(
        self, link: Link, born_17: Person, parent: Person, as_person: Enter
    ) -> None:
        family_deletion.request_family_deletion(parent=parent)
        client = as_person(born_17)
        client.post(f"/family/data/answer/{parent.pk}", {"answer": "yes"})
        assert [planned.outcome for planned in family_deletion.list_planned_outcomes(parent)] == [
            AccountOutcome.AGREED
        ]
        client.post(f"/family/data/answer/{parent.pk}", {"answer": "no"})
        assert [planned.outcome for planned in family_deletion.list_planned_outcomes(parent)] == [
            AccountOutcome.ASKED
        ]
        client.post(f"/family/data/answer/{parent.pk}", {"answer": "yes"})
        carry_out_deletions()
        assert not Person.objects.exists()

    def test_keeps_a_young_teen_with_another_parent(
        self, link: Link, teen: Person, parent: Person, other_parent: Person, as_person: Enter
    ) -> None:
        Link.objects.create(parent=other_parent, teen=teen)
        family_deletion.request_family_deletion(parent=parent)
        assert "Yours stays" in as_person(teen).get("/family/").content.decode()
        carry_out_deletions()
        assert set(Person.objects.all()) == {teen, other_parent}

    def test_keeps_a_teen_who_ended_the_link(self, link: Link, teen: Person, parent: Person) -> None:
        family_deletion.request_family_deletion(parent=parent)
        end_link(link=link, by=teen)
        carry_out_deletions()
        assert list(Person.objects.all()) == [teen]

    def test_continues_the_next_night_after_a_failure(
        self, link: Link, teen: Person, parent: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        family_deletion.request_family_deletion(parent=parent)
        real, gone = services.erase_person, list[Person]()

        def once(*, person: Person) -> bool:
            if gone:
                raise ConnectionError
            gone.append(person)
            return real(person=person)

        monkeypatch.setattr(services, "erase_person", once)
        with pytest.raises(ConnectionError):
            carry_out_deletions()
        monkeypatch.setattr(services, "erase_person", real)
        assert list(Person.objects.all()) == [parent]
        assert carry_out_deletions() == 1
        assert not Person.objects.exists()

    def test_a_teen_cannot_answer_for_another(
        self, link: Link, teen: Person, parent: Person, stranger: Person, as_person: Enter
    ) -> None:
        family_deletion.request_family_deletion(parent=parent)
        for person in (teen, stranger, parent):
            reply = as_person(person).post(f"/family/data/answer/{parent.pk}", {"answer": "yes"})
            assert reply.status_code == 404
        assert not FamilyDeletion.agreed_teens.through.objects.exists()
