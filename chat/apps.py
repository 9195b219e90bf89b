from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Tutor")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chat.personal import KINDS
        from chat.services import stop_answers
        from chat.turns.crises import has_said_unsafe, read_context
        from families.consent_end import register_consent_end_handler
        from privacy.registry import register_kinds
        from safeguarding.context import register_context

        register_kinds(*KINDS, room="chat")
        register_consent_end_handler(stop_answers)
        register_context(read_context, has_said_unsafe)
