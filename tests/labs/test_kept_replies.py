"""The model's answers to the site's own questions are kept, and the page says when they were given."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Person
from budgets.models import Hold
from inference.endpoints import Endpoint
from inference.errors import ModelUnreachable
from inference.inspection import read_model_card
from inference.messages import TokenUsage
from labs import kept_replies, runs
from labs.lab import ModelReply, PlannedRun, TellPart
from labs.registry import LABS
from labs.runs import RunFailed, ask_model, ask_together
from tests.labs.test_sureness import read_page
from tests.scripted import NOT_FOUND, answer, scripted

ADDRESS = "/labs/sure-and-wrong"
KEPT = "its answers were kept"


@pytest.fixture
def sam(parent: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(parent)


def read_answers(page: str) -> str:
    return page.partition("lab-answers")[2].partition("lab-cost")[0]


def find_key(url: str, *, as_if_at: str = "") -> str:
    """Return the key of a reply. The address of a server is a part of it, unless all are `as_if_at` one."""
    endpoint = Endpoint(base_url=url, model="small")
    card = asyncio.run(read_model_card(endpoint))
    shown = Endpoint(base_url=as_if_at or url, model="small")
    return kept_replies.build_key(shown, card, "What is 7 times 8?")


def test_the_second_run_shows_the_same_answers_for_free_and_says_when_they_were_given(sam: Client) -> None:
    first, second = read_page(sam), read_page(sam)
    assert KEPT not in first
    assert "of your allowance" in first
    assert KEPT in second
    assert "This run cost nothing" in second
    assert read_answers(second) == read_answers(first)
    assert Hold.objects.count() == 1


def test_another_round_is_asked(sam: Client) -> None:
    read_page(sam)
    assert KEPT not in read_page(sam, round="1")


def test_after_a_change_of_the_model_behind_the_same_name_it_is_asked_again() -> None:
    card = {"id": "small", "meta": {"size": 1}, "created": 1}
    keys = []
    for changes in ({}, {"created": 2}, {"meta": {"size": 2}}):
        with scripted([answer(200, {})], models=answer(200, {"data": [card | changes]})) as server:
            keys.append(find_key(server.url, as_if_at="http://model/v1"))
    assert keys[0] == keys[1] != keys[2]


def test_a_server_that_does_not_describe_its_model_has_nothing_kept() -> None:
    with scripted([answer(200, {})], models=NOT_FOUND) as server:
        assert find_key(server.url) == ""


def test_only_the_sites_own_words_are_kept(
    sam: Client, library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    monkeypatch.setattr(runs, "keep_reply", lambda key, _raw: kept.append(key))
    for lab in LABS:
        data = {name: str(value) for name, value in lab.get_example().items() if value not in (None, "")}
        sam.post(lab.url, data)
    assert len(kept) == 1


def test_equal_runs_at_once_ask_the_model_once_and_the_first_pays() -> None:
    asked: list[int] = []

    async def ask(_tell_part: TellPart) -> ModelReply:
        asked.append(1)
        await asyncio.sleep(0.05)
        usage = TokenUsage(prompt_tokens=5, answer_tokens=1, has_reached_limit=False)
        return ModelReply(raw="56", usages=[usage])

    async def ask_three_times() -> list[ModelReply]:
        planned = PlannedRun(ask=ask, answer_tokens=1)
        call: Any = runs._call
        replies: list[ModelReply] = await asyncio.gather(
            *(call(planned, lambda _n, _t: None, "key") for _ in range(3))
        )
        return replies

    replies = asyncio.run(ask_three_times())
    assert asked == [1]
    assert [reply.raw for reply in replies] == ["56"] * 3
    assert [len(reply.usages) for reply in replies] == [1, 0, 0]


def test_if_one_call_of_a_run_fails_the_site_learns_what_the_others_used() -> None:
    class Call:
        usage = TokenUsage(prompt_tokens=5, answer_tokens=1, has_reached_limit=False)

    async def work() -> Call:
        return Call()

    async def fail() -> Call:
        raise ModelUnreachable

    async def ask(_tell_part: TellPart) -> ModelReply:
        await ask_together([work(), fail(), work()])
        raise AssertionError

    with pytest.raises(RunFailed) as failed:
        ask_model(PlannedRun(ask=ask))
    assert failed.value.usages == [Call.usage] * 2


def test_in_another_language_the_questions_are_asked_on_their_own(sam: Client) -> None:
    read_page(sam)
    sam.post(ADDRESS, {"round": "0"}, headers={"Accept-Language": "es"})
    assert Hold.objects.count() == 2
