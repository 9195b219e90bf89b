"""Asks a scripted model a question as a teen, through the worker, and lists what is wrong with the result."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db.models import Sum
from django.test import Client, override_settings

from accounts.models import Person
from budgets.audit import find_ledger_differences
from budgets.models import EntryKind, LedgerEntry
from budgets.selectors import get_meter
from chat.asking.services import start_turn
from chat.models import Turn, TurnState
from chat.streaming.valkey_stream import _client as valkey
from chat.streaming.valkey_stream import stream_key
from inference import loop, provider
from tests.chat.conftest import written
from tests.endpoints import get_settings_model
from tests.quirk_cases import Case
from tests.scripted import ScriptedModel, scripted

PRICES = {"TUTOR_INPUT_PRICE": 1.5, "TUTOR_CACHED_INPUT_PRICE": 0.25, "TUTOR_OUTPUT_PRICE": 4.0}
# The provider's bill, including overruns.
PAID = (EntryKind.SETTLE, EntryKind.ABSORB, EntryKind.OVERRUN)


@dataclass
class Found:
    """What is wrong, by kind."""

    turn: Turn
    text: list[str] = field(default_factory=list)
    bill: list[str] = field(default_factory=list)
    retry: list[str] = field(default_factory=list)


@contextmanager
def answered_by(model: ScriptedModel, **settings: object) -> Iterator[None]:
    """Let the worker of this process ask `model`."""
    loop.submit(provider.close_clients()).result()
    try:
        with override_settings(TUTOR_BASE_URL=model.url, **settings):
            yield
    finally:
        # Reset the event loop's client to the other address.
        loop.submit(provider.close_clients()).result()


def ask_case(case: Case, teen: Person) -> Found:
    with scripted(*case.scripts) as model:
        how = {
            "TUTOR_MODEL": case.model,
            "TUTOR_ANSWER_TOKENS": 400,
            "TUTOR_FIRST_TOKEN_SECONDS": case.patience,
            "TUTOR_NEXT_TOKEN_SECONDS": case.patience,
        }
        with answered_by(model, **how, **PRICES):
            turn = start_turn(person=teen, turn_id=uuid4(), question="Where does rain come from?").turn
            likely = turn.prompt_tokens
            outcome = Found(written(turn))
            _check_text(case, outcome)
            _check_bill(case, outcome, teen, likely)
            if case.asked and len(model.asked) != case.asked:
                outcome.text.append(f"the server was asked {len(model.asked)} times")
    _check_retry(case, outcome, teen)
    return outcome


def _check_text(case: Case, outcome: Found) -> None:
    turn = outcome.turn
    if (turn.state, turn.end_reason) != (case.state, case.end_reason):
        outcome.text.append(f"it ended {turn.state} {turn.end_reason}, not {case.state} {case.end_reason}")
    if turn.answer != case.text:
        outcome.text.append(f"the answer is {turn.answer[:200]!r}")
    entries: Any = valkey().xrange(stream_key(turn.pk))
    streamed = "".join(fields.get("text", "") for _, fields in entries)
    if "ZEBRA" in turn.answer or ("ZEBRA" in streamed and not case.shows_briefly):
        outcome.text.append("its thinking was shown")
    waits = (
        round((turn.retry_at - turn.ended_at).total_seconds()) if turn.retry_at and turn.ended_at else None
    )
    if waits != case.retry_after:
        outcome.text.append(f"it says to wait for {waits} seconds")


def _check_bill(case: Case, outcome: Found, teen: Person, likely: int) -> None:
    paid = LedgerEntry.objects.filter(hold=outcome.turn.pk, kind__in=PAID)
    sums = paid.aggregate(tokens=Sum("tokens", default=0), microdollars=Sum("microdollars", default=0))
    prompt = likely if case.prompt is None else case.prompt
    answers = case.estimate if case.generated is None else range(case.generated, case.generated + 1)
    bills = {
        (
            prompt + answer,
            get_settings_model().prices.calculate_cost(
                prompt_tokens=prompt, answer_tokens=answer, cached_tokens=case.cached
            ),
        )
        for answer in answers
    }
    if (sums["tokens"], sums["microdollars"]) not in bills:
        outcome.bill.append(f"the ledger has {sums}, and the server reported {min(bills)}")
    own = paid.filter(kind=EntryKind.SETTLE).aggregate(tokens=Sum("tokens", default=0))["tokens"]
    is_charged = outcome.turn.state == TurnState.ANSWERED
    if get_meter(owner=teen).spent != own or bool(own) != is_charged or get_meter(owner=teen).held:
        outcome.bill.append(f"the teen paid {get_meter(owner=teen).spent}")
    if not is_charged and (outcome.turn.tokens or outcome.turn.microdollars):
        outcome.bill.append("the failure says that it cost something")
    outcome.bill += map(str, find_ledger_differences())


def _check_retry(case: Case, outcome: Found, teen: Person) -> None:
    client = Client()
    client.force_login(teen)
    page = client.get(f"/tutor/{outcome.turn.conversation_id}").content.decode()
    offered = f"/{outcome.turn.pk}/retry" in page
    if offered != (case.state == TurnState.FAILED):
        outcome.retry.append("Retry is offered" if offered else "no Retry is offered")
