"""The site's settings. Secrets and addresses come from the environment; docs/operations.md lists them."""

from config.settings.api import *  # noqa: F403
from config.settings.auth import *  # noqa: F403
from config.settings.base import *  # noqa: F403
from config.settings.base import ALLOWED_HOSTS, METRICS_TOKEN, SECRET_KEY
from config.settings.celery import *  # noqa: F403
from config.settings.environment import *  # noqa: F403
from config.settings.environment import DEMO, SITE_URL, VALKEY_URL, Production, env, require_safe_settings
from config.settings.tutor import *  # noqa: F403
from config.settings.tutor import REVIEW_WEBHOOK_SECRET, REVIEW_WEBHOOK_URL, TUTOR_BASE_URL, TUTOR_MODEL

if not DEMO:
    require_safe_settings(
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
            review_webhook_url=REVIEW_WEBHOOK_URL,
            review_webhook_secret=REVIEW_WEBHOOK_SECRET,
        )
    )
