from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "mail"
    verbose_name = _("Email")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from anymail.signals import tracking

        from mail.bounces import handle_tracking_event
        from mail.personal import KINDS
        from privacy.registry import register_kinds

        register_kinds(*KINDS, room="mail")
        tracking.connect(handle_tracking_event, dispatch_uid="mail.bounces")
