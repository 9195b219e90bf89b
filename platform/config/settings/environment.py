"""Reads the environment: values that several settings share, and the checks before the site may start."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from inference.endpoints import RESERVED_FIELDS

MIN_SECRET_KEY_LENGTH = 50
MIN_TOKEN_LENGTH = 20


@dataclass(frozen=True, kw_only=True)
class Production:
    """The settings that a public site must set. None has a default outside demo mode."""

    secret_key: str
    allowed_hosts: list[str]
    site_url: str
    database_url: str
    valkey_url: str
    tutor_base_url: str
    tutor_model: str
    email_url: str
    metrics_token: str
    review_webhook_url: str
    review_webhook_secret: str

    def list_errors(self) -> list[str]:
        """Return a sentence for each missing or unsafe setting, with its variable's name."""
        problems = []
        if len(self.secret_key) < MIN_SECRET_KEY_LENGTH or len(set(self.secret_key)) < 5:  # noqa: PLR2004
            problems.append(f"SECRET_KEY must be at least {MIN_SECRET_KEY_LENGTH} random characters.")
        if not self.allowed_hosts:
            problems.append("ALLOWED_HOSTS must list the host names of this site.")
        if "*" in self.allowed_hosts:
            problems.append("ALLOWED_HOSTS must not be '*': list each host name.")
        if urlsplit(self.site_url).scheme != "https":
            problems.append("SITE_URL must be the site's public https:// address.")
        if 0 < len(self.metrics_token) < MIN_TOKEN_LENGTH:
            problems.append(f"METRICS_TOKEN must be at least {MIN_TOKEN_LENGTH} random characters, or empty.")
        problems += self._list_webhook_errors()
        needed = ("database_url", "valkey_url", "tutor_base_url", "tutor_model", "email_url")
        return problems + [f"{name.upper()} must be set." for name in needed if not getattr(self, name)]

    def _list_webhook_errors(self) -> list[str]:
        if not self.review_webhook_url:
            return []
        problems = []
        address = urlsplit(self.review_webhook_url)
        if address.scheme != "https" or not address.hostname:
            problems.append("REVIEW_WEBHOOK_URL must be an https:// address, or empty.")
        if len(self.review_webhook_secret) < MIN_TOKEN_LENGTH:
            problems.append(f"REVIEW_WEBHOOK_SECRET must be at least {MIN_TOKEN_LENGTH} random characters.")
        return problems


def require_safe_settings(production: Production) -> None:
    """Raise ImproperlyConfigured, with all errors together, unless the settings are safe for a public site."""
    if errors := production.list_errors():
        listed = "\n".join(f"  - {error}" for error in errors)
        raise ImproperlyConfigured(
            f"Kitchen Table cannot start outside demo mode with these settings:\n{listed}\n"
            "See docs/operations.md. To try it on your own machine, use `make run`."
        )


def parse_prompt_profile(name: str) -> str:
    """Return TUTOR_PROMPT_PROFILE if it is a known one. Raises ImproperlyConfigured."""
    if name not in {"full", "small"}:
        raise ImproperlyConfigured(f'TUTOR_PROMPT_PROFILE must be "full" or "small", not {name!r}.')
    return name


def parse_extra_body(text: str) -> dict[str, Any]:
    """Parse TUTOR_EXTRA_BODY, the extra fields of each model request. Raises ImproperlyConfigured."""
    if not text.strip():
        return {}
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"TUTOR_EXTRA_BODY must be JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ImproperlyConfigured('TUTOR_EXTRA_BODY must be a JSON object, like {"temperature": 0.3}.')
    if reserved := sorted(RESERVED_FIELDS & fields.keys()):
        raise ImproperlyConfigured(f"TUTOR_EXTRA_BODY must not set {', '.join(reserved)}: the site does.")
    return fields


def add_password(url: str, password: str) -> str:
    """Return `url` with this password, quoted. Keeps the user name; without a URL or password, returns `url`."""
    if not (url and password):
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}").geturl()


ROOT: Path = Path(__file__).resolve().parents[3]
env = environ.Env()
# Demo mode is for your own machine: it has published accounts and uses plain HTTP on localhost.
DEMO: str = env.str("KITCHEN_MODE", default="production") == "demo"
SITE_URL: str = env.str("SITE_URL", default="http://localhost:8000" if DEMO else "")
VALKEY_URL: str = add_password(env.str("VALKEY_URL", default=""), env.str("VALKEY_PASSWORD", default=""))


# The timeout of one step with an SMTP server.
SMTP_SECONDS = 10
CONSOLE = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}


@dataclass(frozen=True)
class Mailer:
    """An entry of Django's `MAILERS`, and the provider's name in django-anymail ("" for SMTP or none)."""

    settings: dict[str, Any] = field(default_factory=lambda: dict(CONSOLE))
    provider: str = ""


def parse_email_url(url: str) -> Mailer:
    """Parse EMAIL_URL.

    `smtp://user:password@host:port` and `smtp+tls://…` are SMTP servers. Any other scheme is a provider in
    django-anymail, with its options as a query: `postmark://?server_token=…`. Empty: emails are written to the console.
    """
    parts = urlsplit(url)
    if not parts.scheme:
        return Mailer()
    if parts.scheme in {"smtp", "smtp+tls"}:
        options = {
            "host": parts.hostname,
            "port": parts.port or 25,
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_tls": parts.scheme == "smtp+tls",
            "timeout": SMTP_SECONDS,
        }
        return Mailer({"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options})
    # A URL scheme has no underscores.
    provider = parts.scheme.replace("-", "_")
    backend = f"anymail.backends.{provider}.EmailBackend"
    return Mailer({"BACKEND": backend, "OPTIONS": dict(parse_qsl(parts.query))}, provider)
