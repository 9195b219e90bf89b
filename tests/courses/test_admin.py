"""Module statistics as tables and a CSV file, for admins only."""

import csv
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from courses.models import Module
from tests.courses.conftest import LESSONS, Crowd, choose_options, read
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]
ALL = "/admin/courses/module/"
ONE = "/admin/courses/module/statistics/good-and-bad/"
CSV = "/admin/courses/module/statistics.csv"


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


@pytest.fixture
def readers(module: Module, crowd: Crowd) -> list[Person]:
    """Twelve people read a lesson, three of them the next one, and twenty chose the second answer first."""
    people = crowd(12)
    read(people, LESSONS[0])
    read(people[:3], LESSONS[1])
    choose_options(crowd(20), 1)
    return people


@pytest.mark.parametrize("path", [ALL, ONE, CSV])
def test_only_admins_can_open_them(
    as_person: AsPerson, teen: Person, parent: Person, make_person: Callable[..., Person], path: str
) -> None:
    for client in (Client(), as_person(teen), as_person(parent)):
        reply = client.get(path)
        assert reply.status_code == 302
        assert reply.headers["Location"].startswith("/admin/login/")
    staff = make_person("bo", Role.ADMIN, is_staff=True)
    assert as_person(staff).get(path).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_module"))
    assert as_person(staff).get(path).status_code in {200, 404}


def test_all_modules_with_what_misleads_most(admin_client: Client, readers: list[Person]) -> None:
    page = admin_client.get(ALL).content.decode()
    assert "The good and the bad of AI" in page
    assert "About 100% chose the same wrong answer first." in page
    assert "fewer than 5" in page


def test_one_module_step_by_step(admin_client: Client, readers: list[Person]) -> None:
    page = " ".join(admin_client.get(ONE).content.decode().split())
    # 32 started: 12 read the first lesson, 3 of them the second; 20 reached the quiz.
    assert "<span>30</span>" in page
    assert "<span>10</span>" in page
    assert "most misleading" in page
    assert "For whom is it wrong?" in page


def test_there_are_no_names_and_no_small_numbers(admin_client: Client, readers: list[Person]) -> None:
    for path in (ALL, ONE, CSV):
        reply = admin_client.get(path)
        page = reply.getvalue().decode()
        assert "reader-" not in page
        assert "<span>3</span>" not in page
        assert ",3\r" not in page


def test_the_csv_file_has_the_same_numbers(admin_client: Client, readers: list[Person]) -> None:
    reply = admin_client.get(CSV)
    assert reply.headers["Content-Disposition"] == 'attachment; filename="module-statistics-90.csv"'
    rows = list(csv.DictReader(reply.getvalue().decode()[1:].splitlines()))
    counts = {
        (row["what"], row["step"], row["option"]): row["people"]
        for row in rows
        if row["module"] == "good-and-bad"
    }
    assert counts["started", "", ""] == "30"
    assert counts["finished", "", ""] == "fewer than 5"
    assert counts["finished this step", "what-it-is", ""] == "10"
    assert counts["finished this step", "good-at-and-bad-at", ""] == "fewer than 5"
    assert [people for (what, step, _), people in counts.items() if (what, step) == ("chose it first", "average")] == [
        "fewer than 5", "20", "fewer than 5", "fewer than 5",
    ][: sum(step == "average" for _, step, _ in counts)]  # fmt: skip
    assert {row["people"] for row in rows} <= {"fewer than 5", *map(str, range(5, 100, 5))}


@pytest.mark.parametrize(
    ("asked", "period"),
    [("", "90"), ("?period=30", "30"), ("?period=ever", "ever"), ("?period=7", "90")],
)
def test_an_unknown_period_means_the_default(
    admin_client: Client, module: Module, asked: str, period: str
) -> None:
    page = squeezed(admin_client.get(ALL + asked).content.decode())
    assert f'<a href="?period={period}" aria-current="true">' in page


def test_without_readers_the_pages_say_so(admin_client: Client, module: Module) -> None:
    assert "Fewer than 5 people started a module" in admin_client.get(ALL).content.decode()
    assert "Fewer than 5 people worked on this module" in admin_client.get(ONE).content.decode()


def test_before_a_module_is_loaded_the_page_says_so(no_library: None, admin_client: Client) -> None:
    assert "No modules have been loaded yet." in admin_client.get(ALL).content.decode()
    assert admin_client.get(ONE).status_code == 404


@pytest.mark.parametrize("path", [ALL, ONE])
def test_the_number_of_queries_does_not_depend_on_the_number_of_people(
    admin_client: Client, readers: list[Person], path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # Session, person, second step, and the five queries of the statistics.
    with django_assert_num_queries(7):
        admin_client.get(path)


def test_modules_are_read_only(admin_client: Client, module: Module) -> None:
    assert admin_client.get(f"{ALL}add/").status_code == 403
    assert admin_client.post(f"{ALL}{module.pk}/change/", {"title": "Mine"}).status_code == 403
    assert admin_client.post(f"{ALL}{module.pk}/delete/", {"post": "yes"}).status_code == 403
