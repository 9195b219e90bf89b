from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chat.personal import KINDS
        from chat.services import stop_answers
        from families.closing import register_ending
        from privacy.registry import register

        register(*KINDS, room="chat")
        register_ending(stop_answers)
