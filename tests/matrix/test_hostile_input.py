"""No form field, query, path, header or cookie of any route makes the site answer with a server error.

Forms are read from the HTML of the pages, so new forms are tested automatically. Each field gets some of the payloads,
chosen by the field's name, and all of them in the soak.
"""

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse

from tests.matrix.forms import IN_JSON, JSON, build_form
from tests.matrix.routes import routes
from tests.matrix.world import World, create_world

pytestmark = [pytest.mark.matrix, pytest.mark.django_db]

PAYLOADS = (
    "",
    " ",
    "\0",
    "a\0b@example.org",
    "a\r\nBcc: b@example.org",
    "a\x1b@example.org",
    "ßß",
    "9" * 4_301,
    "-1",
    "99999999999999999999",
    "1e400",
    "NaN",
    "²",
    "٣",
    "0x1f",
    "[]",
    '{"a": 1}',
    "null",
    "2026-13-45",
    "0001-01-01",
    "9999-12-31",
    "../../etc/passwd",
    "'\"><script>alert(1)</script>",
    "%00",
    "{% include 'x' %}{{ x }}",
    "\u202e\u2066\ufeff\u200d",
    "👩‍👩‍👧‍👦" * 100,
    "x" * 3_000,
    "http://[::1",
    "//evil.example\\@",
    "\ud800",
)
EACH = len(PAYLOADS) if "SOAK" in os.environ else 4
ROLES = ("anonymous", "teen", "parent", "admin")
# These end the session or the account that the page's other fields need.
SKIPPED = {"/sign-out"}
# It returns 503 without a worker.
UNSEEN = {"/readyz"}
HEADERS = (
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Cookie",
    "HX-Current-URL",
    "HX-Request",
    "HX-Target",
    "Host",
    "Idempotency-Key",
    "If-Modified-Since",
    "If-None-Match",
    "Last-Event-ID",
    "Origin",
    "Range",
    "Referer",
    "User-Agent",
    "X-CSRFToken",
    "X-Forwarded-Proto",
    "X-Request-ID",
)


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Collects every form of a page with the values of its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        name = given.get("name")
        if not name:
            return
        form = self._open
        if "form" in given:
            form = next((form for form in self.forms if form.action == given.get("formaction")), form)
        if form is not None:
            form.fields.setdefault(name, given.get("value", ""))
        if "formaction" in given and form is not None:
            self.forms.append(Form(given["formaction"], "post", {name: given.get("value", "")}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def parse_forms(page: str) -> list[Form]:
    parser = Forms()
    parser.feed(page)
    return parser.forms


def payloads_for(name: str, count: int = EACH) -> list[str]:
    """Return `count` payloads, which depend only on the name."""
    start = zlib.crc32(name.encode())
    return [PAYLOADS[(start + step * 7) % len(PAYLOADS)] for step in range(count)]


def encoded(fields: dict[str, str]) -> str:
    """Encode a form, including characters that are invalid in text."""
    return "&".join(
        f"{quote(name.encode('utf-8', 'surrogatepass'))}={quote(value.encode('utf-8', 'surrogatepass'))}"
        for name, value in fields.items()
    )


@dataclass
class Site:
    """Sends requests as one role. Each request is rolled back before the next."""

    world: World
    role: str
    wrong: list[str] = field(default_factory=list)
    count: int = 0

    def send(self, method: str, path: str, body: Any = None, *, what: str = "", **how: Any) -> str:
        client = self.world.client_to_roll_back(self.role)
        client.raise_request_exception = False
        self.count += 1
        text = ""
        with transaction.atomic():
            reply: Any = client.generic(method, path, body or "", **how)
            if reply.status_code >= 500:
                self.wrong.append(f"{self.role} {method} {path} {what}: {reply.status_code} {_fault(reply)}")
            elif reply.headers.get("Content-Type", "").startswith("text/html"):
                text = b"".join(reply).decode(errors="replace")
            for close in reply._resource_closers:
                close()
            transaction.set_rollback(True)
        return text

    def forms(self) -> Iterator[tuple[str, Form]]:
        """Yield every form of every page that this role sees, with the page's path."""
        for name, wanted in routes().items():
            path = self.world.address(name, wanted)
            if path not in UNSEEN:
                for form in parse_forms(self.send("GET", path)):
                    yield path, form

    def submit(self, action: str, form: Form, name: str, payload: str) -> None:
        what = f"{name}={payload[:20]!r}"
        fields = encoded(form.fields | {name: payload})
        if form.method == "post":
            kind = "application/x-www-form-urlencoded"
            self.send("POST", action, fields, what=what, content_type=kind)
        else:
            self.send("GET", f"{action}?{fields}", what=what)


def _fault(reply: Any) -> str:
    info = getattr(reply, "exc_info", None)
    # Escaped: a report with half a surrogate pair cannot be passed on.
    return ascii(f"{info[0].__name__}: {info[1]}")[:200] if info else ""


@pytest.fixture(params=["anonymous", "teen"])
def site(request: pytest.FixtureRequest, library: None) -> Iterator[Site]:
    site = Site(create_world(), request.param)
    yield site
    assert_answered(site)


def assert_answered(*sites: Site) -> None:
    wrong = [problem for site in sites for problem in site.wrong]
    assert not wrong, f"{len(wrong)} of {sum(site.count for site in sites)}:\n" + "\n".join(wrong[:40])


def test_fields(library: None) -> None:
    world = create_world()
    sites = [Site(world, role) for role in ROLES]
    tried = set()
    for site in sites:
        for path, form in site.forms():
            action = urlsplit(form.action or path).path
            key = (action, form.method, *sorted(form.fields))
            if action in SKIPPED or key in tried:
                continue
            tried.add(key)
            for name in form.fields:
                for payload in payloads_for(f"{action} {name}"):
                    site.submit(action, form, name, payload)
    assert len(tried) > 40
    assert_answered(*sites)


def test_paths_and_queries(site: Site) -> None:
    for name, wanted in routes().items():
        path = site.world.address(name, wanted)
        if path in UNSEEN:
            continue
        for argument in wanted:
            here = str(site.world.ids.get(f"{name}:{argument}") or site.world.ids[argument])
            for payload in payloads_for(f"{name} {argument}", EACH // 2):
                written = quote(payload.encode("utf-8", "surrogatepass"), safe="")
                site.send("GET", path.replace(here, written or "-", 1))
        for payload in payloads_for(name, EACH // 2):
            fields = dict.fromkeys(
                ("q", "page", "cursor", "next", "before", "after", "from", "token"), payload
            )
            site.send("GET", f"{path}?{encoded(fields)}", what=repr(payload[:20]))


def test_headers(site: Site) -> None:
    paths = ("/", "/tutor/", "/events/", "/api/v1/conversations")
    for path in paths:
        for header in HEADERS:
            for payload in payloads_for(f"{path} {header}"):
                # Remove what a server rejects in a header's value.
                value = payload.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r\n", " ")
                site.send("GET", path, headers={header: value[:8_000]}, what=f"{header}: {value[:20]!r}")


def test_json(library: None) -> None:
    site = Site(create_world(), "teen")
    bodies = (
        "[" * 10_000 + "]" * 10_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "1" * 5_000,
        '"\\ud800"',
        "null",
        "[]",
        "{}",
        '{"question": "\\u0000"}',
        "\ufeff{}",
    )
    for name in sorted(IN_JSON):
        path = site.world.address(name, routes()[name])
        for body in bodies:
            site.send("POST", path, body.encode(), what=body[:20], **JSON)
        values: tuple[Any, ...] = (*PAYLOADS[: EACH * 4], 1, 10**400, -0.5, None, True, [], {}, [[["x"]]])
        for key in build_form(name, site.world) or {"x": ""}:
            for value in values:
                sent = build_form(name, site.world) | {key: value}
                site.send("POST", path, json.dumps(sent).encode(), what=f"{key}={str(value)[:20]}", **JSON)
    assert_answered(site)


@pytest.mark.parametrize(
    "credential", ["9" * 4_301, "[" * 10_000, "{}", "[]", '"x"', "1", "null", '{"id": 1, "response": []}']
)
def test_passkeys(credential: str, library: None) -> None:
    site = Site(create_world(), "anonymous")
    fields = encoded({"credential": credential})
    kind = "application/x-www-form-urlencoded"
    site.send("POST", reverse("mfa_login_webauthn"), fields, what=credential[:20], content_type=kind)
    assert_answered(site)


ADMIN_QUERIES = (
    "q",
    "p",
    "o",
    "all",
    "e",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "id__in",
)


def test_the_admins_lists(library: None) -> None:
    site = Site(create_world(), "admin")
    for model, model_admin in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        filters = [f"{name}__exact" for name in model_admin.list_filter]
        for name in filters:
            site.send("GET", f"{path}?{name}=%00")
        for name in (*ADMIN_QUERIES, *filters, f"{model._meta.pk.name}__gt", "date_hierarchy"):
            for payload in payloads_for(f"{path} {name}", EACH // 4):
                site.send("GET", f"{path}?{encoded({name: payload})}", what=f"{name}={payload[:20]!r}")
        for payload in payloads_for(path, EACH // 4):
            site.send(
                "GET", f"{path}{quote(payload.encode('utf-8', 'surrogatepass'), safe='') or '-'}/change/"
            )
    assert_answered(site)


def test_the_admins_prefilled_forms(library: None) -> None:
    """A link can prefill every field of an empty form."""
    site = Site(create_world(), "admin")
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/add/"
        forms = [form for form in parse_forms(site.send("GET", path)) if "_save" in form.fields]
        for form in forms:
            site.send("GET", f"{path}?{encoded(dict.fromkeys(form.fields, chr(0)))}")
            for name in form.fields:
                for payload in payloads_for(f"{path} {name}", EACH // 4):
                    query = encoded({name: payload})
                    site.send("GET", f"{path}?{query}", what=f"{name}={payload[:20]!r}")
    assert site.count > 60
    assert_answered(site)
