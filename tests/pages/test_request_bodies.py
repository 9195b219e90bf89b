"""The bodies of requests are bounded in size and time, before the sender is known."""

import asyncio
import http.client
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from accounts.models import Person, Role
from pages import request_bodies
from pages.request_bodies import BodyRejected
from tests.live import Web, running

CHUNK = b"x" * 64_000


def chunked(size: int) -> Iterator[bytes]:
    for _ in range(size // len(CHUNK)):
        yield CHUNK


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(web: Web, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)) as line:
        line.request(method, path, body, headers)
        reply = line.getresponse()
        return Reply(reply.status, reply.headers, reply.read().decode())


def post(web: Web, path: str, body: object, **headers: str) -> Reply:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(web, "POST", path, body, **(form | headers))


@pytest.mark.faults
class TestOnARealServer:
    def test_a_body_without_end_is_cut_off_and_nothing_of_it_is_kept(self, tmp_path: Path, db: None) -> None:
        spool = tmp_path / "spool"
        spool.mkdir()
        with running(Web(tmp_path / "web.log", TMPDIR=str(spool))) as web:
            before = psutil.Process(web.child.pid).memory_info().rss
            sent = 0
            with socket.create_connection(("127.0.0.1", web.port), timeout=20) as line:
                line.sendall(
                    b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                with suppress(ConnectionError):
                    for _ in range(300_000_000 // len(CHUNK)):
                        line.sendall(f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n")
                        sent += len(CHUNK)
            assert sent < 30_000_000
            assert sum(file.stat().st_size for file in spool.iterdir()) < len(CHUNK)
            assert psutil.Process(web.child.pid).memory_info().rss - before < 30_000_000
            assert "413" in web.read_log()

    @pytest.mark.parametrize("size", [1_600_000, 8_000_000])
    def test_a_body_slightly_over_the_limit_gets_a_response(self, web: Web, size: int) -> None:
        for body in (b"x" * size, chunked(size)):
            reply = post(web, "/sign-in", body)
            assert (reply.status, reply.headers["Connection"]) == (413, "close")
            assert "That’s too large to send" in reply.text
            assert "/help/now" in reply.text

    def test_the_page_is_in_the_readers_language(self, web: Web) -> None:
        reply = post(web, "/sign-in", b"x" * 2_000_000, **{"Accept-Language": "es"})
        assert '<html lang="es">' in reply.text

    def test_the_api_answers_with_a_problem(self, web: Web) -> None:
        reply = post(web, "/api/v1/turns", b"x" * 2_000_000)
        assert (reply.status, reply.headers["Content-Type"]) == (413, "application/problem+json")

    def test_a_chunked_form_is_held_to_the_limit_of_forms(self, web: Web) -> None:
        size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + len(CHUNK)
        assert post(web, "/language", chunked(size)).status == 413

    def test_what_comes_from_no_address_is_answered(self, tmp_path: Path, db: None) -> None:
        with running(Web(tmp_path / "web.log", FORWARDED_ALLOW_IPS="127.0.0.1", METRICS_TOKEN="")) as web:
            for client in ("garbage", "", "1.2.3.4, garbage", "[::1", "1.2.3.4:99999"):
                headers = {"X-Forwarded-For": client}
                for path in ("/metrics", "/learn/search?q=a"):
                    assert ask(web, "GET", path, **headers).status < 500, (client, path)
                assert post(web, "/sign-in", b"username=a&password=b", **headers).status < 500


def test_a_body_that_does_not_arrive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "BODY_SECONDS", 0.05)

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(BodyRejected) as refused:
        asyncio.run(request_bodies.read_body({"headers": []}, receive))
    assert refused.value.status == HTTPStatus.REQUEST_TIMEOUT


@pytest.mark.django_db
class TestForms:
    def test_a_form_that_is_too_large_gets_an_error_page(self, client: Client, settings: Settings) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        reply = client.post("/language", {"language": "x" * 100})
        assert reply.status_code == 413
        assert "That’s too large to send" in reply.content.decode()

    def test_a_form_with_too_many_fields_gets_an_error_page(self, client: Client) -> None:
        reply = client.post("/language", {f"field-{number}": "" for number in range(1_100)})
        assert reply.status_code == 400
        assert "We couldn’t read that" in reply.content.decode()

    def test_an_admin_may_tick_every_row_of_a_list(self, admin_person: Person, client: Client) -> None:
        people = Person.objects.bulk_create(
            Person(username=f"p{number}", role=Role.PARENT) for number in range(100)
        )
        client.force_login(admin_person)
        ticked = {"action": "", "_selected_action": [str(person.pk) for person in people]}
        assert client.post("/admin/accounts/person/", ticked).status_code == 302
