"""The next step is one card with one button, and every page counts the pending requests."""

import re
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import MailboxConfirmation, Person, Role
from families.agreements import answer_proposal, propose_terms
from families.consent_models import CheckMethod, ConsentPolicy, ParentVerification
from families.consents import withdraw_consent
from families.family_deletion import request_family_deletion
from families.links import create_invitation
from families.models import Consent, Link, Notice, PasswordHelp, Residence
from families.password_help import request_password_help
from families.terms import ParentView, Terms
from families.verification import approve_parent, build_verified_filter, find_missing_verification
from tests.families.conftest import agree
from tests.markup import squeezed

Enter = Callable[[Person], Client]
COUNT = re.compile(
    r'site-who-waiting.*?<span class="visually-hidden">(\d+) family requests? needs? your answer'
)


def find_card(client: Client, path: str = "/family/") -> tuple[str, str] | None:
    """Return the card's title and its button's link."""
    page = client.get(path).content.decode()
    buttons = re.findall(
        r'<h2 id="next-step">(.*?)</h2>.*?<a class="button button-primary" href="(.*?)">', page, re.DOTALL
    )
    assert len(buttons) <= 1
    return (re.sub("</?bdi>", "", buttons[0][0]), buttons[0][1]) if buttons else None


def count(client: Client, path: str = "/") -> int:
    match = COUNT.search(squeezed(client.get(path).content.decode()))
    return int(match[1]) if match else 0


@pytest.fixture(autouse=True)
def _no_consent(teen: Person) -> None:
    Consent.objects.all().delete()


@pytest.fixture
def sam(parent: Person, as_person: Enter) -> Client:
    return as_person(parent)


@pytest.fixture
def noor(teen: Person, as_person: Enter) -> Client:
    return as_person(teen)


class TestAParent:
    def test_without_a_link_is_asked_to_invite_a_teen(self, sam: Client) -> None:
        assert find_card(sam) == find_card(sam, "/") == ("Invite your teen", "/family/#invitations")
        assert count(sam) == 0

    def test_with_an_open_invitation_is_led_to_it(self, sam: Client, parent: Person) -> None:
        create_invitation(by=parent)
        assert find_card(sam) == ("Your invitation hasn’t been answered yet", "/family/#invitations")

    def test_who_is_invited_is_asked_to_answer(self, sam: Client, parent: Person, teen: Person) -> None:
        parent.email = "sam@example.org"
        parent.save()
        EmailAddress.objects.create(user=parent, email=parent.email, verified=True, primary=True)
        token = create_invitation(by=teen, email="sam@example.org").token
        assert find_card(sam) == (f"{teen} invited you to link accounts", f"/family/join/{token}")
        assert count(sam) == 1

    def test_who_is_linked_is_asked_to_consent(self, link: Link, sam: Client, teen: Person) -> None:
        title, address = f"The tutor is closed to {teen} until you agree", f"/family/links/{link.pk}/consent"
        assert find_card(sam) == find_card(sam, "/") == (title, address)
        assert count(sam) == count(sam, "/learn/") == 1

    def test_is_asked_to_answer_a_proposal(self, link: Link, sam: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        propose_terms(link=link, by=teen, terms=Terms(parent_view=ParentView.FULL))
        assert find_card(sam) == (
            f"{teen} would like to change your agreement",
            f"/family/links/{link.pk}/agreement",
        )
        answer_proposal(link=link, by=link.parent, accept=False)
        assert find_card(sam) is None

    def test_is_asked_to_help_with_a_password_first_while_the_code_works(
        self, link: Link, sam: Client, teen: Person
    ) -> None:
        for _ in range(3):
            request_password_help(username=teen.username, code="123456")
        assert find_card(sam) == (f"{teen} forgot their password", f"/family/links/{link.pk}/password")
        assert count(sam) == 2
        PasswordHelp.objects.update(asked_at=timezone.now() - timedelta(hours=1))
        assert count(sam) == 1

    def test_with_nothing_left_to_do_has_no_card(self, link: Link, sam: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        assert find_card(sam) is None
        assert find_card(sam, "/") is None
        assert "site-who-waiting" not in sam.get("/").content.decode()


class TestATeen:
    def test_without_a_link_is_asked_to_invite_a_parent(self, noor: Client, teen: Person) -> None:
        assert find_card(noor) == find_card(noor, "/") == ("Invite a parent", "/family/#invitations")
        create_invitation(by=teen)
        assert find_card(noor) == ("Your invitation hasn’t been answered yet", "/family/#invitations")

    def test_who_is_linked_waits_for_the_parent(self, link: Link, noor: Client) -> None:
        assert find_card(noor) == ("The tutor is closed until a parent agrees", "/family/consent")
        assert count(noor) == 0

    def test_who_is_old_enough_is_asked_to_decide(self, noor: Client, teen: Person) -> None:
        today = timezone.localdate()
        Person.objects.filter(pk=teen.pk).update(born=today.replace(year=today.year - 17, day=1))
        assert find_card(noor) == ("The tutor is closed until you agree", "/family/consent")

    def test_is_asked_to_answer_a_proposal(self, link: Link, noor: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        assert find_card(noor) is None
        propose_terms(link=link, by=link.parent, terms=Terms(answers_per_day=5))
        assert find_card(noor) == (
            f"{link.parent} would like to change your agreement",
            f"/family/links/{link.pk}/agreement",
        )
        assert count(noor) == 1

    @pytest.mark.parametrize(("years", "waits"), [(17, 1), (15, 0)])
    def test_who_decides_alone_is_asked_about_a_family_deletion(
        self, years: int, waits: int, link: Link, noor: Client, teen: Person
    ) -> None:
        today = timezone.localdate()
        Person.objects.filter(pk=teen.pk).update(born=today.replace(year=today.year - years, day=1))
        Residence.objects.update(country="DE")
        request_family_deletion(parent=link.parent)
        assert count(noor) == waits


class TestAnUnverifiedParent:
    @pytest.fixture(params=[ParentVerification.MAILBOX, ParentVerification.ORGANIZATION])
    def level(self, request: pytest.FixtureRequest, db: None) -> ParentVerification:
        level: ParentVerification = request.param
        ConsentPolicy.objects.create(verification=level)
        return level

    def test_is_shown_what_is_left_and_asked_for_nothing(
        self, level: ParentVerification, link: Link, sam: Client, teen: Person
    ) -> None:
        title, address = (
            f"The tutor is closed to {teen} until you can agree",
            f"/family/links/{link.pk}/consent",
        )
        assert find_card(sam) == find_card(sam, "/") == (title, address)
        assert count(sam) == 0

    def test_is_asked_once_verified(
        self, level: ParentVerification, link: Link, sam: Client, parent: Person, admin_person: Person
    ) -> None:
        if level == ParentVerification.ORGANIZATION:
            approve_parent(link=link, method=CheckMethod.MET, by=admin_person)
        else:
            address = EmailAddress.objects.create(user=parent, email="sam@example.org", verified=True)
            MailboxConfirmation.objects.create(
                address=address, confirmed_at=timezone.now() - timedelta(days=4)
            )
        assert count(sam) == 1

    @pytest.mark.parametrize("choose", list(ParentVerification))
    def test_the_query_and_the_function_agree(self, choose: ParentVerification, link: Link) -> None:
        for _ in range(2):
            may = Link.objects.filter(build_verified_filter()).exists()
            assert may == (find_missing_verification(link) is None)
            ConsentPolicy.objects.update_or_create(defaults={"verification": choose})


class TestMootRequests:
    def test_a_parent_who_withdrew_is_not_asked_to_consent(
        self, link: Link, sam: Client, teen: Person
    ) -> None:
        agree(teen=teen, by=link.parent, country="US")
        withdraw_consent(teen=teen, by=link.parent)
        assert (find_card(sam), count(sam)) == (None, 0)

    def test_an_invitation_from_a_linked_person_is_left_out(
        self, link: Link, sam: Client, teen: Person
    ) -> None:
        parent = link.parent
        parent.email = "sam@example.org"
        parent.save()
        EmailAddress.objects.create(user=parent, email=parent.email, verified=True, primary=True)
        create_invitation(by=teen, email=parent.email)
        assert count(sam) == 1
        assert find_card(sam) == (
            f"The tutor is closed to {teen} until you agree",
            f"/family/links/{link.pk}/consent",
        )

    def test_an_invitation_from_the_same_role_is_left_out(
        self, sam: Client, parent: Person, make_person: Callable[..., Person]
    ) -> None:
        parent.email = "sam@example.org"
        parent.save()
        EmailAddress.objects.create(user=parent, email=parent.email, verified=True, primary=True)
        create_invitation(by=make_person("lee", Role.PARENT), email=parent.email)
        assert count(sam) == 0


def test_a_teen_without_a_country_is_asked_for_it(link: Link, noor: Client) -> None:
    Residence.objects.all().delete()
    assert find_card(noor) == ("The tutor is closed until someone agrees", "/family/consent")


@pytest.mark.parametrize("state", ["paused", "quiet", "open"])
def test_the_consent_page_says_the_tutor_is_open_only_if_it_is(
    state: str, link: Link, sam: Client, teen: Person
) -> None:
    agree(teen=teen, by=link.parent, country="US")
    if state == "paused":
        Link.objects.update(paused_at=timezone.now())
    elif state == "quiet":
        Link.objects.update(quiet_from=time(0, 1), quiet_to=time(0, 0))
    page = sam.get(f"/family/links/{link.pk}/consent").content.decode()
    assert ("The tutor is open." in page) == (state == "open")


class TestCost:
    def test_is_one_statement_for_any_number_of_requests(
        self, link: Link, sam: Client, teen: Person, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        request_password_help(username=teen.username, code="123456")
        propose_terms(link=link, by=teen, terms=Terms(parent_view=ParentView.FULL))
        # Two queries for the session and the person; the third reads all requests.
        with django_assert_max_num_queries(3):
            assert count(sam, "/about") == 3

    def test_is_nothing_without_sign_in(
        self, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(0):
            assert count(client, "/about") == 0

    def test_is_nothing_on_help_pages(
        self, link: Link, sam: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        assert count(sam, "/help/now") == 0


def test_a_prefetched_page_marks_no_notice_as_seen(parent: Person, sam: Client) -> None:
    Notice.objects.create(person=parent, text="A thing")
    sam.head("/family/")
    sam.get("/family/", headers={"Sec-Purpose": "prefetch"})
    assert Notice.objects.get().seen_at is None
    sam.get("/family/")
    assert Notice.objects.get().seen_at
