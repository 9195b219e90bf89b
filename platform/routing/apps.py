from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = _("Tutor models")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from routing.registry import connect_signals

        connect_signals()
