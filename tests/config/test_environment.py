"""Outside demo mode the site starts safe or not at all."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from config.settings.environment import Production, add_password
from pages.checks import check_forwarded_addresses

SAFE = {
    "SECRET_KEY": "aB3" * 20 + "xyz+",
    "ALLOWED_HOSTS": "kitchen.example",
    "SITE_URL": "https://kitchen.example",
    "DATABASE_URL": os.environ["DATABASE_URL"],
    "VALKEY_URL": "redis://127.0.0.1:1/0",
    "TUTOR_BASE_URL": "http://127.0.0.1:1/v1",
    "TUTOR_MODEL": "tutor",
    "BEHIND_PROXY": "true",
    "FORWARDED_ALLOW_IPS": "127.0.0.1",
    "EMAIL_URL": "smtp+tls://kt:secret@mail.example:587",
    "CRISIS_TEXTS_REVIEW": "Dr A. Name, 2026-11-22",
}


def check(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    env = kept | SAFE | changed
    command = [sys.executable, "-m", "django", "check", *arguments, "--settings", "config.settings"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_safe_production_starts_and_the_deploy_check_is_clean() -> None:
    done = check("--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"secret_key": "a" * 60}, "SECRET_KEY"),
        ({"metrics_token": "short"}, "METRICS_TOKEN"),
        ({"allowed_hosts": []}, "ALLOWED_HOSTS"),
        ({"allowed_hosts": ["*"]}, "ALLOWED_HOSTS"),
        ({"site_url": "http://kitchen.example"}, "SITE_URL"),
        ({"database_url": ""}, "DATABASE_URL"),
        ({"valkey_url": ""}, "VALKEY_URL"),
        ({"tutor_base_url": ""}, "TUTOR_BASE_URL"),
        ({"tutor_model": ""}, "TUTOR_MODEL"),
        ({"email_url": ""}, "EMAIL_URL"),
        ({"review_webhook_url": "http://pager.example/hook"}, "REVIEW_WEBHOOK_URL"),
        ({"review_webhook_url": "file:///etc/passwd"}, "REVIEW_WEBHOOK_URL"),
        ({"review_webhook_url": "https:///hook"}, "REVIEW_WEBHOOK_URL"),
        ({"review_webhook_secret": "short"}, "REVIEW_WEBHOOK_SECRET"),
    ],
)
def test_an_unsafe_setting_is_named(changed: dict[str, Any], message: str) -> None:
    safe = Production(
        secret_key=SAFE["SECRET_KEY"],
        allowed_hosts=[SAFE["ALLOWED_HOSTS"]],
        site_url=SAFE["SITE_URL"],
        database_url=SAFE["DATABASE_URL"],
        valkey_url=SAFE["VALKEY_URL"],
        tutor_base_url=SAFE["TUTOR_BASE_URL"],
        tutor_model=SAFE["TUTOR_MODEL"],
        email_url=SAFE["EMAIL_URL"],
        metrics_token="",
        review_webhook_url="https://pager.example/hook",
        review_webhook_secret="a-secret-of-twenty-characters",
    )
    assert safe.list_errors() == []
    assert [error.startswith(message) for error in replace(safe, **changed).list_errors()] == [True]


def test_every_error_is_listed_at_once() -> None:
    done = check(SECRET_KEY="", ALLOWED_HOSTS="*", TUTOR_MODEL="")
    assert all(f"  - {name}" in done.stderr for name in ("SECRET_KEY", "ALLOWED_HOSTS", "TUTOR_MODEL"))


def test_debug_cannot_be_switched_on_in_production() -> None:
    env = SAFE | {"DEBUG": "1", "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    code = "from django.conf import settings; print(settings.DEBUG)"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("trusted", "problem"),
    [
        ("", "kitchen.W001"),
        ("*", "kitchen.E001"),
        ("10.0.0.1, 0.0.0.0/0", "kitchen.E001"),
        ("::/0", "kitchen.E001"),
        ("172.30.0.0/24", ""),
        ("127.0.0.1", ""),
    ],
)
def test_the_deploy_check_covers_trusted_proxies(trusted: str, problem: str, settings: Settings) -> None:
    settings.BEHIND_PROXY, settings.FORWARDED_ALLOW_IPS = True, trusted
    assert [message.id for message in check_forwarded_addresses()] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        (
            "postgres://kitchen@db:5432/site",
            "p@ss/w#rd?",
            "postgres://kitchen:p%40ss%2Fw%23rd%3F@db:5432/site",
        ),
        ("postgres://kitchen:old@db/site", "new", "postgres://kitchen:new@db/site"),
        ("redis://valkey:6379/0", "a b%", "redis://:a%20b%25@valkey:6379/0"),
        ("redis://:kept@valkey/0", "", "redis://:kept@valkey/0"),
        ("", "unused", ""),
    ],
)
def test_a_password_may_have_any_characters(url: str, password: str, whole: str) -> None:
    assert add_password(url, password) == whole
