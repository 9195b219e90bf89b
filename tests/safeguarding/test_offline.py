"""The offline copy of the help lines: what the browser keeps, and how it is replaced or removed."""

import json
import re

import pytest
from django.test import Client
from pytest_django import Settings

from safeguarding import offline
from tests.markup import squeezed

LANGUAGES = ["en", "es"]


def read_kept(client: Client, query: str = "?language=en") -> dict[str, object]:
    script = client.get(f"/help/service-worker.js{query}").content.decode()
    found = re.match(r"const KEPT = (.*);\n", script)
    assert found
    kept: dict[str, object] = json.loads(found[1])
    return kept


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_every_number_and_no_link_that_needs_internet(language: str, client: Client) -> None:
    page = squeezed(client.get(f"/help/offline/{language}").content.decode())
    assert f'<html lang="{language}">' in page
    for link in ("tel:988", "sms:741741?&amp;body=HOME", "tel:116123", "tel:911"):
        assert f'href="{link}"' in page
    own = set(re.findall(r'<a[^>]* href="(/[^"]*)"', page))
    assert own == {f"/help/offline/{other}" for other in LANGUAGES if other != language}


def test_the_page_says_why_it_is_shown(client: Client) -> None:
    assert "These numbers work without internet." in client.get("/help/offline/en").content.decode()


def test_a_language_without_pages_is_not_found(client: Client, db: None) -> None:
    assert client.get("/help/offline/fr").status_code == 404


def test_only_the_help_lines_their_styles_and_fonts_are_kept(client: Client) -> None:
    kept = read_kept(client)
    assert kept["pages"] == ["/help/offline/en", "/help/offline/es"]
    assert isinstance(kept["assets"], list)
    assert all(re.search(r"\.(css|woff2)$", path) for path in kept["assets"])
    for path in [*kept["pages"], *kept["assets"]]:
        assert not client.get(path).cookies


def test_the_worker_may_answer_for_the_whole_site_and_is_never_stale(client: Client) -> None:
    reply = client.get("/help/service-worker.js")
    assert reply.headers["Service-Worker-Allowed"] == "/"
    assert reply.headers["Content-Type"] == "text/javascript"
    assert "no-cache" in reply.headers["Cache-Control"]
    assert "script-src 'self'" in reply.headers["Content-Security-Policy"]


def test_the_readers_language_comes_first(client: Client) -> None:
    assert read_kept(client, "?language=es")["page"] == "/help/offline/es"
    assert read_kept(client, "?language=fr")["page"] == "/help/offline/en"


def test_other_help_lines_are_another_version(client: Client, settings: Settings) -> None:
    offline.get_version.cache_clear()
    before = read_kept(client)["version"]
    settings.HELP_COUNTRY = "GB"
    offline.get_version.cache_clear()
    assert read_kept(client)["version"] != before
    offline.get_version.cache_clear()


def test_a_site_can_remove_the_copy_from_every_browser(client: Client, settings: Settings) -> None:
    settings.OFFLINE_HELP = False
    script = client.get("/help/service-worker.js").content.decode()
    assert "unregister" in script
    assert "KEPT" not in script
    assert "service-worker.js" not in client.get("/help/now").content.decode()
