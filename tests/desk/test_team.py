"""The team: roles are changed and ended by owners, people join by an invitation, and what changed is recorded."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Person, Role
from desk.models import RoleChange, StaffInvitation
from desk.personal import export_team
from desk.roles import StaffRole, list_roles
from desk.team import (
    TEAM_RETENTION,
    LastOwner,
    NotForTeens,
    NotInvited,
    OtherAddress,
    accept_team_invitation,
    change_roles,
    delete_expired_team_records,
    invite_to_team,
    list_open_invitations,
    revoke_invitation,
)
from mail.models import Email
from privacy.services import erase_person
from tests.desk.conftest import AsPerson, MakeStaff
from tests.markup import squeezed

pytestmark = pytest.mark.django_db

HOST, KEEPER, OWNER = StaffRole.EVENT_HOST, StaffRole.BUDGET_KEEPER, StaffRole.OWNER
ADDRESS = "rosa@example.org"


@pytest.fixture(autouse=True)
def _unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.nudge.send", lambda _mail_id: None)


@pytest.fixture
def rosa(make_person: Callable[..., Person]) -> Person:
    """An adult with a confirmed address."""
    person = make_person("rosa", Role.PARENT, display_name="Rosa", email=ADDRESS)
    EmailAddress.objects.create(user=person, email=ADDRESS, verified=True, primary=True)
    return person


def invite(
    by: Person, *, email: str = ADDRESS, roles: tuple[StaffRole, ...] = (HOST,), language: str = "en"
) -> StaffInvitation:
    return invite_to_team(email=email, roles=roles, language=language, by=by)


class TestRolesOfAPerson:
    def test_are_exactly_what_they_were_given_last(self, rosa: Person, admin_person: Person) -> None:
        change_roles(person=rosa, roles=[HOST, KEEPER], by=admin_person)
        changed = change_roles(person=rosa, roles=[KEEPER], by=admin_person)
        assert list_roles(changed) == [KEEPER]
        assert (changed.is_staff, changed.is_superuser) == (True, False)

    def test_end_with_all_access(self, rosa: Person, admin_person: Person, as_person: AsPerson) -> None:
        change_roles(person=rosa, roles=[OWNER], by=admin_person)
        client = as_person(rosa)
        assert client.get("/admin/").status_code == 200
        ended = change_roles(person=rosa, roles=[], by=admin_person)
        assert (ended.is_staff, ended.is_superuser, list_roles(ended)) == (False, False, [])
        assert client.get("/admin/").status_code == 302

    def test_are_never_a_teens(self, teen: Person, admin_person: Person) -> None:
        with pytest.raises(NotForTeens):
            change_roles(person=teen, roles=[HOST], by=admin_person)

    def test_stay_the_last_owners(self, admin_person: Person, make_person: Callable[..., Person]) -> None:
        make_person("gone", Role.ADMIN, is_staff=True, is_superuser=True, is_active=False)
        with pytest.raises(LastOwner):
            change_roles(person=admin_person, roles=[HOST], by=admin_person)
        admin_person.refresh_from_db()
        assert admin_person.is_superuser

    def test_can_end_once_there_is_another_owner(self, rosa: Person, admin_person: Person) -> None:
        change_roles(person=rosa, roles=[OWNER], by=admin_person)
        assert list_roles(change_roles(person=admin_person, roles=[], by=admin_person)) == []


class TestWhatChanged:
    def test_is_recorded_with_before_and_after(self, rosa: Person, admin_person: Person) -> None:
        change_roles(person=rosa, roles=[HOST], by=admin_person)
        change_roles(person=rosa, roles=[KEEPER, OWNER], by=admin_person)
        change_roles(person=rosa, roles=[KEEPER, OWNER], by=admin_person)
        recorded = [
            (one.person, one.by_name, one.before, one.after) for one in RoleChange.objects.order_by("at")
        ]
        assert recorded == [
            (rosa, "ana", [], ["event host"]),
            (rosa, "ana", ["event host"], ["budget keeper", "owner"]),
        ]

    def test_is_in_the_export_of_the_person(self, rosa: Person, admin_person: Person) -> None:
        token = invite(admin_person).token
        accept_team_invitation(token=token, by=rosa)
        rows = [(row["what"], row["email"], row["before"], row["after"]) for row in export_team(rosa)]
        assert rows == [
            ("invitation to the team", ADDRESS, [], ["event host"]),
            ("change of roles", "", [], ["event host"]),
        ]

    def test_keeps_no_name_of_an_erased_person(self, rosa: Person, admin_person: Person) -> None:
        invite(admin_person)
        change_roles(person=rosa, roles=[HOST], by=admin_person)
        erase_person(person=rosa)
        assert [(one.person_name, one.after) for one in RoleChange.objects.all()] == [("", ["event host"])]
        assert not StaffInvitation.objects.exists()

    def test_is_deleted_after_two_years(self, rosa: Person, admin_person: Person) -> None:
        change_roles(person=rosa, roles=[HOST], by=admin_person)
        invite(admin_person)
        assert delete_expired_team_records() == 0
        later = timezone.now() + TEAM_RETENTION + timedelta(days=1)
        assert delete_expired_team_records(now=later) == 2


class TestAnInvitation:
    def test_is_an_email_with_one_link_in_the_language_of_its_reader(self, admin_person: Person) -> None:
        invitation = invite(admin_person, language="es")
        email = Email.objects.get()
        assert (email.to, email.language) == (ADDRESS, "es")
        assert re.findall(r"https?://\S+", email.text) == [f"http://localhost:8000/team/{invitation.token}"]

    def test_adds_its_roles_once(self, rosa: Person, admin_person: Person) -> None:
        change_roles(person=rosa, roles=[KEEPER], by=admin_person)
        token = invite(admin_person).token
        assert list_roles(accept_team_invitation(token=token, by=rosa)) == [HOST, KEEPER]
        with pytest.raises(NotInvited):
            accept_team_invitation(token=token, by=rosa)

    def test_works_for_a_week(self, rosa: Person, admin_person: Person) -> None:
        invitation = invite(admin_person)
        StaffInvitation.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
        with pytest.raises(NotInvited):
            accept_team_invitation(token=invitation.token, by=rosa)
        assert not list_open_invitations().exists()

    def test_can_be_revoked_until_it_is_used(self, rosa: Person, admin_person: Person) -> None:
        used, unused = invite(admin_person), invite(admin_person, email="other@example.org")
        accept_team_invitation(token=used.token, by=rosa)
        assert not revoke_invitation(invitation_id=used.pk)
        assert revoke_invitation(invitation_id=unused.pk)
        with pytest.raises(NotInvited):
            accept_team_invitation(token=unused.token, by=rosa)

    def test_replaces_an_earlier_one_to_the_same_address(self, admin_person: Person) -> None:
        earlier, later = invite(admin_person), invite(admin_person, email="ROSA@example.org")
        assert list(list_open_invitations()) == [later]
        earlier.refresh_from_db()
        assert earlier.revoked_at

    def test_is_only_for_the_owner_of_its_address(
        self, admin_person: Person, make_person: Callable[..., Person]
    ) -> None:
        other = make_person("lee", Role.PARENT, email=ADDRESS)
        EmailAddress.objects.create(user=other, email=ADDRESS, verified=False, primary=True)
        with pytest.raises(OtherAddress):
            accept_team_invitation(token=invite(admin_person).token, by=other)
        other.refresh_from_db()
        assert not other.is_staff


class TestThePageOfAnInvitation:
    def test_leads_a_visitor_to_sign_in_and_back(self, client: Client, admin_person: Person) -> None:
        token = invite(admin_person).token
        page = client.get(f"/team/{token}").content.decode()
        assert f"/sign-in?next=/team/{token}" in page
        assert "event host" in page.lower()

    def test_takes_a_new_colleague_to_the_desk(
        self, as_person: AsPerson, rosa: Person, admin_person: Person
    ) -> None:
        client = as_person(rosa)
        reply = client.post(f"/team/{invite(admin_person).token}/accept")
        assert reply.headers["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_asks_a_new_colleague_for_a_second_step(
        self, as_person: AsPerson, rosa: Person, admin_person: Person, settings: object
    ) -> None:
        settings.DEMO = False  # type: ignore[attr-defined]
        client = as_person(rosa)
        client.post(f"/team/{invite(admin_person).token}/accept")
        assert client.get("/admin/").headers["Location"] == "/account/second-step/"

    def test_says_which_address_was_invited(
        self, as_person: AsPerson, parent: Person, admin_person: Person
    ) -> None:
        reply = as_person(parent).post(f"/team/{invite(admin_person).token}/accept")
        assert reply.status_code == 422
        assert f"Your account hasn’t confirmed {ADDRESS}." in reply.content.decode()

    def test_tells_a_teen_that_it_is_not_for_them(
        self, as_person: AsPerson, teen: Person, admin_person: Person
    ) -> None:
        reply = as_person(teen).post(f"/team/{invite(admin_person).token}/accept")
        assert reply.status_code == 422
        assert "A teen’s account can’t be on the team." in reply.content.decode()

    def test_that_ended_says_so(self, client: Client, admin_person: Person) -> None:
        invitation = invite(admin_person)
        revoke_invitation(invitation_id=invitation.pk)
        reply = client.get(f"/team/{invitation.token}")
        assert reply.status_code == 404
        assert "This invitation no longer works" in reply.content.decode()


class TestThePageOfTheTeam:
    def test_invites_a_colleague(self, as_person: AsPerson, admin_person: Person) -> None:
        client = as_person(admin_person)
        form = {"email": ADDRESS, "language": "es", "roles": ["event host", "content"]}
        page = client.post("/admin/desk/team/invite", form, follow=True).content.decode()
        assert f"The invitation to {ADDRESS} is on its way." in page
        assert StaffInvitation.objects.get().roles == ["event host", "content"]

    def test_keeps_what_was_typed_and_says_what_is_missing(
        self, as_person: AsPerson, admin_person: Person
    ) -> None:
        reply = as_person(admin_person).post("/admin/desk/team/invite", {"email": ADDRESS, "language": "en"})
        page = reply.content.decode()
        assert reply.status_code == 422
        assert "Choose at least one role." in page
        assert f'value="{ADDRESS}"' in page

    def test_changes_and_ends_roles(self, as_person: AsPerson, admin_person: Person, rosa: Person) -> None:
        client = as_person(admin_person)
        page = client.post(
            f"/admin/desk/team/{rosa.pk}", {"roles": ["content"]}, follow=True
        ).content.decode()
        assert "Rosa now has: content." in page
        assert "ana changed the roles of Rosa: no role → content" in squeezed(page)
        page = client.post(
            f"/admin/desk/team/{rosa.pk}", {"roles": ["content"], "end": "yes"}, follow=True
        ).content.decode()
        assert "Rosa is no longer on the team." in page

    def test_refuses_to_lose_its_last_owner(self, as_person: AsPerson, admin_person: Person) -> None:
        reply = as_person(admin_person).post(f"/admin/desk/team/{admin_person.pk}", {"roles": ["content"]})
        assert reply.status_code == 422
        assert "This is the only owner." in reply.content.decode()

    def test_is_closed_to_everyone_who_is_not_an_owner(
        self, as_person: AsPerson, rosa: Person, admin_person: Person
    ) -> None:
        roles = [role for role in StaffRole if role is not OWNER]
        client = as_person(change_roles(person=rosa, roles=roles, by=admin_person))
        assert client.get("/admin/desk/team").status_code == 403
        assert client.post(f"/admin/desk/team/{rosa.pk}", {"roles": ["owner"]}).status_code == 403
        rosa.refresh_from_db()
        assert not rosa.is_superuser

    def test_needs_the_same_few_queries_for_a_large_team(
        self, as_person: AsPerson, admin_person: Person, make_staff: MakeStaff
    ) -> None:
        for number in range(30):
            change_roles(person=make_staff(username=f"host-{number}"), roles=[HOST], by=admin_person)
            invite(admin_person, email=f"{number}@example.org")
        client = as_person(admin_person)
        client.get("/admin/desk/team")
        with CaptureQueriesContext(connection) as queries:
            client.get("/admin/desk/team")
        assert len(queries) <= 12
