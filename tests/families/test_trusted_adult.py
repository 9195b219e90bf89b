"""The trusted adult stays hidden from parents: on pages, in exports, emails and logs."""

import logging
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Person
from families.models import Link, TrustedAdult
from mail.models import Email

NAME, REACH = "Great-Aunt Zephyrine", "0161 496 0999"


@pytest.fixture
def named(teen: Person, as_person: Callable[[Person], Client]) -> TrustedAdult:
    as_person(teen).post("/family/trusted-adult", {"name": NAME, "contact": REACH})
    return TrustedAdult.objects.get()


def own_pages(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> list[str]:
    """List every URL of the site that takes no argument or a link's id."""
    paths = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            paths += [] if path == "/admin/" else own_pages(pattern.url_patterns, path)
        else:
            paths.append(path)
    return paths


def test_the_teen_can_read_and_change_it(
    named: TrustedAdult, teen: Person, as_person: Callable[[Person], Client]
) -> None:
    client = as_person(teen)
    assert NAME in client.get("/family/trusted-adult").content.decode()
    client.post("/family/trusted-adult", {"name": "Coach", "contact": REACH})
    assert TrustedAdult.objects.get().name == "Coach"
    client.post("/family/trusted-adult", {"forget": "yes"})
    assert not TrustedAdult.objects.exists()


def test_an_invalid_form_keeps_the_input(teen: Person, as_person: Callable[[Person], Client]) -> None:
    reply = as_person(teen).post("/family/trusted-adult", {"name": NAME, "contact": ""})
    assert reply.status_code == 422
    assert NAME in reply.content.decode()


def test_no_page_shows_it_to_a_parent(
    named: TrustedAdult, link: Link, parent: Person, as_person: Callable[[Person], Client]
) -> None:
    Link.objects.update(parent_view="full")
    client = as_person(parent)
    asked = 0
    for path in own_pages(get_resolver().url_patterns):
        address = path.replace("<uuid:link_id>", str(link.pk))
        if "<" in address or "(" in address:
            continue
        reply = client.get(address)
        asked += 1
        contents = b"".join(reply.streaming_content) if reply.streaming else reply.content  # type: ignore[attr-defined]
        assert NAME.encode() not in contents, address
        assert REACH.encode() not in contents, address
    assert asked > 15


def test_a_parents_pages_are_the_same_with_and_without_one(
    link: Link, teen: Person, parent: Person, as_person: Callable[[Person], Client]
) -> None:
    def seen() -> list[bytes]:
        client = as_person(parent)
        addresses = ("/family/", f"/family/links/{link.pk}/agreement", f"/family/links/{link.pk}/end")
        return [client.get(address).content.split(b"csrfmiddlewaretoken")[0] for address in addresses]

    before = seen()
    as_person(teen).post("/family/trusted-adult", {"name": NAME, "contact": REACH})
    assert seen() == before
    assert as_person(parent).get("/family/trusted-adult").status_code == 404


def test_naming_one_sends_no_email_no_notice_and_logs_nothing(
    link: Link, teen: Person, as_person: Callable[[Person], Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    as_person(teen).post("/family/trusted-adult", {"name": NAME, "contact": REACH})
    assert not Email.objects.exists()
    assert link.parent.notices.count() == 0
    assert NAME not in "\n".join(
        record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    )


def test_ending_the_link_reveals_nothing(
    named: TrustedAdult, link: Link, parent: Person, as_person: Callable[[Person], Client]
) -> None:
    as_person(parent).post(f"/family/links/{link.pk}/end")
    assert TrustedAdult.objects.exists()
    assert NAME not in as_person(parent).get("/family/").content.decode()
