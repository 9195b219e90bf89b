"""Every route in the URL conf, including allauth's, by name and with its arguments."""

from collections.abc import Iterable

from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> dict[str, list[str]]:
    """Return route names with their argument names, without Django's own admin pages."""
    return dict(_walk(get_resolver().url_patterns, "", []))


def _walk(
    patterns: Iterable[URLPattern | URLResolver], space: str, around: list[str]
) -> list[tuple[str, list[str]]]:
    found = []
    for one in patterns:
        wanted = around + _arguments(one)
        if isinstance(one, URLResolver):
            if one.app_name != "admin":
                found += _walk(one.url_patterns, f"{one.namespace}:" if one.namespace else space, wanted)
        else:
            found.append((f"{space}{one.name}", wanted))
    return found


def _arguments(one: URLPattern | URLResolver) -> list[str]:
    """Return the names of a path's converters or of a regular expression's groups."""
    return list(getattr(one.pattern, "converters", None) or one.pattern.regex.groupindex)
