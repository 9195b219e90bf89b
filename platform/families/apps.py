from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FamiliesConfig(AppConfig):
    name = "families"
    verbose_name = _("Families")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from families.next_steps import REQUEST_KINDS
        from families.pending_requests import register_request_kinds
        from families.personal import DATA_KINDS
        from privacy.registry import register_kinds

        register_kinds(*DATA_KINDS, room="families")
        register_request_kinds(*REQUEST_KINDS)
