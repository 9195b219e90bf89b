from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FamiliesConfig(AppConfig):
    name = "families"
    verbose_name = _("Families")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from families.next_steps import REQUEST_KINDS
        from families.personal import KINDS
        from families.waiting import register_requests
        from privacy.registry import register

        register(*KINDS, room="families")
        register_requests(*REQUEST_KINDS)
