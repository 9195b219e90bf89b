"""A finished module offers a conversation guide, not a badge."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.models import Module
from tests.courses.conftest import do_all_steps_except

GB = "/learn/good-and-bad"
TALK = "Next: talk about it"
pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def client_of_teen(teen: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(teen)


def test_the_guide_is_offered_once_the_module_is_finished(teen: Person, client_of_teen: Client) -> None:
    do_all_steps_except(teen, "what-it-is")
    assert TALK not in client_of_teen.get(GB).content.decode()
    reply = client_of_teen.post(f"{GB}/what-it-is/done")
    assert reply.headers["Location"] == f"{GB}#conversation-guide"
    for path in (GB, f"{GB}/quiz"):
        assert TALK in client_of_teen.get(path).content.decode()


def test_the_guide_has_one_starter_for_each_age_and_a_link_to_more(
    teen: Person, client_of_teen: Client
) -> None:
    do_all_steps_except(teen)
    page = client_of_teen.get(GB).content.decode()
    for words in ("At 13 to 14", "At 15 to 16", "At 17 to 18", f"{GB}/talk-about-it#starters", f"{GB}/print"):
        assert words in page


def test_the_guide_names_the_next_open_module(teen: Person, client_of_teen: Client) -> None:
    slugs = list(Module.objects.filter(language="en").values_list("slug", flat=True))
    do_all_steps_except(teen, module=slugs[0])
    do_all_steps_except(teen, module=slugs[1])
    page = client_of_teen.get(f"/learn/{slugs[0]}").content.decode()
    assert "For another evening" in page
    assert f'href="/learn/{slugs[2]}"' in page


def test_after_the_last_module_it_names_the_first_open_one(teen: Person, client_of_teen: Client) -> None:
    slugs = list(Module.objects.filter(language="en").values_list("slug", flat=True))
    do_all_steps_except(teen, module=slugs[-1])
    assert f'href="/learn/{slugs[0]}"' in client_of_teen.get(f"/learn/{slugs[-1]}").content.decode()


def test_with_all_modules_done_it_names_none(teen: Person, client_of_teen: Client) -> None:
    for slug in Module.objects.values_list("slug", flat=True):
        do_all_steps_except(teen, module=slug)
    page = client_of_teen.get(GB).content.decode()
    assert TALK in page
    assert "For another evening" not in page


def test_the_guide_is_offered_to_visitors(client: Client) -> None:
    module = Module.objects.get(language="en", slug="good-and-bad")
    for lesson in module.lessons.all():
        client.post(f"{GB}/{lesson.slug}/done")
    for question in module.questions.all():
        client.post(f"{GB}/quiz/{question.slug}", {"option": question.options[0]["id"]})
    page = client.get(GB).content.decode()
    assert TALK in page
    # A visitor gets it at once, and it is not stored.
    assert f"{GB}/certificate" in page


def test_reading_a_lesson_again_leads_on_as_before(teen: Person, client_of_teen: Client) -> None:
    do_all_steps_except(teen)
    reply = client_of_teen.post(f"{GB}/what-it-is/done")
    assert reply.headers["Location"] == f"{GB}/good-at-and-bad-at"


def test_there_is_no_badge(teen: Person, client_of_teen: Client) -> None:
    do_all_steps_except(teen)
    page = client_of_teen.get(GB).content.decode().lower()
    assert not {word for word in ("badge", "congratulations", "well done", "streak") if word in page}


def test_the_guide_takes_a_fixed_number_of_queries(
    teen: Person, client_of_teen: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    do_all_steps_except(teen)
    with django_assert_max_num_queries(17):
        client_of_teen.get(GB)
