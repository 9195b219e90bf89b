"""Django's own settings: apps, middleware, database, security."""

from collections.abc import MutableMapping

from django.utils.csp import CSP

from config.settings.environment import DEMO, ROOT, SITE_URL, VALKEY_URL, add_password, env, parse_email_url
from telemetry.logs import build_logging_config

DEBUG = DEMO and env.bool("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY", default="")
# Earlier values of SECRET_KEY: sessions and second factors signed with them stay valid (docs/operations.md).
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEMO else []
)
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

INSTALLED_APPS = [
    "desk.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
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
    "routing",
    "budgets",
    "safeguarding",
    "families",
    "events",
    "courses",
    "chat",
    "desk",
    "labs",
]

# The order in which erasing a person goes through the rooms and locks their rows. The ledger is locked before the rows
# that refer to it (budgets.postings). The privacy page lists the rooms in reverse.
ERASE_ORDER = [
    "privacy",
    "accounts",
    "mail",
    "budgets",
    "safeguarding",
    "families",
    "events",
    "courses",
    "chat",
    "desk",
]

MIDDLEWARE = [
    "pages.middleware.response_mark_middleware",
    "telemetry.request_log.request_log_middleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pages.middleware.LanguageMiddleware",
    "pages.request_bodies.rejected_body_middleware",
    # After session and language, before any middleware that may reject a request.
    "safeguarding.crisis.crisis_middleware",
    "django.middleware.common.CommonMiddleware",
    # After the middleware that measures a response.
    "pages.error_pages.method_not_allowed_middleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.known_devices.known_device_middleware",
    "accounts.middleware.RateLimitMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "safeguarding.quick_exit.QuickExitMiddleware",
    "pages.error_pages.AdminQueryMiddleware",
    "desk.middleware.StaffZoneMiddleware",
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
DATABASES = {"default": env.db_url_config(add_password(_database, env.str("DATABASE_PASSWORD", default="")))}
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": False,
    "OPTIONS": {
        # Shared by the threads of the web process, the worker's tasks and its turn worker.
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=16), "timeout": 10},
        # A connection prepares what it has run a few times. PgBouncer has to know of that (docs/operations.md).
        "server_side_binding": True,
        "prepare_threshold": 3,
    },
}
# In the session: a cookie of its own would have to be listed on the privacy page.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CACHES = {
    "default": {
        "BACKEND": "kit.valkey.FallbackCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"serializer": "kit.valkey.JSONSerializer"},
    }
    if VALKEY_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

LANGUAGE_CODE = "en"
# Each in its own language, for people who read no other.
LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not DEMO
LOCALE_PATHS = [ROOT / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
# The time zone of a new account: the organization's first families are in California.
DEFAULT_PERSON_TIME_ZONE: str = env.str("DEFAULT_PERSON_TIME_ZONE", default="America/Los_Angeles")

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=ROOT / ".collected")
STATICFILES_DIRS = [ROOT / "static"]
SERVESTATIC_USE_FINDERS = DEMO


def _disable_mime_sniffing(headers: MutableMapping[str, str], _path: str, _url: str) -> None:
    # SecurityMiddleware sets this header on other responses; static files are served before it.
    headers["X-Content-Type-Options"] = "nosniff"


SERVESTATIC_ADD_HEADERS_FUNCTION = _disable_mime_sniffing
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
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEMO
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "pages.error_pages.form_expired"
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
BEHIND_PROXY: bool = env.bool("BEHIND_PROXY", default=False)
# uvicorn accepts X-Forwarded-For from these addresses only.
FORWARDED_ALLOW_IPS: str = env.str("FORWARDED_ALLOW_IPS", default="")
if not DEMO:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
    SECURE_HSTS_SECONDS = 31_536_000
    # They affect every site under the same domain for a year, so the owner of the domain decides.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Also the limit of a kept form (accounts.access), in which a character such as 🫖 takes 12 bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
# The largest request body (pages.request_bodies): the captions of a recording are one megabyte. Bodies, and uploads in
# them, are kept in memory and never written to disk.
MAX_BODY_BYTES = FILE_UPLOAD_MAX_MEMORY_SIZE = 1_500_000
# A spreadsheet must not run a cell of a download as a formula.
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

_mailer = parse_email_url(env.str("EMAIL_URL", default=""))
MAILERS = {"default": _mailer.settings}
MAIL_PROVIDER = _mailer.provider
# The credentials (`user:password`) with which an email provider reports bounces.
MAIL_WEBHOOK_SECRET: str = env.str("MAIL_WEBHOOK_SECRET", default="")
ANYMAIL = {"WEBHOOK_SECRET": MAIL_WEBHOOK_SECRET}
# Who runs this site, as people see it.
ORGANIZATION: str = env.str("ORGANIZATION", default="")
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Kitchen Table <hello@localhost>")

LOGGING = build_logging_config(level=env.str("LOG_LEVEL", default="INFO"), as_json=not DEMO)
