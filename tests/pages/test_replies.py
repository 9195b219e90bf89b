"""Every response of the site has a mark, so that scripts can tell our pages from a proxy's."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from pages.middleware import HEADER

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/", "/help/now", "/healthz", "/nothing/here", "/tutor/", "/static/nothing"]
)
def test_every_reply_is_marked(path: str, client: Client) -> None:
    assert client.get(path).headers[HEADER] == "page"


def test_a_refusal_is_marked(client: Client, teen: Person, settings: Settings) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(teen)
    forbidden = strict.post("/tutor/ask")
    assert (forbidden.status_code, forbidden.headers[HEADER]) == (403, "page")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    client.force_login(teen)
    too_long = client.post("/tutor/ask", {"question": "x" * 100})
    assert (too_long.status_code, too_long.headers[HEADER]) == (413, "page")
