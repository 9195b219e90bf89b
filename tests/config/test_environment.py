"""Outside demo mode the site starts safe or not at all."""

import os
import subprocess
import sys

import pytest

SAFE = {
    "SECRET_KEY": "aB3" * 20 + "xyz+",
    "ALLOWED_HOSTS": "kitchen.example",
    "SITE_URL": "https://kitchen.example",
    "DATABASE_URL": os.environ["DATABASE_URL"],
    "VALKEY_URL": "redis://127.0.0.1:1/0",
    "TUTOR_BASE_URL": "http://127.0.0.1:1/v1",
    "TUTOR_MODEL": "tutor",
    "EMAIL_URL": "smtp+tls://kt:secret@mail.example:587",
    "CRISIS_TEXTS_REVIEW": "Dr A. Name, 2026-11-22",
}


def check(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    env = kept | SAFE | changed
    command = [sys.executable, "-m", "django", "check", *arguments, "--settings", "config.settings"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_safe_production_starts_and_the_deploy_check_is_clean() -> None:
    found = check("--deploy", "--fail-level", "WARNING")
    assert found.returncode == 0, found.stderr
    assert "no issues" in found.stdout


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("SECRET_KEY", "short", "SECRET_KEY"),
        ("METRICS_TOKEN", "short", "METRICS_TOKEN"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
        ("SITE_URL", "http://kitchen.example", "SITE_URL"),
        ("DATABASE_URL", "", "DATABASE_URL"),
        ("VALKEY_URL", "", "VALKEY_URL"),
        ("TUTOR_BASE_URL", "", "TUTOR_BASE_URL"),
        ("TUTOR_MODEL", "", "TUTOR_MODEL"),
        ("EMAIL_URL", "", "EMAIL_URL"),
    ],
)
def test_an_unsafe_one_does_not_and_names_the_fault(variable: str, value: str, said: str) -> None:
    found = check(**{variable: value})
    assert found.returncode != 0
    assert f"  - {said}" in found.stderr


def test_every_fault_is_named_at_once() -> None:
    found = check(SECRET_KEY="", ALLOWED_HOSTS="*", TUTOR_MODEL="")
    assert all(f"  - {name}" in found.stderr for name in ("SECRET_KEY", "ALLOWED_HOSTS", "TUTOR_MODEL"))


def test_debug_cannot_be_switched_on_in_production() -> None:
    env = SAFE | {"DEBUG": "1", "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    code = "from django.conf import settings; print(settings.DEBUG)"
    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
