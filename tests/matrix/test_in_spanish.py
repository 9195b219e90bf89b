"""No page in Spanish has English left over, for anyone. The pages are those of the permission table."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from budgets.models import Plan
from chat.models import Conversation, Note, Turn
from courses.models import Briefing, Lesson, Module
from mail.models import Email
from tests.courses.conftest import do_all_steps_except
from tests.english import find_english
from tests.matrix.forms import IN_JSON, QUESTION, build_form
from tests.matrix.routes import routes
from tests.matrix.test_matrix import (
    ADMIN_ROWS,
    IN_THE_ADMIN,
    ROWS,
    _world_for_a_file,
    admin_page,
    world,
)
from tests.matrix.world import ROLES, World

__all__ = ["_world_for_a_file", "world"]
pytestmark = [pytest.mark.matrix, pytest.mark.django_db]

SPANISH = {"Accept-Language": "es-US,es;q=0.9,en;q=0.5"}


# Django does not translate the names of permissions, two images of its admin pages, and a language's name in itself.
# The short name of a plan is for programs.
IN_DJANGO = re.compile(
    r"\| Can (add|change|delete|view|review) |/admin/\S+: (Search|None|English)$|/plan/\d+/change/: free$"
)


def read_in_spanish(client: Client, address: str, names: Iterable[str] = ()) -> list[str]:
    """Return the English of the page at an address; nothing of what is no page."""
    reply = client.get(address, headers=SPANISH)
    if not reply.headers.get("Content-Type", "").startswith("text/html") or reply.status_code in {301, 302}:
        return []
    page = reply.content.decode() if not reply.streaming else b"".join(reply).decode()
    return [f"{address}: {text}" for text in find_english(page, names=names)]


@pytest.fixture(autouse=True)
def _people_write_spanish(world: World) -> None:
    """Names and texts of people are no part of the interface."""
    for number, person in enumerate(world.people.values(), 1):
        Person.objects.filter(pk=person.pk).update(
            username=f"persona-{number}", display_name=f"Persona {number}"
        )
    Conversation.objects.update(title="Sesgos")
    Turn.objects.update(question="¿La IA tiene sesgos?", answer="Sí.")
    Note.objects.update(text="Es así.")
    Plan.objects.update(name="Gratis")
    Email.objects.update(subject="Asunto", text="Texto")


def read_all(client: Client, addresses: Iterable[str]) -> str:
    names = list_untranslated_names()
    found = [
        text
        for address in addresses
        for text in read_in_spanish(client, address, names)
        if not IN_DJANGO.search(text)
    ]
    return "\n".join(dict.fromkeys(found))


def list_untranslated_names() -> list[str]:
    """Return what may stand in English in a page's head, which has one language, and what the tests write."""
    names = []
    for model in (Module, Briefing):
        known = model.objects.filter(language="es").values("slug")
        rows = model.objects.filter(language="en").exclude(slug__in=known)
        names += [name for row in rows for name in (row.title, row.summary)]
    lessons = Lesson.objects.filter(module__language="en", module__title__in=names)
    # And a language is named in itself.
    names += [QUESTION["question"], "en/good-and-bad/quiz.md", "English"]
    # The longest first, as one may contain another.
    return sorted([*names, *lessons.values_list("title", flat=True)], key=len, reverse=True)


@pytest.mark.parametrize("role", ROLES)
def test_no_page_has_english_left_over(role: str, world: World) -> None:
    pages = [
        world.address(name, routes()[name])
        for name, (get, _) in ROWS.items()
        if get.split()[ROLES.index(role)] == "200"
    ]
    assert read_all(world.client_to_roll_back(role), pages) == ""


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_to_a_form_has_english_left_over(role: str, world: World) -> None:
    """Each form is sent as the permission table sends it; most of them are empty, so their errors are shown."""
    names, found = list_untranslated_names(), []
    for name, (_, post) in ROWS.items():
        if post.split()[ROLES.index(role)] not in {"200", "422", "302"} or name in IN_JSON:
            continue
        client, address = world.client_to_roll_back(role), world.address(name, routes()[name])
        with transaction.atomic():
            reply: Any = client.post(address, build_form(name, world), headers=SPANISH, follow=True)
            if reply.headers.get("Content-Type", "").startswith("text/html"):
                found += [f"{address}: {text}" for text in find_english(reply.content.decode(), names=names)]
            # Not reply.close(), which would close this test's database connection.
            for close in reply._resource_closers:
                close()
            transaction.set_rollback(True)
    assert "\n".join(found) == ""


def list_written_pages() -> Iterator[str]:
    for module in Module.objects.filter(language="en"):
        yield module.get_absolute_url()
        for name in ("quiz", "sheet"):
            yield reverse(f"courses:{name}", args=[module.slug])
        for lesson in module.lessons.all():
            yield reverse("courses:lesson", args=[module.slug, lesson.slug])
    for briefing in Briefing.objects.filter(language="en"):
        yield briefing.get_absolute_url()


def test_no_finished_module_has_english_left_over(world: World) -> None:
    teen = world.people["teen"]
    for module in Module.objects.filter(language="en"):
        do_all_steps_except(teen, module=module.slug)
    assert read_all(world.client_to_roll_back("teen"), ["/", "/learn/", *list_written_pages()]) == ""


def test_no_lesson_or_briefing_has_english_left_over(world: World) -> None:
    assert read_all(world.client_to_roll_back("anonymous"), list_written_pages()) == ""


@pytest.mark.parametrize("model", IN_THE_ADMIN, ids=str)
def test_no_admin_page_has_english_left_over(model: type[Model], world: World) -> None:
    pages = [admin_page(model, "changelist"), admin_page(model, "add")]
    is_written = any(field.name == "language" for field in model._meta.fields)
    rows = model._default_manager.filter(language="es") if is_written else model._default_manager.all()
    # The fields of a module are those of its file.
    if model is not Module and (first := rows.first()):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages += [reverse(f"{name}_{page}", args=[first.pk]) for page in ("change", "history", "delete")]
    assert read_all(world.client_to_roll_back("admin"), pages) == ""


def test_no_other_admin_page_has_english_left_over(world: World) -> None:
    pages = [
        reverse(f"admin:{name}", args=[world.ids.get(arg, arg) for arg in given])
        for name, (given, *_) in ADMIN_ROWS.items()
    ]
    assert read_all(world.client_to_roll_back("admin"), ["/admin/", *pages]) == ""
