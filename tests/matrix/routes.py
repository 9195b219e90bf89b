"""Every route of the site, from the URL conf, by name and with the arguments that it takes: the library's pages too."""

from collections.abc import Iterable

from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> dict[str, list[str]]:
    """Route names with their argument names. Django's own admin is left to its permissions."""
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
    """Of a path its converters', of a regular expression its groups' names."""
    return list(getattr(one.pattern, "converters", None) or one.pattern.regex.groupindex)
