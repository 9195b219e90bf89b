from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "mail"
    verbose_name = _("Mail")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from anymail.signals import tracking

        from mail.personal import KINDS
        from mail.returns import told_by_provider
        from privacy.registry import register_kinds

        register_kinds(*KINDS, room="mail")
        tracking.connect(told_by_provider, dispatch_uid="mail.returns")
