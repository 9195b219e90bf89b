from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "privacy"
    verbose_name = _("Privacy")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from privacy.personal import DATA_KINDS
        from privacy.registry import register_kinds

        register_kinds(*DATA_KINDS, room="privacy")
