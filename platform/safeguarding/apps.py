from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SafeguardingConfig(AppConfig):
    name = "safeguarding"
    verbose_name = _("Safeguarding")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from families.consent_texts import register_review_check
        from inference.remote_guard import register_outage_handler
        from privacy.registry import register_kinds
        from safeguarding import (
            checks,  # noqa: F401 - registers itself
            teen_notices,
        )
        from safeguarding.counts import record_guard_outage
        from safeguarding.human_review import find_cached_human_review
        from safeguarding.personal import KINDS

        register_kinds(*KINDS, room="safeguarding")
        register_outage_handler(record_guard_outage)
        register_review_check(lambda: find_cached_human_review() is not None)
        teen_notices.connect()
