from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "desk"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"


class DeskAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with the desk as its first page."""

    default = False

    default_site = "desk.site.DeskSite"
