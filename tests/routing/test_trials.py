"""“Try it” with real servers: good, dead, redirecting, slow, lying, and ones that send the key back."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from inference import loop, provider
from routing import breaker, trials
from routing.models import TutorModel
from tests.scripted import (
    DONE,
    NOT_FOUND,
    OK,
    Script,
    ScriptedModel,
    answer,
    error_reply,
    scripted,
    stop,
    used,
    words,
)

KEY = "sk-7e57-a-key-that-is-a-secret"
GOOD: Script = [OK, words("A token is ", "a piece of a word."), stop(), used(14, 9), DONE]
CACHED: Script = [
    OK,
    words("A token is a piece of a word."),
    stop(),
    used(14, 9, prompt_tokens_details={"cached_tokens": 12}),
    DONE,
]
COUNTS = answer(200, {"tokens": [1, 2, 3]})


class TryIt:
    """Tries models on scripted servers as an admin, and keeps every page."""

    def __init__(self, client: Client, settings: Settings, stack: ExitStack) -> None:
        self.client, self.settings, self.stack = client, settings, stack
        self.pages: list[str] = []

    def serve(self, *scripts: Script, counts: bytes = NOT_FOUND) -> ScriptedModel:
        return self.stack.enter_context(scripted(*scripts, counts=counts))

    def model(self, url: str, **fields: object) -> TutorModel:
        self.settings.TUTOR_HOSTS = [urlsplit(url).netloc]
        given: dict[str, object] = {
            "name": "Scripted",
            "model_name": "scripted",
            "key_variable": "TUTOR_KEY_CLOUD",
        }
        given |= {"input_price": 1_000_000, "cached_input_price": 500_000, "output_price": 2_000_000}
        return TutorModel.objects.create(base_url=url, **(given | fields))

    def post(self, model: TutorModel, status: int = 200) -> str:
        reply = self.client.post(f"/admin/routing/tutormodel/{model.pk}/try-it")
        assert reply.status_code == status
        self.pages.append(reply.content.decode())
        return " ".join(self.pages[-1].split())


@pytest.fixture
def try_it(
    admin_person: Person,
    as_person: Callable[[Person], Client],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TryIt]:
    settings.TUTOR_KEYS = {"TUTOR_KEY_CLOUD": KEY}
    # Ports are used again, and with them what the process has learned of a server.
    monkeypatch.setattr(provider, "_profiles", {})
    caplog.set_level(logging.DEBUG)
    with ExitStack() as stack:
        tried = TryIt(as_person(admin_person), settings, stack)
        yield tried
    loop.submit(provider.close_clients()).result()
    # Whatever a server does, the key is in no page, no log and no message.
    texts = [*tried.pages, caplog.text, *(entry.change_message for entry in LogEntry.objects.all())]
    assert not [text for text in texts if KEY in text]
    assert not [record for record in caplog.records if KEY in repr(record.__dict__)]


def test_a_good_server(try_it: TryIt) -> None:
    server = try_it.serve(GOOD, CACHED, counts=COUNTS)
    model = try_it.model(server.url)
    breaker.keep_resting(model.pk, seconds=60)
    page = try_it.post(model)
    assert "A token is a piece of a word." in page
    assert "127.0.0.1, on this site’s own machine or network" in page
    assert "46 tokens, $0.000058" in page
    assert page.count("the server</td>") == 2
    for name, is_found in (
        ("reports_usage", True),
        ("reports_cache", True),
        ("counts_tokens", True),
        ("thinks_first", False),
    ):
        box = page.split(f'value="{name}"')[1].split(">")[0]
        assert ("checked" in box) == is_found, name
    assert [asked["max_tokens"] for asked in server.asked] == [60, 60]
    assert f"Bearer {KEY}".encode() in server.heads[0]
    # It answers, so it need not rest any longer.
    assert breaker.read_health([model.pk])[model.pk].is_healthy
    assert LogEntry.objects.get().change_message == ("Tried it: answered, 46 tokens, $0.000058.")


def test_without_a_report_tokens_are_estimated(try_it: TryIt) -> None:
    page = try_it.post(try_it.model(try_it.serve([OK, words("A piece."), stop(), DONE]).url))
    assert page.count("an estimate of this site</td>") == 2
    assert "checked" not in page.split('value="reports_usage"')[1].split(">")[0]


def test_a_model_that_begins_inside_its_thinking(try_it: TryIt) -> None:
    thinking: Script = [OK, words("They ask of tokens.", "</think>", "A piece of a word."), stop(), DONE]
    page = try_it.post(try_it.model(try_it.serve(thinking).url))
    assert "checked" in page.split('value="thinks_first"')[1].split(">")[0]
    assert "They ask of tokens" not in page
    assert "A piece of a word." in page


def test_a_dead_server(try_it: TryIt) -> None:
    page = try_it.post(try_it.model("http://127.0.0.1:9/v1"))
    assert "can’t be reached" in page
    assert "0 tokens, $0.00" in page
    assert "What it can do" not in page
    assert "failed, 0 tokens" in LogEntry.objects.get().change_message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_not_sent_there(try_it: TryIt, status: int) -> None:
    second = try_it.serve(GOOD)
    first = try_it.serve([answer(status, b"", Location=f"{second.url}/chat/completions")])
    model = try_it.model(first.url)
    # Even if the second host were allowed.
    try_it.settings.TUTOR_HOSTS = [urlsplit(server.url).netloc for server in (first, second)]
    page = try_it.post(model)
    assert "never followed" in page
    assert len(first.asked) == 1
    assert (second.asked, second.heads) == ([], [])


def test_counting_tokens_follows_no_redirect_either(try_it: TryIt) -> None:
    second = try_it.serve(GOOD)
    first = try_it.serve(GOOD, counts=answer(307, b"", Location=f"{second.url}/tokenize"))
    try_it.post(try_it.model(first.url))
    assert (second.asked, second.heads) == ([], [])


def test_a_slow_server_ends_after_the_total_time(try_it: TryIt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "TRIAL_SECONDS", 0.5)
    drip = [part for _ in range(40) for part in (words("word "), 0.05)]
    page = try_it.post(try_it.model(try_it.serve([OK, *drip, None]).url))
    assert "The whole answer took too long." in page
    assert "word word" in page


def test_a_silent_server(try_it: TryIt) -> None:
    page = try_it.post(try_it.model(try_it.serve([OK, None]).url, first_token_seconds=0.3))
    assert "silent for too long" in page


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([b"no HTTP at all\r\n\r\n"], "isn’t an answer"),
        ([answer(200, b"<html>Welcome</html>")], "isn’t an answer"),
        ([OK, b"data: {half\n\n", DONE], "isn’t an answer"),
        ([answer(404, {"detail": "no"})], "no such address or model"),
        ([error_reply(429, "slow down")], "too much to do"),
        ([error_reply(402, "pay")], "no quota or credit"),
        ([OK, stop(), DONE], "without an answer"),
        ([error_reply(500, f"boom {KEY}")], "Its server failed"),
    ],
)
def test_every_failure_is_one_plain_sentence(try_it: TryIt, script: Script, said: str) -> None:
    page = try_it.post(try_it.model(try_it.serve(script).url))
    assert said in page
    assert page.count('class="errornote"') == 1


def test_a_lying_report_is_called_doubtful(try_it: TryIt) -> None:
    lie: Script = [OK, words("A piece."), stop(), used(10**12, 5), DONE]
    page = try_it.post(try_it.model(try_it.serve(lie).url))
    assert "more tokens than this question" in page
    nonsense: Script = [OK, words("A piece."), stop(), used("many", -4), DONE]
    page = try_it.post(try_it.model(try_it.serve(nonsense).url, name="Nonsense"))
    assert "an estimate of this site" in page


@pytest.mark.parametrize(
    "script",
    [
        [error_reply(401, f"Incorrect API key provided: {KEY}", code=KEY)],
        [OK, b'data: {"error": {"message": "bad key %s", "code": "%s"}}\n\n' % (KEY.encode(), KEY.encode())],
        [OK, words(f"Your key is {KEY}, ", "by the way."), stop(), used(3, 3), DONE],
        [OK, words("Half, then "), b"data: {%s\n\n" % KEY.encode(), DONE],
    ],
)
def test_a_server_that_sends_the_key_back(try_it: TryIt, script: Script) -> None:
    server = try_it.serve(script)
    model = try_it.model(server.url)
    page = try_it.post(model)
    assert KEY.encode() in server.heads[0]
    assert KEY not in page
    trial = trials.try_model(model, by=1)
    assert KEY not in repr(trial)


def test_a_key_that_no_header_can_carry(try_it: TryIt) -> None:
    try_it.settings.TUTOR_KEYS = {"TUTOR_KEY_CLOUD": f"{KEY}\r\nX-Evil: é"}
    server = try_it.serve(GOOD)
    page = try_it.post(try_it.model(server.url))
    assert 'class="errornote"' in page
    assert not server.heads


def test_a_host_that_is_not_allowed_or_a_missing_key_is_not_tried(try_it: TryIt) -> None:
    server = try_it.serve(GOOD)
    model = try_it.model(server.url)
    try_it.settings.TUTOR_KEYS = {}
    assert "no variable TUTOR_KEY_CLOUD" in try_it.post(model)
    try_it.settings.TUTOR_KEYS, try_it.settings.TUTOR_HOSTS = {"TUTOR_KEY_CLOUD": KEY}, []
    assert "to TUTOR_HOSTS" in try_it.post(model)
    assert not server.asked
    assert not LogEntry.objects.exists()


def test_trials_are_limited_so_that_no_one_runs_up_a_bill(try_it: TryIt) -> None:
    server = try_it.serve(GOOD)
    model = try_it.model(server.url)
    for _ in range(4):
        try_it.post(model)
    assert "Too many tries" in try_it.post(model, status=429)
    assert len(server.asked) == 8


def test_the_threat_model_lists_the_limits() -> None:
    text = Path("docs/threat-model.md").read_text()
    for limit, rules in (
        (trials.trial_rate_limit, "4/min, 40/d"),
        (trials.all_trials_rate_limit, "10/min, 120/d"),
    ):
        assert rules in text
        assert ", ".join(f"{item.amount}/{item.get_expiry()}" for item in limit.items) == rules.replace(
            "min", "60"
        ).replace("/d", "/86400")


def test_a_get_asks_nothing_and_says_what_will_happen(try_it: TryIt) -> None:
    server = try_it.serve(GOOD)
    model = try_it.model(server.url, is_enabled=False)
    page = try_it.client.get(f"/admin/routing/tutormodel/{model.pk}/try-it").content.decode()
    assert "A real question goes to scripted" in page
    assert not server.asked


def test_a_try_needs_the_csrf_token(try_it: TryIt, admin_person: Person) -> None:
    server = try_it.serve(GOOD)
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_person)
    model = try_it.model(server.url)
    assert client.post(f"/admin/routing/tutormodel/{model.pk}/try-it").status_code == 403
    assert not server.asked
