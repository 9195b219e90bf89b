"""Modules in the admin: what people take of them, and a page to see what is being written."""

from courses.admin.modules import ModuleAdmin

__all__ = ["ModuleAdmin"]
