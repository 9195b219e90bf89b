import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import set_cap
from budgets.models import Budget
from families import links
from families.consents import find_consent
from families.errors import AlreadyLinked, InvitationNotUsable, WrongRole
from families.models import Consent, Invitation, Link, Notice
from families.tasks import end_links_at_18
from mail.models import Email
from tests.families.conftest import agree


class TestInviting:
    @pytest.mark.parametrize(("by", "other"), [("parent", "teen"), ("teen", "parent")])
    def test_needs_both_sides(self, by: str, other: str, request: pytest.FixtureRequest) -> None:
        first, second = request.getfixturevalue(by), request.getfixturevalue(other)
        invitation = links.create_invitation(by=first)
        assert not Link.objects.exists()
        link = links.accept_invitation(token=invitation.token, by=second)
        assert {link.parent, link.teen} == {first, second}
        assert Notice.objects.get().person == first

    def test_works_once(self, parent: Person, teen: Person, stranger: Person) -> None:
        token = links.create_invitation(by=parent).token
        links.accept_invitation(token=token, by=teen)
        with pytest.raises(InvitationNotUsable):
            links.accept_invitation(token=token, by=stranger)

    @pytest.mark.parametrize("who", ["parent", "admin_person"])
    def test_can_only_be_accepted_by_the_other_role(
        self, who: str, parent: Person, request: pytest.FixtureRequest
    ) -> None:
        token = links.create_invitation(by=parent).token
        with pytest.raises(WrongRole):
            links.accept_invitation(token=token, by=request.getfixturevalue(who))
        assert Invitation.objects.exists()

    def test_a_teen_cannot_link_another_teen(self, teen: Person, stranger: Person) -> None:
        with pytest.raises(WrongRole):
            links.accept_invitation(token=links.create_invitation(by=teen).token, by=stranger)

    def test_an_admin_cannot_be_linked(self, admin_person: Person) -> None:
        with pytest.raises(WrongRole):
            links.create_invitation(by=admin_person)

    def test_expires_after_a_week(self, parent: Person, teen: Person) -> None:
        invitation = links.create_invitation(by=parent)
        Invitation.objects.update(created_at=timezone.now() - timedelta(days=7, seconds=1))
        with pytest.raises(InvitationNotUsable):
            links.accept_invitation(token=invitation.token, by=teen)

    def test_can_be_declined_without_a_reason(self, parent: Person, teen: Person) -> None:
        links.decline_invitation(token=links.create_invitation(by=parent).token, by=teen)
        assert not Link.objects.exists()
        assert str(teen) not in Notice.objects.get(person=parent).text

    def test_twice_links_once(self, link: Link, parent: Person, teen: Person) -> None:
        with pytest.raises(AlreadyLinked):
            links.accept_invitation(token=links.create_invitation(by=parent).token, by=teen)

    @pytest.mark.django_db(transaction=True)
    def test_two_simultaneous_acceptances_create_one_link(self, parent: Person, teen: Person) -> None:
        token, errors = links.create_invitation(by=parent).token, []

        def accept() -> None:
            try:
                links.accept_invitation(token=token, by=teen)
            except (InvitationNotUsable, AlreadyLinked) as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=accept) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Link.objects.count() == 1
        assert len(errors) == 3


class TestEndingALink:
    @pytest.mark.parametrize("who", ["parent", "teen"])
    def test_is_allowed_for_either_side_and_notifies_the_other(
        self, who: str, link: Link, request: pytest.FixtureRequest
    ) -> None:
        by = request.getfixturevalue(who)
        assert links.end_link(link=link, by=by)
        other = link.teen if by == link.parent else link.parent
        assert Notice.objects.filter(person=other).exists()
        assert not Notice.objects.filter(person=by).exists()

    def test_twice_ends_it_once(self, link: Link, parent: Person) -> None:
        links.end_link(link=link, by=parent)
        assert not links.end_link(link=link, by=parent)
        assert Notice.objects.count() == 1

    def test_ends_the_consent_that_this_parent_gave(self, link: Link, parent: Person, teen: Person) -> None:
        Consent.objects.all().delete()
        agree(teen=teen, by=parent)
        links.end_link(link=link, by=teen)
        assert find_consent(teen) is None

    def test_keeps_a_consent_that_someone_else_gave(self, link: Link, teen: Person) -> None:
        links.end_link(link=link, by=teen)
        assert find_consent(teen)

    def test_removes_this_parents_daily_limit(self, link: Link, teen: Person, settings: Settings) -> None:
        set_cap(owner=teen, daily_tokens=500)
        links.end_link(link=link, by=teen)
        assert Budget.objects.get(owner=teen).tokens == settings.TUTOR_DAILY_TOKENS

    def test_can_be_undone_with_a_new_invitation(self, link: Link, parent: Person, teen: Person) -> None:
        links.end_link(link=link, by=parent)
        links.accept_invitation(token=links.create_invitation(by=teen).token, by=parent)
        assert Link.objects.filter(ended_at=None).count() == 1

    def test_emails_those_who_have_an_address(self, link: Link, parent: Person, teen: Person) -> None:
        Person.objects.filter(pk=parent.pk).update(email="sam@example.org")
        link.refresh_from_db()
        links.end_link(link=link, by=teen)
        assert Email.objects.get().to == "sam@example.org"


class TestTurning18:
    @pytest.fixture
    def birthday(self, link: Link) -> Callable[[date], None]:
        def born(day: date) -> None:
            Person.objects.filter(pk=link.teen.pk).update(born=day.replace(day=1))

        return born

    def test_ends_the_link_and_notifies_both(self, link: Link, birthday: Callable[[date], None]) -> None:
        today = timezone.localdate()
        birthday(today.replace(year=today.year - 18, day=1))
        assert end_links_at_18() == 1
        link.refresh_from_db()
        assert link.end_reason == "age"
        assert Notice.objects.filter(person=link.parent).exists()
        assert Notice.objects.filter(person=link.teen).exists()
        assert end_links_at_18() == 0

    def test_does_not_end_it_earlier(self, link: Link, birthday: Callable[[date], None]) -> None:
        today = timezone.localdate()
        birthday(today.replace(year=today.year - 17, day=1))
        assert end_links_at_18() == 0

    def test_does_not_end_it_without_a_birth_month(self, link: Link) -> None:
        assert end_links_at_18() == 0
