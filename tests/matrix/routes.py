"""Every route of our own, from the URL conf, by name and with the arguments that it takes.

The pages of django-allauth are the library's: they act on whoever is signed in and take nobody's id but the number
of one's own passkey. tests/accounts and tests/browser/test_accounts.py are about them.
"""

from django.urls import URLPattern, URLResolver, get_resolver

LIBRARY = ("account_", "mfa_")


def routes() -> dict[str, list[str]]:
    """Route names with their argument names. Django's own admin is left to its permissions."""
    return dict(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], space: str) -> list[tuple[str, list[str]]]:
    found = []
    for one in patterns:
        if isinstance(one, URLResolver):
            if one.app_name != "admin":
                found += _walk(one.url_patterns, f"{one.namespace}:" if one.namespace else space)
        elif not str(one.name).startswith(LIBRARY):
            found.append((f"{space}{one.name}", list(one.pattern.converters)))
    return found
