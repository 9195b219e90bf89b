import re
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.models import LessonDone, QuizAnswer, QuizQuestion
from tests.markup import squeezed

GB = "/learn/good-and-bad"
OPEN = ["/learn/", GB, f"{GB}/bias-in-bias-out", f"{GB}/quiz", f"{GB}/print"]
WHO = ["teen", "parent", "stranger", "admin_person"]
pytestmark = pytest.mark.usefixtures("library")


@pytest.mark.parametrize("path", OPEN)
def test_visitors_can_read(path: str, client: Client) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("path", OPEN)
def test_signed_in_people_can_read(
    path: str, who: str, as_person: Callable[[Person], Client], request: pytest.FixtureRequest
) -> None:
    assert as_person(request.getfixturevalue(who)).get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/learn/nothing", f"{GB}/nothing", "/learn/nothing/quiz", "/learn/nothing/print"]
)
def test_an_unknown_address_is_a_404(path: str, client: Client) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", [f"{GB}/nothing/done", f"{GB}/quiz/nothing", "/learn/nothing/what-it-is/done"]
)
def test_an_unknown_step_cannot_be_completed(path: str, client: Client) -> None:
    assert client.post(path, {"option": "x"}).status_code == 404
    assert "completed_work" not in client.session


@pytest.mark.parametrize("path", [f"{GB}/what-it-is/done", f"{GB}/quiz/average"])
def test_viewing_pages_records_nothing(path: str, client: Client) -> None:
    assert client.get(path).status_code == 405


def test_a_cross_site_form_records_nothing(db: None) -> None:
    assert Client(enforce_csrf_checks=True).post(f"{GB}/what-it-is/done").status_code == 403


@pytest.mark.parametrize(
    ("path", "most"),
    [("/learn/", 3), (GB, 4), (f"{GB}/bias-in-bias-out", 3), (f"{GB}/quiz", 3), (f"{GB}/print", 3)],
)
def test_query_count_for_a_visitor(
    path: str, most: int, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(most):
        client.get(path)


@pytest.mark.parametrize(("path", "most"), [(path, 10 if path == GB else 9) for path in OPEN])
def test_signed_in_it_takes_at_most_six_more_queries(
    path: str, most: int, teen: Person, as_person: Callable[[Person], Client],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    client = as_person(teen)
    with django_assert_max_num_queries(most):
        client.get(path)


class TestALesson:
    def test_leads_to_the_next_when_it_is_done(
        self, teen: Person, as_person: Callable[[Person], Client]
    ) -> None:
        reply = as_person(teen).post(f"{GB}/what-it-is/done")
        assert reply.headers["Location"] == f"{GB}/good-at-and-bad-at"
        assert LessonDone.objects.get().person == teen

    def test_the_last_one_leads_to_the_quiz(self, client: Client) -> None:
        assert client.post(f"{GB}/talk-about-it/done").headers["Location"] == f"{GB}/quiz"

    def test_names_the_source_and_date_of_every_figure(self, client: Client) -> None:
        page = client.get(f"{GB}/learning-with-it").content.decode()
        assert page.count("As reported:") == 3
        assert "December 9, 2025" in page

    def test_has_an_address_for_every_section(self, client: Client) -> None:
        assert 'id="measured"' in client.get(f"{GB}/bias-in-bias-out").content.decode()


class TestTheQuiz:
    def options(self, slug: str = "average") -> list[dict[str, str]]:
        options: list[dict[str, str]] = QuizQuestion.objects.get(module__language="en", slug=slug).options
        return options

    def test_explains_nothing_before_an_answer(self, client: Client) -> None:
        assert self.options()[0]["explanation"] not in client.get(f"{GB}/quiz").content.decode()

    def test_explains_every_option_after_it(self, client: Client) -> None:
        wrong = self.options()[1]
        reply = client.post(f"{GB}/quiz/average", {"option": wrong["id"]})
        assert reply.headers["Location"] == f"{GB}/quiz#average"
        page = client.get(f"{GB}/quiz").content.decode()
        assert all(option["explanation"] in page for option in self.options())
        assert "Not quite." in page

    def test_an_answer_may_be_changed_and_only_the_last_is_kept(
        self, teen: Person, as_person: Callable[[Person], Client]
    ) -> None:
        client = as_person(teen)
        for option in self.options():
            client.post(f"{GB}/quiz/average", {"option": option["id"]})
        assert QuizAnswer.objects.get().option == self.options()[-1]["id"]

    @pytest.mark.parametrize("option", ["", "nonsense", "x" * 5000, "\0"])
    def test_a_missing_or_invalid_choice_is_refused_and_not_recorded(
        self, option: str, client: Client
    ) -> None:
        reply = client.post(f"{GB}/quiz/average", {"option": option})
        assert reply.status_code == 422
        assert "Choose an answer first." in reply.content.decode()
        assert "completed_work" not in client.session

    def test_an_option_of_another_question_is_refused(self, client: Client) -> None:
        other = self.options("next-word")[0]["id"]
        assert client.post(f"{GB}/quiz/average", {"option": other}).status_code == 422

    def test_all_five_finish_it(self, client: Client) -> None:
        for question in QuizQuestion.objects.all():
            client.post(f"{GB}/quiz/{question.slug}", {"option": question.options[0]["id"]})
        assert "Still to read: What it is" in client.get(f"{GB}/quiz").content.decode()


def test_the_page_for_the_fridge_door_has_all_that_belongs_there(client: Client) -> None:
    page = client.get(f"{GB}/print").content.decode()
    for words in (
        "At 13 to 14",
        "At 17 to 18",
        "Change one thing",
        "We try first, then ask",
        "People say",
        "counselor",
    ):
        assert words in page


def test_an_empty_library_says_what_will_be_here(client: Client) -> None:
    from courses.models import Module

    Module.objects.all().delete()
    assert "The modules will appear here" in client.get("/learn/").content.decode()
    assert client.get("/").status_code == 200


class TestThePrintSheet:
    def test_has_a_button_that_only_the_script_shows(self, client: Client, library: None) -> None:
        page = squeezed(client.get("/learn/good-and-bad/print").content.decode())
        assert re.search(r"data-print hidden><button[^>]*>Print this page</button>", page)
        assert "js/print.js" in page
        assert "Use your browser’s print menu." in page
        assert "onclick" not in page

    def test_has_help_numbers_and_its_own_address(self, client: Client, library: None) -> None:
        page = squeezed(client.get("/learn/good-and-bad/print").content.decode())
        for words in ("988", "Crisis Text Line", "In danger right now: call 911", "/learn/good-and-bad"):
            assert words in page.partition("sheet-lines")[2], words

    def test_is_in_spanish_with_its_module(self, client: Client, library: None) -> None:
        page = client.get("/learn/mental-health/print", headers={"accept-language": "es"}).content.decode()
        assert "Si hay peligro ahora mismo: llama al 911" in page
