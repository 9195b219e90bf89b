"""Where mail goes, from one address in the environment."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# How long one step with a mail server may take.
SMTP_SECONDS = 10
CONSOLE = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}


@dataclass(frozen=True)
class Mailer:
    """What Django's `MAILERS` take, and the provider's name in django-anymail; "" for SMTP and for none."""

    settings: dict[str, Any] = field(default_factory=lambda: dict(CONSOLE))
    provider: str = ""


def mailer_of(url: str) -> Mailer:
    """Read `EMAIL_URL`.

    `smtp://user:password@host:port` and `smtp+tls://…` are a mail server. Any other scheme is a provider's name in
    django-anymail, with its options as a query: `postmark://?server_token=…`. Empty: mail goes to the log.
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
    # An address's scheme has no underscores.
    provider = parts.scheme.replace("-", "_")
    backend = f"anymail.backends.{provider}.EmailBackend"
    return Mailer({"BACKEND": backend, "OPTIONS": dict(parse_qsl(parts.query))}, provider)
