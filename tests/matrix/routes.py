"""Every route in the URL conf, including allauth's, by name and with its arguments."""

from collections.abc import Iterable

from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> dict[str, list[str]]:
    """Return route names with their argument names, without Django's own admin pages."""
    return dict(_walk(get_resolver().url_patterns, "", []))


def _walk(
    patterns: Iterable[URLPattern | URLResolver], space: str, around: list[str]
) -> list[tuple[str, list[str]]]:
    routes = []
    for pattern in patterns:
        wanted = around + _arguments(pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                routes += _walk(
                    pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space, wanted
                )
        else:
            routes.append((f"{space}{pattern.name}", wanted))
    return routes


def _arguments(pattern: URLPattern | URLResolver) -> list[str]:
    """Return the names of a path's converters or of a regular expression's groups."""
    return list(getattr(pattern.pattern, "converters", None) or pattern.pattern.regex.groupindex)
