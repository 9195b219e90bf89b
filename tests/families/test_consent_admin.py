"""What staff can do about consent: correct facts, approve parents, choose how parents are verified."""

import html
import re
from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from families.consent_models import ParentVerification
from families.models import Consent, ConsentPolicy, Correction, Link, Notice, ParentCheck, Residence
from families.verification import get_verification_level
from tests.families.conftest import agree

ADD = "/admin/families/correction/add/"
REASON = {"reason": "They wrote to us: it was a slip."}


@pytest.fixture
def staff(admin_person: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(admin_person)


class TestCorrecting:
    def test_the_country_records_before_after_author_and_reason(
        self, teen: Person, staff: Client, admin_person: Person
    ) -> None:
        staff.post(ADD, {"teen": teen.pk, "country": "DE"} | REASON)
        correction = Correction.objects.get()
        assert (correction.before, correction.after, correction.by) == ("US", "DE", admin_person)
        assert Residence.objects.get(teen=teen).country == "DE"
        page = staff.get("/admin/families/correction/").content.decode()
        assert REASON["reason"] in page

    def test_the_birth_month_records_it_and_notifies_the_teen(self, teen: Person, staff: Client) -> None:
        year = timezone.localdate().year - 15
        staff.post(ADD, {"teen": teen.pk, "month": "5", "year": str(year)} | REASON)
        teen.refresh_from_db()
        assert teen.born
        assert (teen.born.year, teen.born.month) == (year, 5)
        assert Correction.objects.get().after == f"{year}-05"
        assert "corrected" in Notice.objects.get(person=teen).text

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"country": "DE", "reason": ""},
            {"country": "UK"},
            {"month": "5"},
            {"year": "2011"},
            {"country": "DE", "month": "5", "year": "2011"},
            {"month": "5", "year": "2099"},
            {"month": "5", "year": "99999"},
            {"country": "DE", "teen": "zz"},
            {"country": "DE", "teen": "99999999999999999999"},
        ],
    )
    def test_requires_exactly_one_fact_and_a_reason(
        self, given: dict[str, str], teen: Person, staff: Client
    ) -> None:
        assert staff.post(ADD, {"teen": teen.pk} | REASON | given).status_code == 200
        assert not Correction.objects.exists()

    @pytest.mark.parametrize("fact", ["country", "month"])
    def test_to_the_same_value_is_refused(self, fact: str, teen: Person, staff: Client) -> None:
        teen.born = date(timezone.localdate().year - 15, 5, 1)
        teen.save()
        same = {"country": "US"} if fact == "country" else {"month": "5", "year": str(teen.born.year)}
        page = staff.post(ADD, {"teen": teen.pk} | same | REASON).content.decode()
        assert f"That {fact} is already saved." in page
        assert not Correction.objects.exists()
        assert not Notice.objects.exists()

    def test_is_named_on_the_next_page(self, teen: Person, staff: Client) -> None:
        page = staff.post(ADD, {"teen": teen.pk, "country": "DE"} | REASON, follow=True).content.decode()
        assert f"“country, {timezone.localdate()}”" in html.unescape(re.sub("<[^>]+>", "", page))

    @pytest.mark.parametrize(
        "query", ["teen=%00", "country=%00&teen=zz", "teen=zz", "teen=99999999999999999999", "month=x&year=9"]
    )
    def test_opens_with_any_query(self, query: str, staff: Client) -> None:
        assert staff.get(f"{ADD}?{query}").status_code == (400 if "%00" in query else 200)

    def test_to_younger_than_13_is_refused(self, teen: Person, staff: Client) -> None:
        young = {"month": "5", "year": str(timezone.localdate().year - 10)}
        page = staff.post(ADD, {"teen": teen.pk} | young | REASON).content.decode()
        assert "Delete the account instead." in page
        assert not Correction.objects.exists()

    def test_is_only_for_teens_and_cannot_be_changed(
        self, teen: Person, parent: Person, staff: Client
    ) -> None:
        staff.post(ADD, {"teen": parent.pk, "country": "DE"} | REASON)
        assert not Correction.objects.exists()
        staff.post(ADD, {"teen": teen.pk, "country": "DE"} | REASON)
        row = f"/admin/families/correction/{Correction.objects.get().pk}"
        assert staff.post(f"{row}/change/", REASON).status_code == 403
        assert staff.post(f"{row}/delete/", {"post": "yes"}).status_code == 403


class TestApproving:
    def test_a_parent_notifies_them_once(self, link: Link, staff: Client) -> None:
        given = {"link": str(link.pk), "method": "met"}
        assert staff.post("/admin/families/parentcheck/add/", given).status_code == 302
        assert "You can agree to the tutor now" in Notice.objects.get(person=link.parent).text
        assert staff.post("/admin/families/parentcheck/add/", given).status_code == 200
        assert ParentCheck.objects.count() == 1

    @pytest.mark.parametrize("how", ["one", "many"])
    def test_withdrawing_it_ends_the_consent(self, how: str, link: Link, staff: Client) -> None:
        Consent.objects.all().delete()
        ConsentPolicy.objects.create(verification=ParentVerification.ORGANIZATION)
        staff.post("/admin/families/parentcheck/add/", {"link": str(link.pk), "method": "met"})
        agree(teen=link.teen, by=link.parent)
        check = ParentCheck.objects.get().pk
        if how == "one":
            staff.post(f"/admin/families/parentcheck/{check}/delete/", {"post": "yes"})
        else:
            many = {"action": "delete_selected", "_selected_action": [check], "post": "yes"}
            staff.post("/admin/families/parentcheck/", many)
        assert not ParentCheck.objects.exists()
        assert Consent.objects.get().withdrawn_at


def test_the_verification_level_is_one_row_with_history(staff: Client) -> None:
    staff.post("/admin/families/consentpolicy/add/", {"verification": "mailbox"})
    assert get_verification_level() == ParentVerification.MAILBOX
    assert staff.get("/admin/families/consentpolicy/add/").status_code == 403
    staff.post("/admin/families/consentpolicy/1/change/", {"verification": "organization"})
    assert get_verification_level() == ParentVerification.ORGANIZATION
    assert LogEntry.objects.count() == 2
    assert staff.get("/admin/families/consentpolicy/1/history/").status_code == 200
