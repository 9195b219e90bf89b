"""The settings of Celery and of its broker, which is Valkey."""

import environ

from config.environment import with_password
from config.schedule import SCHEDULE

env = environ.Env()

VALKEY_URL: str = with_password(env.str("VALKEY_URL", default=""), env.str("VALKEY_PASSWORD", default=""))
CELERY_BROKER_URL = VALKEY_URL
CELERY_TASK_IGNORE_RESULT = True
# A message is only a nudge: the row it names is the truth, so a lost one is sent again by the sweeper.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "visibility_timeout": 900,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = SCHEDULE
# Beat writes its schedule to disk after each task that it sends: the container's check looks at the file.
CELERY_BEAT_SYNC_EVERY = 1
