"""Which modules are published. Everybody may read all of them."""

from django.db.models import QuerySet

from courses.models import Module
from kit.languages import select_language


def list_modules() -> QuerySet[Module]:
    """Every module, in the reader's language or, until it is written in it, in the first one."""
    return select_language(Module.objects.all(), name="slug")


def list_module_titles() -> list[tuple[str, str]]:
    """Each module's slug and its title, in the reader's language."""
    return list(list_modules().values_list("slug", "title"))
