from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BudgetsConfig(AppConfig):
    name = "budgets"
    verbose_name = _("Budgets")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from budgets.personal import KINDS
        from budgets.selectors import connect_signals
        from privacy.registry import register_kinds

        register_kinds(*KINDS, room="budgets")
        connect_signals()
