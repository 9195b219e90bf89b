"""Module statistics in the admin, and previews of content files."""

from courses.admin.modules import ModuleAdmin

__all__ = ["ModuleAdmin"]
