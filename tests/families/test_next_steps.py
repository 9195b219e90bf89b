"""What is left to do is said once, as one card with one button, and what waits is counted on every page."""

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
from families.consent_models import CheckMethod, ConsentPolicy, Verification
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
COUNT = re.compile(r'site-who-waiting.*?<span class="visually-hidden">(\d+) requests? waits? for you')


def card(client: Client, path: str = "/family/") -> tuple[str, str] | None:
    """The title of the card and where its button leads."""
    page = client.get(path).content.decode()
    found = re.findall(
        r'<h2 id="next-step">(.*?)</h2>.*?<a class="button button-primary" href="(.*?)">', page, re.DOTALL
    )
    assert len(found) <= 1
    return (re.sub("</?bdi>", "", found[0][0]), found[0][1]) if found else None


def count(client: Client, path: str = "/") -> int:
    found = COUNT.search(squeezed(client.get(path).content.decode()))
    return int(found[1]) if found else 0


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
    def test_without_a_link_invites_a_teen(self, sam: Client) -> None:
        assert card(sam) == card(sam, "/") == ("Invite your teen", "/family/#invitations")
        assert count(sam) == 0

    def test_whose_invitation_is_open_is_led_to_it(self, sam: Client, parent: Person) -> None:
        create_invitation(by=parent)
        assert card(sam) == ("Your invitation waits for an answer", "/family/#invitations")

    def test_who_is_invited_answers(self, sam: Client, parent: Person, teen: Person) -> None:
        parent.email = "sam@example.org"
        parent.save()
        EmailAddress.objects.create(user=parent, email=parent.email, verified=True, primary=True)
        token = create_invitation(by=teen, email="sam@example.org").token
        assert card(sam) == (f"{teen} invites you to be linked here", f"/family/join/{token}")
        assert count(sam) == 1

    def test_who_is_linked_reads_the_consent(self, link: Link, sam: Client, teen: Person) -> None:
        title, address = f"The tutor is closed to {teen} until you agree", f"/family/links/{link.pk}/consent"
        assert card(sam) == card(sam, "/") == (title, address)
        assert count(sam) == count(sam, "/learn/") == 1

    def test_answers_a_change_of_the_agreement(self, link: Link, sam: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        propose_terms(link=link, by=teen, terms=Terms(view=ParentView.FULL))
        assert card(sam) == (
            f"{teen} would like to change your agreement",
            f"/family/links/{link.pk}/agreement",
        )
        answer_proposal(link=link, by=link.parent, accept=False)
        assert card(sam) is None

    def test_helps_with_a_password_first_and_only_while_the_code_works(
        self, link: Link, sam: Client, teen: Person
    ) -> None:
        for _ in range(3):
            request_password_help(username=teen.username, code="123456")
        assert card(sam) == (f"{teen} has forgotten their password", f"/family/links/{link.pk}/password")
        assert count(sam) == 2
        PasswordHelp.objects.update(asked_at=timezone.now() - timedelta(hours=1))
        assert count(sam) == 1

    def test_who_has_done_everything_has_no_card(self, link: Link, sam: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        assert card(sam) is None
        assert card(sam, "/") is None
        assert "site-who-waiting" not in sam.get("/").content.decode()


class TestATeen:
    def test_without_a_link_invites_a_parent(self, noor: Client, teen: Person) -> None:
        assert card(noor) == card(noor, "/") == ("Invite a parent", "/family/#invitations")
        create_invitation(by=teen)
        assert card(noor) == ("Your invitation waits for an answer", "/family/#invitations")

    def test_who_is_linked_waits_for_the_parent(self, link: Link, noor: Client) -> None:
        assert card(noor) == ("The tutor is closed until a parent agrees", "/family/consent")
        assert count(noor) == 0

    def test_who_is_old_enough_decides(self, noor: Client, teen: Person) -> None:
        today = timezone.localdate()
        Person.objects.filter(pk=teen.pk).update(born=today.replace(year=today.year - 17, day=1))
        assert card(noor) == ("The tutor is closed until you agree", "/family/consent")

    def test_answers_a_change_of_the_agreement(self, link: Link, noor: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        assert card(noor) is None
        propose_terms(link=link, by=link.parent, terms=Terms(answers_a_day=5))
        assert card(noor) == (
            f"{link.parent} would like to change your agreement",
            f"/family/links/{link.pk}/agreement",
        )
        assert count(noor) == 1

    @pytest.mark.parametrize(("years", "waits"), [(17, 1), (15, 0)])
    def test_who_decides_alone_answers_whether_the_account_is_erased(
        self, years: int, waits: int, link: Link, noor: Client, teen: Person
    ) -> None:
        today = timezone.localdate()
        Person.objects.filter(pk=teen.pk).update(born=today.replace(year=today.year - years, day=1))
        Residence.objects.update(country="DE")
        request_family_deletion(parent=link.parent)
        assert count(noor) == waits


class TestAParentWhoIsNotVerifiedYet:
    @pytest.fixture(params=[Verification.MAILBOX, Verification.ORGANISATION])
    def level(self, request: pytest.FixtureRequest, db: None) -> Verification:
        level: Verification = request.param
        ConsentPolicy.objects.create(verification=level)
        return level

    def test_is_asked_for_nothing_and_reads_what_is_left(
        self, level: Verification, link: Link, sam: Client, teen: Person
    ) -> None:
        title, address = (
            f"The tutor is closed to {teen} until you can agree",
            f"/family/links/{link.pk}/consent",
        )
        assert card(sam) == card(sam, "/") == (title, address)
        assert count(sam) == 0

    def test_is_asked_once_nothing_is_left(
        self, level: Verification, link: Link, sam: Client, parent: Person, admin_person: Person
    ) -> None:
        if level == Verification.ORGANISATION:
            approve_parent(link=link, method=CheckMethod.MET, by=admin_person)
        else:
            address = EmailAddress.objects.create(user=parent, email="sam@example.org", verified=True)
            MailboxConfirmation.objects.create(
                address=address, confirmed_at=timezone.now() - timedelta(days=4)
            )
        assert count(sam) == 1

    @pytest.mark.parametrize("choose", list(Verification))
    def test_the_query_and_the_rule_agree(self, choose: Verification, link: Link) -> None:
        for _ in range(2):
            may = Link.objects.filter(build_verified_filter()).exists()
            assert may == (find_missing_verification(link) is None)
            ConsentPolicy.objects.update_or_create(defaults={"verification": choose})


class TestWhatIsMoot:
    def test_a_parents_own_no_asks_for_no_yes(self, link: Link, sam: Client, teen: Person) -> None:
        agree(teen=teen, by=link.parent, country="US")
        withdraw_consent(teen=teen, by=link.parent)
        assert (card(sam), count(sam)) == (None, 0)

    def test_an_invitation_of_somebody_to_whom_one_is_linked(
        self, link: Link, sam: Client, teen: Person
    ) -> None:
        parent = link.parent
        parent.email = "sam@example.org"
        parent.save()
        EmailAddress.objects.create(user=parent, email=parent.email, verified=True, primary=True)
        create_invitation(by=teen, email=parent.email)
        assert count(sam) == 1
        assert card(sam) == (
            f"The tutor is closed to {teen} until you agree",
            f"/family/links/{link.pk}/consent",
        )

    def test_an_invitation_of_ones_own_side(
        self, sam: Client, parent: Person, make_person: Callable[..., Person]
    ) -> None:
        parent.email = "sam@example.org"
        parent.save()
        EmailAddress.objects.create(user=parent, email=parent.email, verified=True, primary=True)
        create_invitation(by=make_person("lee", Role.PARENT), email=parent.email)
        assert count(sam) == 0


def test_a_teen_whose_country_is_not_told_is_led_to_tell_it(link: Link, noor: Client) -> None:
    Residence.objects.all().delete()
    assert card(noor) == ("The tutor is closed until somebody agrees", "/family/consent")


@pytest.mark.parametrize("state", ["paused", "quiet", "open"])
def test_the_page_of_consent_says_the_tutor_is_open_only_when_it_is(
    state: str, link: Link, sam: Client, teen: Person
) -> None:
    agree(teen=teen, by=link.parent, country="US")
    if state == "paused":
        Link.objects.update(paused_at=timezone.now())
    elif state == "quiet":
        Link.objects.update(quiet_from=time(0, 1), quiet_to=time(0, 0))
    page = sam.get(f"/family/links/{link.pk}/consent").content.decode()
    assert ("The tutor is open." in page) == (state == "open")


class TestWhatItCosts:
    def test_one_statement_however_much_waits(
        self, link: Link, sam: Client, teen: Person, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        request_password_help(username=teen.username, code="123456")
        propose_terms(link=link, by=teen, terms=Terms(view=ParentView.FULL))
        # Of the session and the person; the third is for all that waits.
        with django_assert_max_num_queries(3):
            assert count(sam, "/about") == 3

    def test_nothing_for_whoever_has_not_signed_in(
        self, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(0):
            assert count(client, "/about") == 0

    def test_nothing_on_the_pages_that_help(
        self, link: Link, sam: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        assert count(sam, "/help/now") == 0


def test_a_page_that_nobody_opens_marks_no_notice_as_seen(parent: Person, sam: Client) -> None:
    Notice.objects.create(person=parent, text="A thing")
    sam.head("/family/")
    sam.get("/family/", headers={"Sec-Purpose": "prefetch"})
    assert Notice.objects.get().seen_at is None
    sam.get("/family/")
    assert Notice.objects.get().seen_at
