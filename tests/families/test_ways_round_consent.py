"""Ways in which a teen might try to bypass consent, and what happens. docs/consent.md has the same list."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import MailboxConfirmation, Person
from families import consent_texts, consents
from families.agreements import answer_proposal, propose_terms, set_parent_pause
from families.consent_models import CheckMethod, ParentVerification
from families.consent_texts import get_current_text
from families.consents import find_consent, withdraw_consent
from families.cooling_off import COOLING_OFF_PERIOD, find_cooling_off_end
from families.corrections import correct_country
from families.errors import (
    CannotGiveConsent,
    CoolingOffActive,
    InvitationNotUsable,
    ParentNotVerified,
    WrongRole,
)
from families.gate import ClosedReason, get_tutor_gate
from families.links import accept_invitation, create_invitation, decline_invitation, end_link, end_links_at_18
from families.models import Consent, ConsentPolicy, CoolingOff, Link, Notice, Proposal, Residence
from families.residence import find_country
from families.terms import ParentView, Terms
from families.verification import approve_parent, withdraw_approval
from kit.memory_policy import MemoryPolicy
from mail.models import Email
from privacy.services import erase_person
from tests.families.conftest import agree

Enter = Callable[[Person], Client]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _without_consent(teen: Person) -> None:
    Consent.objects.all().delete()
    Residence.objects.all().delete()


@pytest.fixture
def agreed(link: Link) -> Link:
    agree(teen=link.teen, by=link.parent)
    return link


@pytest.fixture
def mum(make_person: Callable[..., Person]) -> Person:
    """A parent account that the teen has just created, with a mailbox made for it."""
    mum = make_person("mum", role="parent", email="mum@example.org")
    confirm(mum, "mum@example.org", ago=timedelta())
    return mum


def confirm(person: Person, email: str, *, ago: timedelta) -> None:
    EmailAddress.objects.filter(user=person).delete()
    address = EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    MailboxConfirmation.objects.create(address=address, confirmed_at=timezone.now() - ago)


def create_link(parent: Person, teen: Person) -> Link:
    return accept_invitation(token=create_invitation(by=teen).token, by=parent)


def ask_for(level: ParentVerification) -> None:
    ConsentPolicy.objects.update_or_create(defaults={"verification": level})


def build_consent_form(country: str) -> dict[str, str]:
    return {"country": country, "text_hash": get_current_text().hash}


def test_every_listed_case_names_an_existing_test() -> None:
    rows = [line for line in (ROOT / "docs/consent.md").read_text().splitlines() if line.startswith("| ")][1:]
    written = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}
    files = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    exist = {name for text in files for name in re.findall(r"def (test_\w+)", text)}
    assert len(rows) >= 30
    assert all("`test_" in row for row in rows)
    assert written <= exist


class TestAnotherCountry:
    def test_the_first_country_is_kept(self, born_15: Person, as_person: Enter) -> None:
        client = as_person(born_15)
        assert client.post("/family/consent", build_consent_form("DE")).status_code == 422
        assert client.post("/family/consent", build_consent_form("US")).status_code == 422
        assert find_country(born_15) == "DE"
        assert get_tutor_gate(born_15).closed_reason == ClosedReason.CONSENT

    def test_it_is_kept_on_another_device_and_in_a_second_tab(
        self, born_15: Person, as_person: Enter
    ) -> None:
        first, second = as_person(born_15), as_person(born_15)
        assert "Choose</option>" in second.get("/family/consent").content.decode()
        first.post("/family/consent", build_consent_form("DE"))
        assert second.post("/family/consent", build_consent_form("US")).status_code == 422
        assert "Choose</option>" not in second.get("/family/consent").content.decode()

    def test_it_is_kept_when_a_parent_is_asked_next(
        self, born_15: Person, link: Link, as_person: Enter
    ) -> None:
        as_person(born_15).post("/family/consent", build_consent_form("DE"))
        as_person(link.parent).post(f"/family/links/{link.pk}/consent", build_consent_form("US"))
        assert Consent.objects.get().country == "DE"

    def test_it_is_kept_after_withdrawing(self, link: Link, born_15: Person) -> None:
        agree(teen=born_15, by=link.parent, country="DE")
        withdraw_consent(teen=born_15, by=born_15)
        with pytest.raises(CannotGiveConsent):
            agree(teen=born_15, by=born_15, country="US")

    def test_a_refusal_saves_only_the_country(self, born_15: Person, as_person: Enter) -> None:
        as_person(born_15).post("/family/consent", build_consent_form("DE"))
        assert not Consent.objects.exists()
        assert not Notice.objects.exists()


class TestEndingTheLink:
    @pytest.mark.parametrize("who", ["teen", "parent"])
    def test_with_a_parent_who_paused_closes_the_tutor_and_notifies_both(
        self, who: str, born_15: Person, link: Link
    ) -> None:
        agree(teen=born_15, by=born_15)
        set_parent_pause(link=link, paused=True)
        Notice.objects.all().delete()
        end_link(link=link, by=born_15 if who == "teen" else link.parent)
        gate = get_tutor_gate(born_15)
        assert gate.closed_reason == ClosedReason.COOLING_OFF
        assert gate.until
        assert timedelta(days=6, hours=23) < gate.until - timezone.now() <= COOLING_OFF_PERIOD
        for person in (born_15, link.parent):
            assert Notice.objects.filter(person=person, text__contains="the tutor is closed to Noor").exists()

    def test_with_a_parent_who_consented_does_not_let_the_teen_consent_at_once(
        self, born_15: Person, agreed: Link
    ) -> None:
        end_link(link=agreed, by=born_15)
        with pytest.raises(CoolingOffActive):
            agree(teen=born_15, by=born_15)
        assert not Consent.objects.filter(withdrawn_at=None).exists()

    def test_with_a_parent_who_consented_does_not_let_a_new_parent_consent(
        self, agreed: Link, teen: Person, mum: Person
    ) -> None:
        end_link(link=agreed, by=teen)
        create_link(mum, teen)
        with pytest.raises(CoolingOffActive):
            agree(teen=teen, by=mum)

    def test_lets_a_teen_who_is_old_enough_consent_after_the_period(
        self, born_15: Person, agreed: Link
    ) -> None:
        end_link(link=agreed, by=born_15)
        CoolingOff.objects.update(until=timezone.now())
        agree(teen=born_15, by=born_15)
        assert get_tutor_gate(born_15).closed_reason is None

    def test_closes_the_tutor_despite_another_parents_consent(
        self, agreed: Link, teen: Person, other_parent: Person
    ) -> None:
        paused = create_link(other_parent, teen)
        set_parent_pause(link=paused, paused=True)
        end_link(link=paused, by=teen)
        assert find_consent(teen)
        assert get_tutor_gate(teen).closed_reason == ClosedReason.COOLING_OFF

    def test_with_a_parent_who_neither_consented_nor_paused_closes_nothing(
        self, link: Link, born_15: Person
    ) -> None:
        agree(teen=born_15, by=born_15)
        end_link(link=link, by=born_15)
        assert get_tutor_gate(born_15).closed_reason is None

    def test_is_undone_by_the_same_parent_and_restores_their_pause(self, agreed: Link, teen: Person) -> None:
        set_parent_pause(link=agreed, paused=True)
        end_link(link=agreed, by=teen)
        again = create_link(agreed.parent, teen)
        agree(teen=teen, by=agreed.parent)
        gate = get_tutor_gate(teen)
        assert (gate.closed_reason, gate.paused_by) == (ClosedReason.PAUSED, agreed.parent)
        set_parent_pause(link=again, paused=False)
        assert get_tutor_gate(teen).closed_reason is None

    def test_by_deleting_the_parents_account_also_closes_it(self, agreed: Link, born_15: Person) -> None:
        erase_person(person=agreed.parent)
        assert get_tutor_gate(born_15).closed_reason == ClosedReason.COOLING_OFF
        with pytest.raises(CoolingOffActive):
            agree(teen=born_15, by=born_15)

    def test_ends_the_consent_of_the_unlinked_parent(self, agreed: Link, teen: Person) -> None:
        end_link(link=agreed, by=teen)
        with pytest.raises(CannotGiveConsent):
            consents.give_consent(teen=teen, by=agreed.parent)

    def test_closes_only_the_tutor(self, agreed: Link, teen: Person, as_person: Enter) -> None:
        end_link(link=agreed, by=teen)
        client = as_person(teen)
        assert "The tutor is closed until" in client.get("/family/").content.decode()
        page = client.get("/tutor/").content.decode()
        assert "The tutor is closed for a few days" in page
        assert 'name="question"' in page
        reply = client.post("/tutor/ask", {"question": "I want to kill myself"}, follow=True)
        assert 'class="card-crisis"' in reply.content.decode()

    def test_is_reported_by_the_api(self, agreed: Link, teen: Person, as_person: Enter) -> None:
        end_link(link=agreed, by=teen)
        reply = as_person(teen).post(
            "/api/v1/turns", {"question": "Why is the sky blue?"}, content_type="application/json",
            headers={"Idempotency-Key": "6a8d9cde-29a7-4b0b-8d57-0b3f3b4f1f5e"},
        )  # fmt: skip
        assert reply.status_code == 403
        assert reply.json()["type"].endswith("cooling-off")
        assert reply.json()["opens_at"]


class TestWithdrawing:
    def test_by_a_parent_prevents_the_teens_own_consent(self, agreed: Link, born_15: Person) -> None:
        withdraw_consent(teen=born_15, by=agreed.parent)
        with pytest.raises(CoolingOffActive):
            agree(teen=born_15, by=born_15)

    def test_can_be_undone_by_that_parent_at_once(self, agreed: Link, teen: Person) -> None:
        withdraw_consent(teen=teen, by=agreed.parent)
        agree(teen=teen, by=agreed.parent)
        assert get_tutor_gate(teen).closed_reason is None

    def test_parents_are_notified_when_a_teen_consents_alone(self, link: Link, born_15: Person) -> None:
        agree(teen=born_15, by=born_15)
        assert "agreed to use the tutor" in Notice.objects.get(person=link.parent).text

    def test_by_a_parent_prevents_the_other_parents_consent(
        self, agreed: Link, teen: Person, mum: Person
    ) -> None:
        create_link(mum, teen)
        withdraw_consent(teen=teen, by=agreed.parent)
        with pytest.raises(CoolingOffActive):
            agree(teen=teen, by=mum)


class TestAFakeParent:
    def test_does_not_end_another_parents_pause(self, agreed: Link, teen: Person, mum: Person) -> None:
        set_parent_pause(link=agreed, paused=True)
        set_parent_pause(link=create_link(mum, teen), paused=False)
        assert get_tutor_gate(teen).closed_reason == ClosedReason.PAUSED

    def test_is_accepted_without_verification_and_the_page_says_so(
        self, teen: Person, mum: Person, as_person: Enter
    ) -> None:
        link = create_link(mum, teen)
        page = as_person(mum).get(f"/family/links/{link.pk}/consent").content.decode()
        assert "This site doesn’t check." in page
        assert agree(teen=teen, by=mum).verification == ParentVerification.NONE

    @pytest.mark.parametrize("level", [ParentVerification.MAILBOX, ParentVerification.ORGANIZATION])
    def test_is_refused_by_a_site_that_verifies_even_with_a_crafted_request(
        self, level: ParentVerification, teen: Person, mum: Person, as_person: Enter
    ) -> None:
        ask_for(level)
        link = create_link(mum, teen)
        client = as_person(mum)
        page = client.get(f"/family/links/{link.pk}/consent").content.decode()
        assert "I have read this, and I agree" not in page
        assert client.post(f"/family/links/{link.pk}/consent", build_consent_form("US")).status_code == 422
        with pytest.raises(ParentNotVerified):
            agree(teen=teen, by=mum)

    def test_is_accepted_once_the_mailbox_is_three_days_old(self, teen: Person, mum: Person) -> None:
        ask_for(ParentVerification.MAILBOX)
        create_link(mum, teen)
        confirm(mum, "mum@example.org", ago=timedelta(days=3))
        assert agree(teen=teen, by=mum).verification == ParentVerification.MAILBOX

    def test_waits_again_after_a_change_of_address(self, teen: Person, mum: Person) -> None:
        ask_for(ParentVerification.MAILBOX)
        create_link(mum, teen)
        confirm(mum, "mum@example.org", ago=timedelta(days=300))
        confirm(mum, "other@example.org", ago=timedelta())
        with pytest.raises(ParentNotVerified):
            agree(teen=teen, by=mum)

    def test_the_mailbox_is_notified_of_the_consent(self, teen: Person, mum: Person) -> None:
        create_link(mum, teen)
        agree(teen=teen, by=mum)
        assert "If it wasn’t you" in Email.objects.filter(to="mum@example.org").latest("pk").text

    def test_is_refused_without_approval_by_the_organization(
        self, teen: Person, mum: Person, admin_person: Person
    ) -> None:
        ask_for(ParentVerification.ORGANIZATION)
        link = create_link(mum, teen)
        check = approve_parent(link=link, method=CheckMethod.MET, by=admin_person)
        assert agree(teen=teen, by=mum).verification == ParentVerification.ORGANIZATION
        withdraw_approval(check=check)
        assert find_consent(teen) is None

    def test_an_approval_applies_to_one_link_only(
        self, teen: Person, mum: Person, admin_person: Person
    ) -> None:
        ask_for(ParentVerification.ORGANIZATION)
        approve_parent(link=create_link(mum, teen), method=CheckMethod.MET, by=admin_person)
        end_link(link=Link.objects.get(), by=teen)
        create_link(mum, teen)
        with pytest.raises(ParentNotVerified):
            agree(teen=teen, by=mum)

    def test_a_public_site_verifies_mailboxes_by_default(
        self, teen: Person, parent: Person, settings: Settings
    ) -> None:
        settings.DEMO = False
        create_link(parent, teen)
        with pytest.raises(ParentNotVerified):
            agree(teen=teen, by=parent)

    def test_a_higher_level_applies_only_to_later_consents(self, agreed: Link, teen: Person) -> None:
        ask_for(ParentVerification.ORGANIZATION)
        assert get_tutor_gate(teen).closed_reason is None


class TestLocalModels:
    @pytest.fixture
    def local(self, link: Link) -> Link:
        Link.objects.update(local_only=True)
        link.refresh_from_db()
        return link

    @pytest.mark.parametrize(
        "terms", [Terms(), Terms(parent_view=ParentView.TOPICS, memory=MemoryPolicy.NONE)]
    )
    def test_are_not_switched_off_by_one_side(
        self, terms: Terms, local: Link, teen: Person, parent: Person
    ) -> None:
        for person in (teen, parent):
            assert not propose_terms(link=local, by=person, terms=terms)
            assert get_tutor_gate(teen).terms.local_only
            Proposal.objects.all().delete()
        propose_terms(link=local, by=teen, terms=terms)
        answer_proposal(link=local, by=parent, accept=True)
        assert not get_tutor_gate(teen).terms.local_only

    def test_still_apply_with_a_second_parent_who_did_not_agree_on_them(
        self, local: Link, teen: Person, mum: Person
    ) -> None:
        create_link(mum, teen)
        assert get_tutor_gate(teen).terms.local_only

    def test_end_with_the_link_and_the_parent_is_notified(
        self, local: Link, teen: Person, parent: Person
    ) -> None:
        end_link(link=local, by=teen)
        assert not get_tutor_gate(teen).terms.local_only
        assert Notice.objects.filter(person=parent).exists()


class TestInvitations:
    def test_an_accepted_invitation_links_no_second_person(
        self, parent: Person, teen: Person, mum: Person
    ) -> None:
        token = create_invitation(by=teen).token
        accept_invitation(token=token, by=parent)
        with pytest.raises(InvitationNotUsable):
            accept_invitation(token=token, by=mum)

    def test_after_a_refusal_the_next_parent_must_be_verified(
        self, parent: Person, teen: Person, mum: Person
    ) -> None:
        ask_for(ParentVerification.MAILBOX)
        decline_invitation(token=create_invitation(by=teen).token, by=parent)
        create_link(mum, teen)
        with pytest.raises(ParentNotVerified):
            agree(teen=teen, by=mum)

    def test_no_one_can_accept_their_own(self, teen: Person) -> None:
        with pytest.raises(WrongRole):
            accept_invitation(token=create_invitation(by=teen).token, by=teen)


class TestANewAccount:
    def test_is_not_recognized_but_the_parent_is_notified(self, agreed: Link, teen: Person) -> None:
        """Accepted: to recognize the teen, we would have to keep data of an erased account."""
        erase_person(person=teen)
        assert "was deleted" in Notice.objects.filter(person=agreed.parent).latest("at").text
        assert not Residence.objects.exists()
        assert not CoolingOff.objects.exists()


class TestTime:
    def test_a_new_version_needs_consent_under_the_same_rules(
        self, agreed: Link, born_15: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Residence.objects.update(country="DE")
        new = replace(get_current_text(), version="2027-01-01")
        for module in (consent_texts, consents):
            monkeypatch.setattr(module, "get_current_text", lambda: new)
        assert get_tutor_gate(born_15).closed_reason == ClosedReason.CONSENT
        with pytest.raises(CannotGiveConsent):
            agree(teen=born_15, by=born_15)

    def test_at_18_the_link_ends_without_cooling_off(self, agreed: Link, teen: Person) -> None:
        set_parent_pause(link=agreed, paused=True)
        today = timezone.localdate()
        teen.born = date(today.year - 18, today.month, 1)
        teen.save(update_fields=["born"])
        end_links_at_18()
        assert get_tutor_gate(teen).closed_reason == ClosedReason.CONSENT
        agree(teen=teen, by=teen)
        assert get_tutor_gate(teen).closed_reason is None

    def test_at_18_a_cooling_off_period_ends(self, agreed: Link, teen: Person) -> None:
        end_link(link=agreed, by=teen)
        today = timezone.localdate()
        teen.born = date(today.year - 18, today.month, 1)
        assert find_cooling_off_end(teen) is None

    def test_a_corrected_country_ends_a_consent_the_teen_cannot_give_there(
        self, born_15: Person, link: Link, admin_person: Person
    ) -> None:
        agree(teen=born_15, by=born_15)
        correct_country(teen=born_15, country="DE", reason="A school wrote to us.", by=admin_person)
        assert get_tutor_gate(born_15).closed_reason == ClosedReason.CONSENT
        for person in (born_15, link.parent):
            assert Notice.objects.filter(person=person, text__contains="Germany").exists()
