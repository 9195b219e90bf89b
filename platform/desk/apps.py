from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "desk"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from desk.personal import KINDS
        from desk.roles import write_role_groups
        from privacy.registry import register_kinds
        from safeguarding.review import register_opening_check

        register_opening_check(_is_set_up)
        register_kinds(*KINDS, room="desk")
        # After Django's own handler, which creates the permissions: this app is the last.
        post_migrate.connect(write_role_groups, sender=self, dispatch_uid="desk.write_role_groups")


def _is_set_up() -> bool:
    # Only when the tutor is asked: no command needs all that the checks import.
    from desk.setup import is_set_up

    return is_set_up()


class DeskAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with the desk as its first page."""

    default = False

    default_site = "desk.site.DeskSite"
