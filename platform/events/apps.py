from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = _("Live events")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from events.personal import KINDS
        from privacy.registry import register_kinds

        register_kinds(*KINDS, room="events")
