"""The proxy of docker-compose.yml, for real, in front of the real site."""

import gzip
import http.client
import os
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings

from accounts.models import Person
from chat.streaming.valkey_stream import stream_key
from courses.certificates.views import unknown_addresses
from kit import rate_limits
from tests.live import ROOT, Process, SignedInClient, Web, free_port, ready, running, wait_until
from tests.streams import make_live_turns

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
NO_CADDY = "These tests need Caddy. Install it (Debian: apt-get install caddy)."
HEADER_SECONDS = 10


class Proxy(Process):
    def __init__(self, folder: Path, web: Web, *, scheme: str = "http", options: str = "") -> None:
        caddy = shutil.which("caddy")
        if not caddy:
            pytest.fail(NO_CADDY, pytrace=False)
        self.port = free_port()
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "SITE_URL": f"{scheme}://localhost:{self.port}",
            "WEB_ADDRESS": f"127.0.0.1:{web.port}",
            # The proxy's certificate authority is only for this test and must not be installed on this machine.
            "CADDY_OPTIONS": f"skip_install_trust\nauto_https disable_redirects\n{options}",
        }
        command = (caddy, "run", "--config", ROOT / "Caddyfile", "--adapter", "caddyfile")
        super().__init__(*command, env=own, log=folder / "proxy.log")
        ready(self, self.listens)

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


@pytest.fixture
def proxy(tmp_path: Path, web: Web) -> Iterator[Proxy]:
    with running(Proxy(tmp_path, web)) as started:
        yield started


def get(proxy: Proxy, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPConnection("localhost", proxy.port, timeout=20)) as line:
        line.request("GET", path, headers=headers)
        reply = line.getresponse()
        return reply, reply.read()


def test_a_page_comes_through_compressed_and_marked_as_ours(proxy: Proxy) -> None:
    reply, body = get(proxy, "/help/now", **{"Accept-Encoding": "gzip"})
    assert (reply.status, reply.headers["Kitchen-Table"]) == (200, "page")
    assert b"<h1" in gzip.decompress(body)


def serves_https(proxy: Proxy) -> bool:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    line = http.client.HTTPSConnection("localhost", proxy.port, timeout=20, context=trusting)
    # It listens a moment before it has made its certificate.
    with closing(line), suppress(ssl.SSLError):
        line.request("GET", "/help/now")
        return line.getresponse().status == 200
    return False


def test_the_proxy_serves_https(tmp_path: Path, web: Web) -> None:
    with running(Proxy(tmp_path, web, scheme="https")) as proxy:
        wait_until(lambda: serves_https(proxy), what="a page")


def test_a_visitor_cannot_choose_the_address_that_limits_go_by(proxy: Proxy) -> None:
    rate_limits._shared_counters().storage.reset()
    path, forged = f"/certificates/{'x' * 32}", {"X-Forwarded-For": "203.0.113.7"}
    assert get(proxy, path, **forged)[0].status == 404
    # The visitor's own address, which is one of two depending on the name that the test used.
    for own in ("127.0.0.1", "::/64"):
        with suppress(rate_limits.RateLimited):
            while True:
                unknown_addresses.hit(own)
    assert get(proxy, path, **forged)[0].status == 429
    rate_limits._shared_counters().storage.reset()


def test_headers_that_are_half_sent_are_not_waited_for(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=HEADER_SECONDS + 10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        began = time.monotonic()
        while line.recv(1024):
            pass
        assert time.monotonic() - began < HEADER_SECONDS + 5


def test_a_body_without_end_is_cut_off(proxy: Proxy) -> None:
    chunk, sent = b"x" * 64_000, 0
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as line:
        line.sendall(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 100_000_000:
                line.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                sent += len(chunk)
        except ConnectionError:
            pass
    assert sent < 40_000_000


def test_while_the_site_is_down_it_says_where_help_is_and_logs_no_address(tmp_path: Path) -> None:
    with running(Web(tmp_path / "web.log")) as web, running(Proxy(tmp_path, web)) as proxy:
        web.kill()
        reply, body = get(proxy, "/events/mine/a-secret-token")
        assert reply.status == 502
        assert "findahelpline.com" in body.decode()
        assert "secret-token" not in proxy.read_log()


def test_an_answer_streams_through_word_by_word(proxy: Proxy, web: Web, teen: Person) -> None:
    [turn] = make_live_turns(teen, 1)
    web_client = SignedInClient(web, teen)
    with closing(http.client.HTTPConnection("localhost", proxy.port, timeout=20)) as line:
        line.request("GET", f"/tutor/turns/{turn.pk}/stream", headers=web_client.headers)
        reply = line.getresponse()
        for number in range(3):
            with closing(redis.Redis.from_url(settings.VALKEY_URL)) as client:
                fields: Any = {"at": number * 12, "text": f"word-{number} etc. ", "n": number}
                client.xadd(stream_key(turn.pk), fields)
            while f"word-{number}" not in (text := reply.readline().decode()):
                assert text
