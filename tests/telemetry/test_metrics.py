"""Metrics of all processes are summed, even if Valkey was unavailable."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.conf import settings as site
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from chat import services
from chat.answering import leases
from chat.asking import services as asking
from chat.models import Turn
from routing.registry import list_models
from telemetry import metric_store
from telemetry.metric_store import MetricStore
from telemetry.metrics import Counter, Histogram
from tests import live

TOKEN = "a-token-of-twenty-letters"


@pytest.fixture(autouse=True)
def nothing_counted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use separate sums: a worker shared with other tests reports its own a second late."""
    metric_store.metric_store.flush()
    key, at = f"metrics:{uuid4()}", settings.VALKEY_URL
    monkeypatch.setattr(metric_store, "KEY", key)
    yield
    metric_store.metric_store.flush()
    metric_store._client(at).delete(key)


def scrape(client: Client) -> dict[str, float]:
    """Return every sample by name and labels, after this process has reported its counts."""
    metric_store.metric_store.flush()
    text = client.get("/metrics").content.decode()
    return {
        " ".join(
            [sample.name, *(f"{name}={sample.labels[name]}" for name in sorted(sample.labels))]
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class TestSums:
    def test_many_threads_lose_nothing(self) -> None:
        count = Counter("test_many", "Many.", ("who",))

        def add() -> None:
            for _ in range(500):
                count.add(1, "a")
                metric_store.metric_store.flush()

        threads = [Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert metric_store.read_totals() == {"test_many|a": 2000}

    def test_several_processes_add_up(self) -> None:
        first, second = MetricStore(), MetricStore()
        first.add({"test": 1.5})
        second.add({"test": 2})
        assert first.flush()
        assert second.flush()
        assert metric_store.read_totals() == {"test": 3.5}

    def test_counts_made_during_an_outage_of_valkey_are_written_later(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        own = MetricStore()
        with live.running(live.Valkey(tmp_path / "valkey.log")) as valkey:
            settings.VALKEY_URL = valkey.url
            own.add({"test": 1})
            assert own.flush()
            port = valkey.port
        own.add({"test": 1})
        assert not own.flush()
        assert metric_store.read_totals() is None
        own.add({"test": 1})
        with live.running(live.Valkey(tmp_path / "again.log", port)):
            live.wait_until(
                lambda: metric_store.read_totals() == {"test": 2}, what="both counts in Valkey", seconds=10
            )

    def test_an_observation_falls_into_its_bucket(self) -> None:
        spread = Histogram("test_seconds", "Seconds.", (0.1, 1))
        for seconds in (0.05, 0.1, 0.5, 7):
            spread.observe(seconds)
        metric_store.metric_store.flush()
        family = spread.collect(metric_store.read_totals() or {})
        samples = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
        assert samples == {
            "0.1": 2, "1": 3, "+Inf": 4, "test_seconds_count": 4, "test_seconds_sum": pytest.approx(7.65),
        }  # fmt: skip


def ask_without_worker(person: Person, question: str = "Why is the sky blue?") -> Turn:
    """A question of which no worker is notified."""
    with patch("chat.turns.queue.nudge_worker"):
        return asking.start_turn(person=person, turn_id=uuid4(), question=question).turn


@pytest.mark.django_db(transaction=True)
class TestTurns:
    def test_each_end_of_a_turn_is_counted_once(
        self, client: Client, teen: Person, settings: Settings
    ) -> None:
        settings.TUTOR_INPUT_PRICE = settings.TUTOR_OUTPUT_PRICE = 1.0
        stopped = ask_without_worker(teen)
        services.stop_turn(turn=stopped)
        services.stop_turn(turn=stopped)
        ask_without_worker(teen)
        leases.sweep_turns(now=timezone.now() + leases.GIVE_UP_AFTER)
        ask_without_worker(teen)
        [lost] = leases.claim_turns(limit=1)
        assert lost.claim
        leases.checkpoint_turns(
            checkpoints=[
                leases.Checkpoint(turn_id=lost.pk, claim=lost.claim, answer="Because", answer_tokens=7)
            ]
        )
        Turn.objects.filter(pk=lost.pk).update(prompt_tokens=50)
        leases.sweep_turns(now=timezone.now() + leases.LEASE)
        ask_without_worker(teen, "I want to kill myself")
        metrics = scrape(client)
        assert {name: value for name, value in metrics.items() if name.startswith("kitchen_turns_total")} == {
            "kitchen_turns_total end_reason=stopped_by_asker state=stopped": 1,
            "kitchen_turns_total end_reason=never_started state=failed": 1,
            "kitchen_turns_total end_reason=worker_lost state=failed": 1,
            "kitchen_turns_total end_reason= state=carded": 1,
        }
        assert metrics["kitchen_tokens_total kind=prompt"] == 50
        assert metrics["kitchen_tokens_total kind=answer"] == 7
        assert metrics["kitchen_cost_dollars_total"] == pytest.approx(57e-6)

    def test_an_answered_turn_is_timed_by_the_worker(
        self, client: Client, teen: Person, worker: live.Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # By then it has reported what it counted for other tests.
        time.sleep(metric_store.FLUSH_SECONDS + 0.5)
        monkeypatch.setattr(metric_store, "KEY", "metrics")
        metric_store._client(site.VALKEY_URL).delete("metrics")
        turn = asking.start_turn(person=teen, turn_id=uuid4(), question="What is a noun?").turn
        # The answer may end at its length limit.
        live.wait_until(
            lambda: any(
                name.startswith("kitchen_turns_total") and "state=answered" in name for name in scrape(client)
            ),
            what="the count",
        )
        metrics = scrape(client)
        turn.refresh_from_db()
        assert metrics["kitchen_time_to_first_token_seconds_count"] == 1
        assert metrics["kitchen_queue_wait_seconds_count"] == 1
        assert (
            0 < metrics["kitchen_queue_wait_seconds_sum"] < metrics["kitchen_time_to_first_token_seconds_sum"]
        )
        assert metrics["kitchen_tokens_total kind=answer"] == turn.answer_tokens

    def test_gauges_are_read_from_the_database(self, client: Client, teen: Person) -> None:
        turn = ask_without_worker(teen)
        metrics = scrape(client)
        assert metrics["kitchen_holds_open"] == 1
        assert metrics["kitchen_turns_live state=queued"] == 1
        services.stop_turn(turn=turn)
        metrics = scrape(client)
        assert metrics["kitchen_holds_open"] == 0
        assert metrics["kitchen_turns_live state=queued"] == 0


@pytest.mark.django_db
class TestMetricsPage:
    def test_it_costs_three_queries(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The models are read now and then, not for each request.
        list_models()
        with django_assert_num_queries(3):
            client.get("/metrics")

    def test_no_label_names_a_person(self, client: Client, teen: Person) -> None:
        ask_without_worker(teen)
        metric_store.metric_store.flush()
        families = text_string_to_metric_families(client.get("/metrics").content.decode())
        assert {name for family in families for sample in family.samples for name in sample.labels} <= {
            "state", "end_reason", "kind", "le", "model",
        }  # fmt: skip

    def test_it_is_still_there_while_valkey_is_down(self, client: Client, settings: Settings) -> None:
        settings.VALKEY_URL = "redis://127.0.0.1:1/0"
        metrics = {
            sample.name: sample.value
            for family in text_string_to_metric_families(client.get("/metrics").content.decode())
            for sample in family.samples
        }
        assert metrics["kitchen_valkey_up"] == 0
        assert metrics["kitchen_holds_open"] == 0

    def test_in_a_demo_it_is_for_this_machine_alone(self, client: Client) -> None:
        assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
        assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
        assert client.get("/metrics", REMOTE_ADDR="192.168.1.9").status_code == 404

    def test_outside_a_demo_there_is_none_without_a_token(self, client: Client, settings: Settings) -> None:
        settings.DEMO = False
        assert client.get("/metrics").status_code == 404

    @pytest.mark.parametrize(
        "given", ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", "Bearer é", f"Bearer {TOKEN}x"]
    )
    @pytest.mark.parametrize("is_demo", [True, False])
    def test_who_has_not_the_token_is_turned_away(
        self, given: str, is_demo: bool, client: Client, settings: Settings
    ) -> None:
        settings.METRICS_TOKEN, settings.DEMO = TOKEN, is_demo
        reply = client.get("/metrics", headers={"Authorization": given})
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"

    def test_who_has_it_may_read(self, client: Client, settings: Settings) -> None:
        settings.METRICS_TOKEN, settings.DEMO = TOKEN, False
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
