"""The site's settings. Every secret and every address comes from the environment; docs/operations.md lists them."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import environ
from django.utils.csp import CSP
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.api import *  # noqa: F403 - the settings of the API's library and its description
from config.environment import Production, extra_body_of, require_safe, with_password
from config.mailer import mailer_of
from config.queue import *  # noqa: F403 - the settings of Celery
from config.queue import VALKEY_URL
from config.sign_in import *  # noqa: F403 - the settings of django-allauth, which are many
from telemetry.logs import logging_for

ROOT = Path(__file__).resolve().parents[2]
env = environ.Env()

# Demo mode is for one's own machine: it shows demo accounts and speaks plain HTTP on loopback.
DEMO: str = env.str("KITCHEN_MODE", default="production") == "demo"
DEBUG = DEMO and env.bool("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY", default="")
# Keys that were SECRET_KEY before: sessions and second steps made under them stay good (docs/operations.md).
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
SITE_URL: str = env.str("SITE_URL", default="http://localhost:8000" if DEMO else "")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEMO else []
)
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

TUTOR_BASE_URL: str = env.str("TUTOR_BASE_URL", default="")
TUTOR_API_KEY: str = env.str("TUTOR_API_KEY", default="none")
TUTOR_MODEL: str = env.str("TUTOR_MODEL", default="")
# Tokens that one prompt and its answer may fill together; the demo model's slots are this size.
TUTOR_CONTEXT_TOKENS: int = env.int("TUTOR_CONTEXT_TOKENS", default=2048)
# The longest answer. A bigger model may be given more room.
TUTOR_ANSWER_TOKENS: int = env.int("TUTOR_ANSWER_TOKENS", default=400)
# How many answers one worker process has written at a time: as many as the model's server can write at once, shared
# among the workers. Who comes after them waits in line, and is told about how long.
TUTOR_PLACES: int = env.int("TUTOR_PLACES", default=32)
# How many answers one person may follow at once, in each web process.
STREAMS_PER_PERSON: int = env.int("STREAMS_PER_PERSON", default=24)
# Dollars for a million tokens, which is micro-dollars a token. A local model costs nothing a token.
TUTOR_INPUT_PRICE: float = env.float("TUTOR_INPUT_PRICE", default=0.0)
TUTOR_OUTPUT_PRICE: float = env.float("TUTOR_OUTPUT_PRICE", default=0.0)
# Of what the server had read before and reports as cached; empty: like the rest of a prompt.
TUTOR_CACHED_INPUT_PRICE: float | None = env.float("TUTOR_CACHED_INPUT_PRICE", default=None)
# How long the first word may take, which is how long a server may take to load its model, and every word after it.
TUTOR_FIRST_WORD_SECONDS: float = env.float("TUTOR_FIRST_WORD_SECONDS", default=120.0)
TUTOR_NEXT_WORD_SECONDS: float = env.float("TUTOR_NEXT_WORD_SECONDS", default=20.0)
# What each request says besides, as JSON: `{"reasoning_effort": "low", "temperature": 0.3}`.
TUTOR_EXTRA_BODY: dict[str, Any] = extra_body_of(env.str("TUTOR_EXTRA_BODY", default=""))
# Whether answers begin inside the model's thinking, with a closing tag alone. Otherwise the first of them tells.
TUTOR_THINKS_FIRST: bool = env.bool("TUTOR_THINKS_FIRST", default=False)
TUTOR_DAILY_TOKENS: int = env.int("TUTOR_DAILY_TOKENS", default=20_000)
# The supervisor says so when the tutor answers with the model that comes with the demo.
TUTOR_IS_DEMO_MODEL: bool = env.bool("TUTOR_IS_DEMO_MODEL", default=False)

# A guard elsewhere that is asked as well: "openai", "llama" or "qwen" (guard.remote), and how long it may take.
GUARD_KIND: str = env.str("GUARD_KIND", default="")
GUARD_BASE_URL: str = env.str("GUARD_BASE_URL", default="")
GUARD_API_KEY: str = env.str("GUARD_API_KEY", default="none")
GUARD_MODEL: str = env.str("GUARD_MODEL", default="")
GUARD_SECONDS: float = env.float("GUARD_SECONDS", default=1.5)

# Who reviewed the crisis texts and when ("Dr A. Name, 2026-11-22"). Outside demo mode chat stays closed without it.
CRISIS_TEXTS_REVIEW: str = env.str("CRISIS_TEXTS_REVIEW", default="")
# The country whose help lines stand first, as an ISO 3166 code.
HELP_COUNTRY: str = env.str("HELP_COUNTRY", default="US")

if not DEMO:
    require_safe(
        Production(
            secret_key=SECRET_KEY,
            allowed_hosts=ALLOWED_HOSTS,
            site_url=SITE_URL,
            database_url=env.str("DATABASE_URL", default=""),
            valkey_url=VALKEY_URL,
            tutor_base_url=TUTOR_BASE_URL,
            tutor_model=TUTOR_MODEL,
            email_url=env.str("EMAIL_URL", default=""),
            metrics_token=METRICS_TOKEN,
        )
    )

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "servestatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "anymail",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "pages",
    "privacy",
    "mail",
    "accounts",
    "budgets",
    "safeguarding",
    "families",
    "events",
    "courses",
    "chat",
]

# The rooms in the order in which an erasure goes through what they keep of a person, and locks their rows. The ledger's
# locks come before the rows that point at it (budgets.postings). The privacy page shows them the other way round.
ERASE_ORDER = ["privacy", "accounts", "mail", "budgets", "families", "events", "courses", "chat"]

MIDDLEWARE = [
    "pages.middleware.reply_mark_middleware",
    "telemetry.requests.requests_told",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pages.middleware.LanguageMiddleware",
    "pages.bodies.refused_body_middleware",
    # Inside the session and the language, outside whatever may refuse a request.
    "safeguarding.crisis.crisis_middleware",
    "django.middleware.common.CommonMiddleware",
    # Inside what measures an answer.
    "pages.refusals.method_page_middleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.known_devices.known_device_middleware",
    "accounts.middleware.TooOftenMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "pages.refusals.AdminQueryMiddleware",
    "accounts.middleware.LastSeenMiddleware",
    "accounts.middleware.private_pages_middleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pages.context.site",
            ],
        },
    },
]

_database = env.str("DATABASE_URL", default="postgres:///kitchen_table")
DATABASES = {"default": env.db_url_config(with_password(_database, env.str("DATABASE_PASSWORD", default="")))}
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": False,
    # Threads of the web process, of the worker's tasks and of its desk share them.
    "OPTIONS": {"pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=16), "timeout": 10}},
}
# In the session and not in a cookie of their own: the privacy page names each cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CACHES = {
    "default": {
        "BACKEND": "kit.valkey.SteadyCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {
            "serializer": "kit.valkey.JSONSerializer",
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.5,
            "retry": Retry(NoBackoff(), 0),
        },
    }
    if VALKEY_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["accounts.auth_backend.OneHashBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.PublishedPasswordValidator"},
    {"NAME": "accounts.passwords.LeakedPasswordValidator"},
]
# Whom to ask whether a password has leaked; only five characters of its hash go there. Empty: nobody is asked.
PWNED_PASSWORDS_URL: str = env.str(
    "PWNED_PASSWORDS_URL", default="" if DEMO else "https://api.pwnedpasswords.com"
)
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if DEMO else "https"
# Browsers allow passkeys on localhost without TLS, which is where a demo runs.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO

LANGUAGE_CODE = "en"
# Each by its own name, as whoever looks for theirs reads no other.
LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not DEMO
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
# Where a person lives until they say otherwise: the organisation's first families are in California.
DEFAULT_PERSON_TIME_ZONE: str = env.str("DEFAULT_PERSON_TIME_ZONE", default="America/Los_Angeles")

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=ROOT / ".collected")
STATICFILES_DIRS = [ROOT / "static"]
SERVESTATIC_USE_FINDERS = DEMO


def _take_types_as_told(headers: MutableMapping[str, str], _path: str, _url: str) -> None:
    # Static files are served in front of Django's middleware, which says this of everything else.
    headers["X-Content-Type-Options"] = "nosniff"


SERVESTATIC_ADD_HEADERS_FUNCTION = _take_types_as_told
SERVESTATIC_AUTOREFRESH = False
SERVESTATIC_SKIP_COMPRESS_EXTENSIONS = ("woff2", "png", "webp")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEMO
        else "servestatic.storage.CompressedManifestStaticFilesStorage"
    },
}

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEMO
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "pages.refusals.form_expired"
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
BEHIND_PROXY: bool = env.bool("BEHIND_PROXY", default=False)
# Read by uvicorn, which takes a visitor's address from X-Forwarded-For where the sender is one of these.
FORWARDED_ALLOW_IPS: str = env.str("FORWARDED_ALLOW_IPS", default="")
if not DEMO:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
    SECURE_HSTS_SECONDS = 31_536_000
    # They bind every site under the same name, and browsers remember it for a year: the name's owner decides.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# As much as is kept of a form that could not be taken (accounts.access), where each character is sent as 12 bytes (🫖).
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
# The largest body of a request (pages.bodies): captions of a recording are one megabyte. It is kept in memory, and so
# is an upload within it: nothing that is sent is written to disk.
LARGEST_BODY = FILE_UPLOAD_MAX_MEMORY_SIZE = 1_500_000

_mailer = mailer_of(env.str("EMAIL_URL", default=""))
MAILERS = {"default": _mailer.settings}
MAIL_PROVIDER = _mailer.provider
# What a provider sends along (`user:password`) when it tells of mails that came back.
MAIL_WEBHOOK_SECRET: str = env.str("MAIL_WEBHOOK_SECRET", default="")
ANYMAIL = {"WEBHOOK_SECRET": MAIL_WEBHOOK_SECRET}
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Kitchen Table <hello@localhost>")

LOGGING = logging_for(level=env.str("LOG_LEVEL", default="INFO"), as_json=not DEMO)
