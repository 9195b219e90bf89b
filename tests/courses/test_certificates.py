"""Certificates: creating one with a chosen name, checking it by its address, and withdrawing it."""

import json
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pypdf import PdfReader
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.certificates import views
from courses.certificates.printing import render_certificate_pdf
from courses.models import Certificate, LessonDone, Module, QuizQuestion
from kit.rate_limits import ClientRateLimit
from kit.typesetting import can_typeset
from privacy import registry
from privacy.services import erase_person
from tests.courses.conftest import do_all_steps_except
from tests.courses.copied import add_lesson

GB = "/learn/good-and-bad"
PAGE = f"{GB}/certificate"
WHO = ["parent", "stranger", "admin_person"]
pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def done(teen: Person) -> Person:
    do_all_steps_except(teen)
    return teen


@pytest.fixture
def owner(done: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(done)


@pytest.fixture
def certificate(owner: Client) -> Certificate:
    owner.post(PAGE, {"name": "Noor"})
    return Certificate.objects.get()


class TestAskingForIt:
    def test_is_offered_once_the_module_is_finished(
        self, teen: Person, as_person: Callable[[Person], Client]
    ) -> None:
        client = as_person(teen)
        do_all_steps_except(teen, "what-it-is")
        assert PAGE not in client.get(GB).content.decode()
        assert "once you’ve finished the whole module" in client.get(PAGE).content.decode()
        client.post(f"{GB}/what-it-is/done")
        assert PAGE in client.get(GB).content.decode()

    @pytest.mark.parametrize("left", ["what-it-is", "quiz"])
    def test_cannot_be_created_before(
        self, left: str, teen: Person, as_person: Callable[[Person], Client]
    ) -> None:
        do_all_steps_except(teen, left)
        assert as_person(teen).post(PAGE, {"name": "Noor"}).status_code == 422
        assert not Certificate.objects.exists()

    def test_needs_a_post_by_its_owner(self, owner: Client) -> None:
        for path in (GB, PAGE, f"{GB}/quiz"):
            owner.get(path)
        assert not Certificate.objects.exists()

    def test_does_not_prefill_the_name(self, owner: Client) -> None:
        assert 'value="' not in owner.get(PAGE).content.decode().partition('name="name"')[2].partition(">")[0]

    def test_is_a_snapshot_of_that_day(self, certificate: Certificate, done: Person) -> None:
        assert certificate.person == done
        assert (certificate.lessons, certificate.questions) == (5, 5)
        assert (certificate.name, certificate.title) == ("Noor", "The good and the bad of AI")
        assert len(certificate.edition) == 12

    def test_needs_no_name(self, owner: Client) -> None:
        assert owner.post(PAGE, {}).headers["Location"] == PAGE
        assert Certificate.objects.get().name == ""

    @pytest.mark.parametrize(
        "name", ["Łucja O’Neill-Żak", "Иван", "Ngọc Ánh", "J. R.", "Anne O‘Neil, Jr. (Anya) 3rd"]
    )
    def test_accepts_a_name_as_it_is_written(self, name: str, owner: Client) -> None:
        owner.post(PAGE, {"name": f"  {name} "})
        assert Certificate.objects.get().name == name

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("call 555 0100", "without a web address"),
            ("https://example.org", "without a web address"),
            ("a\u202eb", "in letters"),
            ("a\0b", "in letters"),
            ("x" * 61, "at most 60"),
            ("明美", "print some of these letters"),
        ],
    )
    def test_keeps_an_invalid_name_in_the_form(self, name: str, message: str, owner: Client) -> None:
        reply = owner.post(PAGE, {"name": name})
        assert reply.status_code == 422
        assert message in reply.content.decode()
        assert not Certificate.objects.exists()

    def test_asking_twice_changes_nothing(self, certificate: Certificate, owner: Client) -> None:
        assert owner.post(PAGE, {"name": "Another"}).status_code == 302
        assert Certificate.objects.get() == certificate
        assert Certificate.objects.get().name == "Noor"

    def test_is_rate_limited(self, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        from courses.certificates import views
        from kit.rate_limits import RateLimit

        monkeypatch.setattr(views, "certificate_requests", RateLimit("asked in a test", "1/day"))
        assert [owner.post(PAGE, {"name": "Noor"}).status_code for _ in range(2)] == [302, 429]


class TestThePdf:
    def read(self, certificate: Certificate) -> PdfReader:
        return PdfReader(BytesIO(render_certificate_pdf(certificate)))

    def test_says_what_the_certificate_says(self, certificate: Certificate) -> None:
        (page,) = self.read(certificate).pages
        words = " ".join(page.extract_text().split())
        for text in (
            "Noor",
            "The good and the bad of AI",
            "5 lessons read, 5 questions answered",
            certificate.edition,
            "It isn’t a qualification",
        ):
            assert text in words, text
        assert certificate.address in words.replace(" ", "")

    def test_leads_to_its_address(self, certificate: Certificate) -> None:
        (page,) = self.read(certificate).pages
        notes: Any = page["/Annots"]
        links = [note.get_object()["/A"]["/URI"] for note in notes]
        assert set(links) == {settings.SITE_URL + certificate.get_absolute_url()}

    def test_is_read_aloud_in_its_order_and_language(self, certificate: Certificate) -> None:
        pdf = self.read(certificate)
        root: Any = pdf.trailer["/Root"]
        assert root["/Lang"] == "en"
        assert root["/MarkInfo"]["/Marked"]
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        assert pdf.metadata
        assert pdf.metadata.title == "Module finished: The good and the bad of AI"
        assert "pdfuaid" in root["/Metadata"].get_data().decode()
        tags = str(self.tags(root["/StructTreeRoot"]))
        assert "/H1" in tags
        assert "/Link" in tags
        assert "/Figure" not in tags

    def tags(self, node: object) -> list[object]:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            return [self.tags(child) for child in node]
        if not isinstance(node, dict):
            return []
        return [node.get("/S"), self.tags(node.get("/K", []))]

    def test_fits_on_either_paper(self, certificate: Certificate) -> None:
        (page,) = self.read(certificate).pages
        width, height = float(page.mediabox.width), float(page.mediabox.height)
        assert width < 596  # A4 is narrower
        assert height < 792  # Letter is shorter

    def test_is_on_one_page_with_the_longest_name_and_title(self, certificate: Certificate) -> None:
        certificate.name, certificate.title = "Wilhelmina " * 5, "Memory versus margins, " * 8
        assert len(self.read(certificate).pages) == 1

    def test_is_the_same_each_time(self, certificate: Certificate) -> None:
        assert render_certificate_pdf(certificate) == render_certificate_pdf(certificate)

    def test_prints_a_name_as_text_not_markup(self, certificate: Certificate) -> None:
        certificate.name = '#panic() *b* $x$ "'
        assert "#panic() *b* $x$" in self.read(certificate).pages[0].extract_text()

    def test_works_without_a_name(self, certificate: Certificate) -> None:
        certificate.name = ""
        assert "Noor" not in self.read(certificate).pages[0].extract_text()

    def test_is_only_for_its_owner(
        self, certificate: Certificate, owner: Client, client: Client, request: pytest.FixtureRequest,
        as_person: Callable[[Person], Client],
    ) -> None:  # fmt: skip
        reply = owner.get(f"{PAGE}/pdf")
        assert reply.headers["Content-Type"] == "application/pdf"
        assert "kitchen-table-good-and-bad.pdf" in reply.headers["Content-Disposition"]
        assert "no-store" in reply.headers["Cache-Control"]
        assert client.get(f"{PAGE}/pdf").status_code == 302
        for who in WHO:
            assert as_person(request.getfixturevalue(who)).get(f"{PAGE}/pdf").status_code == 404, who

    def test_names_that_cannot_be_printed_are_refused_first(self) -> None:
        assert can_typeset("Noor")
        assert not can_typeset("明")


class TestThePublicPage:
    def test_shows_anyone_what_the_certificate_says(self, certificate: Certificate, client: Client) -> None:
        reply = client.get(certificate.get_absolute_url())
        page = reply.content.decode()
        for text in ("Noor", "The good and the bad of AI", "5 lessons read", certificate.edition):
            assert text in page
        assert "The module hasn’t changed since." in page
        assert reply.headers["X-Robots-Tag"] == "noindex"
        assert "no-store" in reply.headers["Cache-Control"]

    def test_shows_nothing_else(self, certificate: Certificate, client: Client, done: Person) -> None:
        done.display_name = "Somebody Else"
        done.save()
        page = client.get(certificate.get_absolute_url()).content.decode()
        assert done.username not in page
        assert "Somebody Else" not in page

    def test_cannot_be_guessed(self, certificate: Certificate) -> None:
        assert len(certificate.token) == 32

    @pytest.mark.parametrize("token", ["x", "x" * 500, "1"])
    def test_says_that_there_is_no_certificate(self, token: str, client: Client) -> None:
        reply = client.get(f"/certificates/{token}")
        assert reply.status_code == 404
        assert "There’s no certificate at this address" in reply.content.decode()
        assert reply.headers["X-Robots-Tag"] == "noindex"

    def test_limits_guessing(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        from courses.certificates import views
        from kit.rate_limits import RateLimit

        monkeypatch.setattr(views, "unknown_addresses", RateLimit("checked in a test", "1/minute"))
        assert [client.get("/certificates/x").status_code for _ in range(2)] == [404, 429]

    def test_says_when_the_module_has_been_changed(
        self, certificate: Certificate, client: Client, content: Path, change: Callable[[str, str, str], int]
    ) -> None:
        change("1-what-it-is.md", 'title = "What it is"', 'title = "What it really is"')
        load_library(root=content)
        page = client.get(certificate.get_absolute_url()).content.decode()
        assert "The module has changed since." in page
        assert "The good and the bad of AI" in page

    def test_works_after_the_module_is_removed(self, certificate: Certificate, client: Client) -> None:
        from courses.models import Module

        Module.objects.all().delete()
        page = client.get(certificate.get_absolute_url()).content.decode()
        assert "The module has changed since." in page

    def test_costs_four_reads(
        self, certificate: Certificate, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(4):
            client.get(certificate.get_absolute_url())


class TestWithdrawing:
    def test_makes_the_address_a_404(self, certificate: Certificate, owner: Client, client: Client) -> None:
        assert owner.post(f"{PAGE}/withdraw").headers["Location"] == PAGE
        assert client.get(certificate.get_absolute_url()).status_code == 404
        assert owner.get(f"{PAGE}/pdf").status_code == 404

    def test_keeps_progress_and_a_new_certificate_has_a_new_address(
        self, certificate: Certificate, owner: Client
    ) -> None:
        owner.post(f"{PAGE}/withdraw")
        owner.post(PAGE, {"name": ""})
        again = Certificate.objects.get()
        assert again.token != certificate.token
        assert LessonDone.objects.count() == 5

    @pytest.mark.parametrize("who", WHO)
    def test_is_only_for_its_owner(
        self, who: str, certificate: Certificate, request: pytest.FixtureRequest,
        as_person: Callable[[Person], Client],
    ) -> None:  # fmt: skip
        assert as_person(request.getfixturevalue(who)).post(f"{PAGE}/withdraw").status_code == 404
        assert Certificate.objects.exists()

    def test_works_also_when_the_module_has_grown(
        self, certificate: Certificate, owner: Client, content: Path
    ) -> None:
        add_lesson(content)
        load_library(root=content)
        assert "Your certificate" in owner.get(GB).content.decode()
        assert "Withdraw it" in owner.get(PAGE).content.decode()


class TestStoredData:
    def rows(self, person: Person) -> list[registry.Row]:
        (kind,) = (kind for kind in registry.list_kinds() if kind.name == "certificates")
        return list(kind.export(person))

    def test_is_only_in_its_owners_export(
        self, certificate: Certificate, done: Person, parent: Person
    ) -> None:
        (row,) = self.rows(done)
        assert row["address"] == certificate.address
        assert isinstance(row["issued_on"], date)
        assert json.dumps(row, default=str)
        assert not self.rows(parent)
        assert "certificates" not in {kind.name for kind in registry.list_kinds(for_parent=True)}

    def test_is_erased_with_the_account(self, certificate: Certificate, done: Person, client: Client) -> None:
        erase_person(person=done)
        assert client.get(certificate.get_absolute_url()).status_code == 404


class TestAVisitor:
    """Someone who has just finished and has no account gets the PDF at once, and nothing is stored."""

    @pytest.fixture
    def visitor(self, client: Client, module: Module) -> Client:
        for lesson in module.lessons.all():
            client.post(f"{GB}/{lesson.slug}/done")
        for question in module.questions.all():
            client.post(f"{GB}/quiz/{question.slug}", {"option": question.options[0]["id"]})
        return client

    def read_pdf(self, reply: Any) -> str:
        return " ".join(PdfReader(BytesIO(reply.content)).pages[0].extract_text().split())

    def test_is_offered_it(self, visitor: Client) -> None:
        assert f'href="{PAGE}"' in visitor.get(GB).content.decode()
        page = visitor.get(PAGE).content.decode()
        assert "we keep neither it nor the name" in page
        assert f'href="/sign-in?next={PAGE}"' in page

    def test_gets_the_pdf_with_the_name(self, visitor: Client) -> None:
        reply = visitor.post(PAGE, {"name": "Noor"})
        assert reply.headers["Content-Type"] == "application/pdf"
        text = self.read_pdf(reply)
        assert "Noor" in text
        assert "5 lessons read, 5 questions answered" in text
        assert "It was made without an account, so no one can check it." in text
        assert "Check it at" not in text
        assert not Certificate.objects.exists()

    def test_gets_it_in_the_language_of_the_module(self, client: Client) -> None:
        for lesson in Module.objects.get(slug="mental-health", language="es").lessons.all():
            client.post(f"/learn/mental-health/{lesson.slug}/done")
        for question in QuizQuestion.objects.filter(module__slug="mental-health", module__language="es"):
            client.post(f"/learn/mental-health/quiz/{question.slug}", {"option": question.options[0]["id"]})
        reply = client.post(
            "/learn/mental-health/certificate", {"name": ""}, headers={"accept-language": "es"}
        )
        assert "Se hizo sin cuenta" in self.read_pdf(reply)

    def test_without_having_finished_is_told_what_to_do(self, client: Client, library: None) -> None:
        assert "once you’ve finished the whole module" in client.get(PAGE).content.decode()
        assert client.post(PAGE, {"name": "Noor"}).status_code == 422

    def test_with_a_name_that_cannot_be_printed_sees_it_again(self, visitor: Client) -> None:
        reply = visitor.post(PAGE, {"name": "\U00012000"})
        assert reply.status_code == 422
        assert "We can’t print some of these letters yet" in reply.content.decode()

    def test_cannot_make_any_number(self, visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        limit = ClientRateLimit("a test", person="1/day", network="1/day", everyone="9/day")
        monkeypatch.setattr(views, "visitor_certificates", limit)
        assert visitor.post(PAGE, {"name": ""}).status_code == 200
        assert visitor.post(PAGE, {"name": ""}).status_code == 429


def test_signed_out_it_redirects_to_sign_in(client: Client) -> None:
    for method, path in (("get", f"{PAGE}/pdf"), ("post", f"{PAGE}/withdraw")):
        reply = getattr(client, method)(path)
        assert reply.headers["Location"].startswith("/sign-in"), path
