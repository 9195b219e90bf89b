"""The published modules. They are public."""

from django.db.models import QuerySet

from courses.models import Module
from kit.languages import select_language


def list_modules() -> QuerySet[Module]:
    """Return all modules in the reader's language, or in the default language if not translated yet."""
    return select_language(Module.objects.all(), name="slug")


def list_module_titles() -> list[tuple[str, str]]:
    """Return the slug and title of each module, in the reader's language."""
    return list(list_modules().values_list("slug", "title"))
