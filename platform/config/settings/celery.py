"""Celery: its broker, which is Valkey, and its beat schedule.

Times are in UTC: the nightly tasks run when it is night where most families live.
"""

from celery.schedules import crontab

from config.settings.environment import VALKEY_URL

CELERY_BEAT_SCHEDULE = {
    "sweep turns": {"task": "chat.tasks.sweep_turns", "schedule": 5.0, "options": {"expires": 5}},
    "watch deferred turns": {"task": "chat.tasks.watch_deferred", "schedule": 5.0, "options": {"expires": 5}},
    "record heartbeat": {
        "task": "desk.tasks.record_heartbeat",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "expire holds": {"task": "budgets.tasks.expire_holds", "schedule": 60.0, "options": {"expires": 60}},
    "expire grants": {"task": "budgets.tasks.expire_grants", "schedule": 60.0, "options": {"expires": 60}},
    "make forecast": {"task": "budgets.tasks.make_forecast", "schedule": crontab(hour="11", minute="15")},
    "send budget alerts": {
        "task": "budgets.tasks.send_alerts",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "delete expired grant files": {
        "task": "budgets.tasks.delete_expired_files",
        "schedule": crontab(hour="11", minute="25"),
    },
    "audit budgets": {"task": "budgets.tasks.audit_ledger", "schedule": crontab(hour="11", minute="20")},
    "sweep emails": {"task": "mail.tasks.sweep_emails", "schedule": 15.0, "options": {"expires": 15}},
    "delete expired emails": {
        "task": "mail.tasks.delete_expired_emails",
        "schedule": crontab(hour="11", minute="30"),
    },
    "send event reminders": {
        "task": "events.tasks.send_reminders",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "expire offers": {"task": "events.tasks.expire_offers", "schedule": 60.0, "options": {"expires": 60}},
    "delete expired sign-ups": {
        "task": "events.tasks.delete_expired_sign_ups",
        "schedule": crontab(hour="11", minute="35"),
    },
    "apply new time zones": {
        "task": "families.tasks.apply_new_zones",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "delete expired invitations": {
        "task": "families.tasks.delete_expired_invitations",
        "schedule": crontab(hour="11", minute="50"),
    },
    "delete expired notices": {
        "task": "families.tasks.delete_expired_notices",
        "schedule": crontab(hour="11", minute="55"),
    },
    "delete expired cooling-off periods": {
        "task": "families.tasks.delete_expired_cooling_offs",
        "schedule": crontab(hour="12", minute="5"),
    },
    "carry out family deletions": {
        "task": "families.tasks.carry_out_family_deletions",
        "schedule": crontab(hour="12", minute="20"),
    },
    "delete expired conversations": {
        "task": "chat.tasks.delete_expired_conversations",
        "schedule": crontab(hour="12", minute="10"),
    },
    "delete expired reports": {
        "task": "chat.tasks.delete_expired_reports",
        "schedule": crontab(hour="12", minute="15"),
    },
    "delete expired password helps": {
        "task": "families.tasks.delete_expired_password_helps",
        "schedule": crontab(hour="12", minute="0"),
    },
    "end links at 18": {
        "task": "families.tasks.end_links_at_18",
        "schedule": crontab(hour="8", minute="0"),
    },
    "delete expired team records": {
        "task": "desk.tasks.delete_expired_team_records",
        "schedule": crontab(hour="12", minute="40"),
    },
    "delete expired joint modules": {
        "task": "courses.tasks.delete_expired_joint_modules",
        "schedule": crontab(hour="12", minute="25"),
    },
    "delete expired sessions": {
        "task": "accounts.tasks.delete_expired_sessions",
        "schedule": crontab(hour="11", minute="40"),
    },
    "sweep incidents": {
        "task": "safeguarding.tasks.sweep_incidents",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "delete expired incident data": {
        "task": "safeguarding.tasks.delete_expired_incident_data",
        "schedule": crontab(hour="12", minute="35"),
    },
    "delete expired erasures": {
        "task": "privacy.tasks.delete_expired_erasures",
        "schedule": crontab(hour="12", minute="30"),
    },
    "delete unconfirmed accounts": {
        "task": "accounts.tasks.delete_unconfirmed_accounts",
        "schedule": crontab(hour="11", minute="42"),
    },
    "redact expired log titles": {
        "task": "privacy.tasks.redact_expired_titles",
        "schedule": crontab(hour="11", minute="45"),
    },
}


CELERY_BROKER_URL = VALKEY_URL
CELERY_TASK_IGNORE_RESULT = True
# A message is only a nudge: the work is a row in the database, and a sweep finds it if the message is lost.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    # No page waits for a broker that is down, above all none with a crisis card. kombu would try for six seconds.
    "max_retries": 0,
    "socket_keepalive": True,
    "visibility_timeout": 900,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Write the schedule to disk after each task: the container's health check looks at the file.
CELERY_BEAT_SYNC_EVERY = 1
