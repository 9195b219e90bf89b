from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.personal import KINDS
        from privacy.registry import register_kinds

        import_module("accounts.sessions")
        import_module("accounts.confirmations")
        import_module("accounts.known_devices")
        register_kinds(*KINDS, room="accounts")
