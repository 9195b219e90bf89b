"""Every route of our own, from the URL conf, by name and with the arguments that it takes."""

from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> dict[str, list[str]]:
    """Route names with their argument names. Django's own admin is left to its permissions."""
    return dict(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], space: str) -> list[tuple[str, list[str]]]:
    found = []
    for one in patterns:
        if isinstance(one, URLResolver):
            if one.app_name != "admin":
                found += _walk(one.url_patterns, f"{one.namespace}:" if one.namespace else space)
        else:
            found.append((f"{space}{one.name}", list(one.pattern.converters)))
    return found
