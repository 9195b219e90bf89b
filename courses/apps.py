from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoursesConfig(AppConfig):
    name = "courses"
    verbose_name = _("Courses")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from courses.learning.joint_modules import REQUEST
        from courses.learning.records import import_session_record
        from courses.personal import KINDS
        from courses.selectors import list_module_titles
        from events import modules
        from families.pending_requests import register_request_kinds
        from privacy.registry import register_kinds

        register_kinds(*KINDS, room="courses")
        modules.register_modules(list_module_titles)
        register_request_kinds(REQUEST)
        user_logged_in.connect(import_session_record)
