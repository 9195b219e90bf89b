"""Every family page as owner, family member, stranger, admin and visitor."""

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from families import links
from families.consent_texts import get_current_text, get_newest_text
from families.models import Consent, Invitation, Link, Notice, Proposal, Residence
from families.terms import ParentView
from mail.models import Email
from tests.families.conftest import agree

Enter = Callable[[Person], Client]
TERMS = {
    "parent_view": "topics",
    "memory": "full",
    "quiet_from": "21:00",
    "quiet_to": "07:00",
    "answers_per_day": "10",
}
LOCAL = "Only to models on this site’s own computers"
ANY_MODEL = "To any model this site uses, which may be another company’s"


def as_(who: str, as_person: Enter, request: pytest.FixtureRequest) -> Client:
    return Client() if who == "anonymous" else as_person(request.getfixturevalue(who))


EVERYBODY = ["teen", "parent", "stranger", "other_parent", "admin_person"]
# Who may open a page. Others get 404, and visitors are sent to sign in.
MATRIX = [
    ("/family/", EVERYBODY),
    ("/family/consents.json", EVERYBODY),
    ("/family/consent", ["teen", "stranger"]),
    ("/family/parent-views", ["teen", "stranger"]),
    ("/family/trusted-adult", ["teen", "stranger"]),
    ("/family/links/{}/agreement", ["teen", "parent"]),
    ("/family/links/{}/end", ["teen", "parent"]),
    ("/family/links/{}/consent", ["parent"]),
    ("/tutor/parent-view/{}", ["parent"]),
]


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [(path, who, 200 if who in may else 404) for path, may in MATRIX for who in EVERYBODY]
    + [(path, "anonymous", 302) for path, _may in MATRIX],
)
def test_who_may_open_which_page(
    path: str, who: str, status: int, link: Link, as_person: Enter, request: pytest.FixtureRequest
) -> None:
    assert as_(who, as_person, request).get(path.format(link.pk)).status_code == status


POSTS = [
    ("/family/links/{}/agreement", TERMS, {"teen": 302, "parent": 302}),
    ("/family/links/{}/answer", {"answer": "yes"}, {"teen": 302, "parent": 302}),
    ("/family/links/{}/pause", {"paused": "yes"}, {"parent": 302}),
    ("/family/links/{}/end", {}, {"teen": 302, "parent": 302}),
    (
        "/family/links/{}/consent",
        {"country": "US", "text_hash": get_newest_text(covers_review=False).hash},
        {"parent": 302},
    ),
]


@pytest.mark.parametrize(
    ("path", "form", "who", "status"),
    [(path, form, who, may.get(who, 404)) for path, form, may in POSTS for who in EVERYBODY],
)
def test_who_may_do_what(
    path: str, form: dict[str, str], who: str, status: int, link: Link, as_person: Enter,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    assert as_(who, as_person, request).post(path.format(link.pk), form).status_code == status
    if status == 404:
        link.refresh_from_db()
        assert link.ended_at is None
        assert link.paused_at is None
        assert not Proposal.objects.exists()


class TestInvitations:
    def test_by_email_is_sent_to_the_address(self, parent: Person, as_person: Enter) -> None:
        as_person(parent).post("/family/invite", {"email": "noor@example.org"})
        mail, invitation = Email.objects.get(), Invitation.objects.get()
        assert mail.to == "noor@example.org"
        assert f"/family/join/{invitation.token}" in mail.text

    def test_without_an_address_is_shown_on_the_page(self, parent: Person, as_person: Enter) -> None:
        client = as_person(parent)
        client.post("/family/invite", {"email": ""})
        assert f"/family/join/{Invitation.objects.get().token}" in client.get("/family/").content.decode()
        assert not Email.objects.exists()

    @pytest.mark.parametrize(
        "email", ["nonsense", "a@b\nBcc: x@y.z", "x" * 300 + "@example.org", "\0@example.org"]
    )
    def test_with_an_invalid_address_is_not_created(
        self, email: str, parent: Person, as_person: Enter
    ) -> None:
        assert as_person(parent).post("/family/invite", {"email": email}).status_code == 422
        assert not Invitation.objects.exists()

    def test_can_only_be_withdrawn_by_its_author(
        self, parent: Person, stranger: Person, as_person: Enter
    ) -> None:
        invitation = links.create_invitation(by=parent)
        as_person(stranger).post(f"/family/invitations/{invitation.pk}/withdraw")
        assert Invitation.objects.exists()
        as_person(parent).post(f"/family/invitations/{invitation.pk}/withdraw")
        assert not Invitation.objects.exists()

    def test_can_be_read_but_not_answered_before_sign_in(self, parent: Person, client: Client) -> None:
        token = links.create_invitation(by=parent).token
        assert client.get(f"/family/join/{token}").status_code == 200
        assert client.post(f"/family/join/{token}/accept").status_code == 302
        assert not Link.objects.exists()

    @pytest.mark.parametrize("token", ["nothing", "../../etc", "%00", "x" * 400])
    def test_a_wrong_token_says_that_it_no_longer_works(self, token: str, client: Client, db: None) -> None:
        assert client.get(f"/family/join/{token}").status_code == 404

    def test_accepting_as_a_parent_leads_to_consent(
        self, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        token = links.create_invitation(by=teen).token
        reply = as_person(parent).post(f"/family/join/{token}/accept")
        assert reply.headers["Location"] == f"/family/links/{Link.objects.get().pk}/consent"

    def test_the_wrong_role_is_refused(self, parent: Person, other_parent: Person, as_person: Enter) -> None:
        token = links.create_invitation(by=parent).token
        assert as_person(other_parent).post(f"/family/join/{token}/accept").status_code == 422
        assert Invitation.objects.exists()


class TestTheAgreement:
    @pytest.mark.parametrize(
        "change",
        [
            {"parent_view": "nonsense"}, {"quiet_to": ""}, {"quiet_from": "25:00"}, {"quiet_to": "21:00"},
            {"answers_per_day": "0"}, {"answers_per_day": "-5"}, {"answers_per_day": "1e9"},
            {"answers_per_day": "9" * 400},
        ],
    )  # fmt: skip
    def test_an_invalid_form_keeps_the_input_and_changes_nothing(
        self, change: dict[str, str], link: Link, parent: Person, as_person: Enter
    ) -> None:
        reply = as_person(parent).post(f"/family/links/{link.pk}/agreement", TERMS | change)
        assert reply.status_code == 422
        assert 'value="21:00"' in reply.content.decode() or "quiet_from" in change
        assert not Proposal.objects.exists()

    @pytest.mark.parametrize("is_agreed", [False, True])
    @pytest.mark.parametrize("who", ["teen", "parent"])
    def test_says_where_questions_go(
        self, who: str, is_agreed: bool, link: Link, as_person: Enter, request: pytest.FixtureRequest
    ) -> None:
        Link.objects.update(local_only=is_agreed)
        page = as_(who, as_person, request).get(f"/family/links/{link.pk}/agreement").content.decode()
        assert (LOCAL in page) is is_agreed
        assert (ANY_MODEL in page) is not is_agreed
        [box] = re.findall(r'<input[^>]*name="local_only"[^>]*>', page)
        assert ("checked" in box) is is_agreed

    def test_of_local_models_is_shown_in_the_proposal_and_applies_after_the_yes(
        self, link: Link, parent: Person, teen: Person, as_person: Enter
    ) -> None:
        path = f"/family/links/{link.pk}/agreement"
        as_person(parent).post(path, TERMS | {"local_only": "on"})
        page = as_person(teen).get(path).content.decode()
        assert page.count(LOCAL) == page.count(ANY_MODEL) == 1
        as_person(teen).post(f"/family/links/{link.pk}/answer", {"answer": "yes"})
        link.refresh_from_db()
        assert link.terms.local_only

    @pytest.mark.parametrize("who", ["parent", "teen"])
    def test_of_local_models_stays_until_both_end_it(
        self, who: str, link: Link, as_person: Enter, request: pytest.FixtureRequest
    ) -> None:
        Link.objects.update(local_only=True)
        as_(who, as_person, request).post(f"/family/links/{link.pk}/agreement", TERMS)
        link.refresh_from_db()
        assert link.terms.local_only
        assert not Proposal.objects.get().terms.local_only

    @pytest.mark.parametrize("who", ["stranger", "other_parent", "admin_person", "anonymous"])
    def test_of_local_models_cannot_be_changed_by_others(
        self, who: str, link: Link, as_person: Enter, request: pytest.FixtureRequest
    ) -> None:
        reply = as_(who, as_person, request).post(
            f"/family/links/{link.pk}/agreement", TERMS | {"local_only": "on"}
        )
        assert reply.status_code == (302 if who == "anonymous" else 404)
        link.refresh_from_db()
        assert not link.terms.local_only
        assert not Proposal.objects.exists()

    def test_says_that_another_agreement_keeps_questions_local(
        self, link: Link, other_parent: Person, teen: Person, as_person: Enter
    ) -> None:
        other = Link.objects.create(parent=other_parent, teen=teen, local_only=True)
        for person, own in ((link.parent, link), (other_parent, other), (teen, link)):
            page = as_person(person).get(f"/family/links/{own.pk}/agreement").content.decode()
            assert ("Another agreement keeps" in page) is (own == link)

    def test_both_parents_see_why_the_more_private_view_applies(
        self, link: Link, other_parent: Person, teen: Person, as_person: Enter
    ) -> None:
        other = Link.objects.create(parent=other_parent, teen=teen, parent_view=ParentView.FULL)
        for person, own in ((link.parent, link), (other_parent, other)):
            page = as_person(person).get(f"/family/links/{own.pk}/agreement").content.decode()
            assert "the more private one applies to all: time and topics" in page


@pytest.fixture
def without_consent(teen: Person) -> None:
    Consent.objects.all().delete()
    Residence.objects.all().delete()


def consent_form(country: str = "US") -> dict[str, str]:
    return {"country": country, "text_hash": get_current_text().hash}


@pytest.mark.usefixtures("without_consent")
class TestConsent:
    def test_a_teen_who_is_too_young_reads_who_can_agree(self, born_15: Person, as_person: Enter) -> None:
        reply = as_person(born_15).post("/family/consent", consent_form("DE"))
        assert reply.status_code == 422
        assert "Where you live (Germany), you can agree on your own from age 16" in reply.content.decode()

    def test_no_country_is_preselected(self, link: Link, as_person: Enter) -> None:
        page = as_person(link.parent).get(f"/family/links/{link.pk}/consent").content.decode()
        assert '<option value="" selected>Choose</option>' in page
        assert page.count(" selected>") == 1

    @pytest.mark.parametrize("country", ["", "us", "UK", "EU", "ZZ", "**", "U\0", "US" * 4_000])
    def test_an_unknown_country_is_refused(self, country: str, link: Link, as_person: Enter) -> None:
        reply = as_person(link.parent).post(f"/family/links/{link.pk}/consent", consent_form(country))
        assert reply.status_code == 422
        assert 'href="#country"' in reply.content.decode()
        assert not Consent.objects.exists()
        assert not Residence.objects.exists()

    def test_an_outdated_text_is_not_agreed_to(self, link: Link, as_person: Enter) -> None:
        """A form with an older text is shown again with the new one."""
        old = {"country": "US", "text_hash": "0" * 64}
        reply = as_person(link.parent).post(f"/family/links/{link.pk}/consent", old)
        assert reply.status_code == 422
        assert "out of date" in reply.content.decode()
        assert not Consent.objects.exists()

    def test_the_text_that_was_read_is_recorded_in_its_language(self, link: Link, as_person: Enter) -> None:
        client = as_person(link.parent)
        with translation.override("es"):
            spanish = consent_form()
        client.post(f"/family/links/{link.pk}/consent", spanish)
        consent = Consent.objects.get()
        page = client.get(f"/family/consents/{consent.pk}").content.decode()
        assert '<h2 lang="es">' in page
        assert "El tutor es una IA" in page

    def test_the_records_contain_text_time_and_giver(
        self, link: Link, parent: Person, as_person: Enter
    ) -> None:
        client = as_person(parent)
        client.post(f"/family/links/{link.pk}/consent", consent_form())
        [row] = client.get("/family/consents.json").json()["consents"]
        assert row["given_by"] == "sam"
        assert len(row["text_sha256"]) == 64
        assert row["text"]["points"] == list(get_current_text().points)
        assert row["verification"] == "none"
        assert row["withdrawn_at"] is None

    @pytest.mark.parametrize(
        ("who", "status"),
        [("parent", 200), ("teen", 200), ("stranger", 404), ("other_parent", 404), ("admin_person", 404)],
    )
    def test_a_consent_is_shown_only_to_its_two_people(
        self, who: str, status: int, link: Link, as_person: Enter, request: pytest.FixtureRequest
    ) -> None:
        consent = agree(teen=link.teen, by=link.parent)
        reply = as_(who, as_person, request).get(f"/family/consents/{consent.pk}")
        assert reply.status_code == status
        assert (get_current_text().hash in reply.content.decode()) is (status == 200)


def test_opening_the_page_marks_its_notices_as_seen(link: Link, teen: Person, as_person: Enter) -> None:
    links.end_link(link=link, by=link.parent)
    client = as_person(teen)
    assert "notice-new" in client.get("/family/").content.decode()
    assert "notice-new" not in client.get("/family/").content.decode()
    assert Notice.objects.get().seen_at


@pytest.mark.parametrize("is_demo", [True, False], ids=["nothing to verify", "a mailbox to verify"])
def test_a_large_family_needs_no_more_queries(
    link: Link,
    parent: Person,
    as_person: Enter,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    settings: Settings,
    is_demo: bool,
) -> None:
    settings.DEMO = is_demo
    for number in range(5):
        other = Person.objects.create_user(f"teen-{number}", "a-long-password", role="teen")
        Link.objects.create(parent=parent, teen=other)
    client = as_person(parent)
    with django_assert_max_num_queries(6 if is_demo else 10):
        client.get("/family/")


class TestANewPerson:
    """An invitation leads to sign-up, and sign-up back to the invitation."""

    def test_a_teen_returns_to_the_invitation(self, parent: Person, client: Client) -> None:
        path = f"/family/join/{links.create_invitation(by=parent).token}"
        assert f"/sign-up/teen?next={path}" in client.get(path).content.decode()
        age = client.post("/sign-up/teen", {"month": "1", "year": "2011", "next": path})
        assert f'value="{path}"' in age.content.decode()
        account = {"username": "new-here", "display_name": "New", "password": "walnut trees whistle"}
        reply = client.post("/sign-up/teen", account | {"next": path})
        assert reply["Location"] == path

    def test_a_parent_returns_to_it_from_the_email(self, teen: Person, client: Client) -> None:
        path = f"/family/join/{links.create_invitation(by=teen).token}"
        assert f"/sign-up?next={path}" in client.get(path).content.decode()
        account = {"display_name": "Pat", "email": "pat@example.org", "password1": "walnut trees whistle"}
        account |= {"month": "1", "year": "1980"}
        client.post("/sign-up", account | {"next": path})
        confirm = re.search(rf"{settings.SITE_URL}(/\S+)", Email.objects.get().text)
        assert confirm
        client.get(confirm[1])
        assert client.post(confirm[1])["Location"] == path

    def test_is_never_redirected_to_another_site(self, client: Client, db: None) -> None:
        client.post("/sign-up/teen", {"month": "1", "year": "2011", "next": "https://evil.example/"})
        account = {"username": "new-here", "display_name": "New", "password": "walnut trees whistle"}
        reply = client.post("/sign-up/teen", account | {"next": "//evil.example/"})
        assert reply["Location"] == "/family/"

    def test_an_emailed_invitation_is_shown_to_the_owner_of_the_address(
        self, teen: Person, other_parent: Person, as_person: Enter
    ) -> None:
        links.create_invitation(by=teen, email="lou@example.org")
        client = as_person(other_parent)
        assert "invited you" not in client.get("/family/").content.decode()
        other_parent.email = "lou@example.org"
        other_parent.save()
        EmailAddress.objects.create(user=other_parent, email="lou@example.org", verified=True, primary=True)
        assert "<bdi>Noor</bdi> invited you" in client.get("/family/").content.decode()
