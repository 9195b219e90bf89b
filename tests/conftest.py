"""Fixtures for every test: people, and the services that `make test` started."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from limits.storage import RedisStorage
from pytest_django import DjangoDbBlocker
from redis.commands.core import Script
from redis.exceptions import RedisError

from accounts.models import Person, Role
from budgets.selectors import clear_plans_cache
from budgets.spending import forget_kept_sums
from courses.models import Module
from courses.retrieval import current_index
from families.consent_texts import get_current_text
from families.models import Consent, Residence
from kit import valkey
from routing import registry
from safeguarding import card_review, counts, human_review
from tests import emptying, forks, live
from tests.library import empty_library, fill_library, keep_copies

UNIT = Path(__file__).with_name("unit")
# What the adults' sign-up page asks and does not store.
ADULT_BIRTH = {"month": "5", "year": "1980"}

# On a busy machine a single example may be slow, which says nothing about the code.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")

LOST = "These tests run on real parts. Start them with `make test`, or one file with `make test ARGS=tests/chat`."


def pytest_configure(config: pytest.Config) -> None:
    if not settings.VALKEY_URL or not settings.TUTOR_BASE_URL:
        raise pytest.UsageError(LOST)
    # Imports and the collection make little garbage, and there is ever more to look through.
    gc.disable()
    emptying.use_it()
    settings.PASSWORD_HASHERS = ["tests.hashing.QuickArgon2", *settings.PASSWORD_HASHERS[1:]]
    # The demo's model needs short instructions. Most tests are about those that other models get.
    settings.TUTOR_PROMPT_PROFILE = "full"
    # With those, it would write up to its limit.
    settings.TUTOR_ANSWER_TOKENS, live.longest_answer = 120, 80
    # On a busy machine, two hundred simultaneous threads wait longer for the database. That is not an error.
    settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 60
    # Each process of a parallel run has its own Valkey database, like its own PostgreSQL database.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    settings.VALKEY_URL = settings.CELERY_BROKER_URL = (
        settings.VALKEY_URL.rsplit("/", 1)[0] + f"/{int(worker) + 1}"
    )
    settings.CACHES["default"]["LOCATION"] = settings.VALKEY_URL
    # Elsewhere, the libraries of a system may not survive a fork.
    if sys.platform == "linux":
        live.SiteProcess.fork_server = forks.ForkServer()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that take minutes first: started last, one of them would leave the other core idle.

    Alternate between their kinds: a browser keeps a core busy, and tests that kill processes mostly wait.
    """
    turns: dict[Path, float] = {}
    last = len(items)  # not in the key: while a list is sorted, it is empty
    for mark, shift in (("browser", 0.0), ("faults", 0.3), ("matrix", 0.6)):
        marked = dict.fromkeys(item.path for item in items if item.get_closest_marker(mark))
        turns |= {path: turn + shift for turn, path in enumerate(marked)}
    items.sort(key=lambda item: turns.get(item.path, last))


def pytest_collection_finish() -> None:
    """Exempt what imports and the collection made from garbage collection: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Reset the language: a request leaves its language active in the thread, which runs the next test too."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def counts_in_background(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """Collect what would be counted in the background: another thread would write outside the test's transaction."""
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(counts, "_run_in_background", waiting.append)
    return waiting


@cache
def _delete_keys() -> Script:
    """Return a script that deletes keys by their patterns.

    It runs after each test, so it is one request. The broker's queues are in the same database, and stay.
    """
    return valkey.create_client().register_script(
        "for _, pattern in ipairs(KEYS) do"
        " for _, key in ipairs(redis.call('keys', pattern)) do redis.call('del', key) end "
        "end"
    )


@pytest.fixture(autouse=True)
def _nothing_tried_yet(request: pytest.FixtureRequest) -> Iterator[None]:
    """Reset rate limits and what processes keep (plans, models, their health, sums), so that no order matters."""
    registry.clear_models_cache()
    clear_plans_cache()
    forget_kept_sums()
    yield
    if human_review._cache._value not in {None, (None,)}:
        human_review.clear_human_review_cache()
        card_review.clear_review_caches()
    if UNIT in request.path.parents:
        return
    with suppress(RedisError):
        _delete_keys()(keys=[f"{RedisStorage.PREFIX}*", "*allauth:rl*", "model:*", "*labs.kept:*"])


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Wait at the end until no thread of this process has a connection: a database in use cannot be dropped."""
    yield
    with django_db_blocker.unblock():
        connection.close()
        live.wait_until(_is_pool_full, what="threads to return their connections")


def _is_pool_full() -> bool:
    # A thread that has ended may still hold one until it is collected.
    gc.collect()
    stats = connection.pool.get_stats()  # type: ignore[attr-defined]
    return bool(stats["pool_available"] == stats["pool_size"])


@pytest.fixture(autouse=True, scope="session")
def _no_other_process_changes_the_library() -> None:
    """Without this, the first question of each second would cost a query more; also whether people review crises."""
    current_index.CHECK_SECONDS = 3600
    human_review._cache._seconds = 3600


@pytest.fixture(scope="module")
def _library_for_a_file(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        keep_copies()
        fill_library()
        yield
        empty_library()
        # In a browser's file this is another connection than at the end of the session: while Playwright's event loop
        # counts as running, Django keeps one for it alone.
        connection.close()


@pytest.fixture
def no_library(db: None) -> None:
    """An empty library, for a test in a file whose other tests use a loaded one."""
    empty_library()


@pytest.fixture
def library(db: None, _library_for_a_file: None) -> None:
    """The library as shipped. It is loaded once per file, and again after a test that empties tables."""
    if not Module.objects.exists():
        fill_library()


@pytest.fixture
def make_person(db: None) -> Callable[..., Person]:
    def make(username: str, role: Role = Role.TEEN, **fields: object) -> Person:
        return Person.objects.create_user(username, "a-long-password", role=role, **fields)

    return make


def with_consent(teen: Person) -> Person:
    """A teen in the United States with consent to use the tutor."""
    text = get_current_text()
    Residence.objects.create(teen=teen, country="US")
    Consent.objects.create(
        teen=teen,
        given_by_name="a parent",
        given_as="parent",
        version=text.version,
        text_hash=text.hash,
        country="US",
    )
    return teen


@pytest.fixture
def teen(make_person: Callable[..., Person]) -> Person:
    return with_consent(make_person("noor", display_name="Noor"))


@pytest.fixture
def parent(make_person: Callable[..., Person]) -> Person:
    return make_person("sam", Role.PARENT)


@pytest.fixture
def stranger(make_person: Callable[..., Person]) -> Person:
    return with_consent(make_person("kit"))


@pytest.fixture
def admin_person(make_person: Callable[..., Person]) -> Person:
    return make_person("ana", Role.ADMIN, is_staff=True, is_superuser=True)


@pytest.fixture
def as_person() -> Callable[[Person], Client]:
    def sign_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in


def pytest_unconfigure() -> None:
    if live.SiteProcess.fork_server is not None:
        live.SiteProcess.fork_server.close()


@pytest.fixture(scope="session")
def live_logs(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("live")
    with django_db_blocker.unblock():
        live.wait_until(live.is_alone, what="the killed processes to leave the database")


@pytest.fixture(scope="session")
def _shared_web(django_db_blocker: DjangoDbBlocker, live_logs: Path) -> Iterator[live.Web]:
    with django_db_blocker.unblock(), live.running(live.Web(live_logs / "web.log")) as web:
        yield web


shared_workers: list[live.Worker] = []


@pytest.fixture(scope="session")
def _shared_worker(django_db_blocker: DjangoDbBlocker, live_logs: Path) -> Iterator[live.Worker]:
    with django_db_blocker.unblock(), live.running(live.Worker(live_logs / "worker.log")) as worker:
        shared_workers.append(worker)
        yield worker


@pytest.fixture
def web(transactional_db: None, _shared_web: live.Web) -> live.Web:
    """A web server on this test's database. It is shared by the tests of one process: do not kill it."""
    return _shared_web


@pytest.fixture
def worker(transactional_db: None, _shared_worker: live.Worker) -> live.Worker:
    """A Celery worker on this test's database and broker. It is shared: do not kill it."""
    return _shared_worker


@pytest.fixture
def no_worker() -> Iterator[None]:
    """If another test of this process has started the shared worker, suspend it until this test ends."""
    with ExitStack() as stack:
        for worker in shared_workers:
            stack.enter_context(worker.frozen())
        yield
