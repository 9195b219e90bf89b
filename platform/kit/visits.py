"""Tells a page that a person opens from one that a program fetches in advance."""

from django.http import HttpRequest

# Browsers, and programs that show link previews, announce a prefetch in one of these headers.
PURPOSE_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREFETCH_PURPOSES = ("prefetch", "prerender", "preview")


def is_prefetch(request: HttpRequest) -> bool:
    """Return whether a page is fetched in advance and may never be seen."""
    purposes = " ".join(request.headers.get(name, "") for name in PURPOSE_HEADERS).lower()
    return any(word in purposes for word in PREFETCH_PURPOSES)


def is_visit(request: HttpRequest) -> bool:
    """Return whether a person opens the page now: the request is neither HEAD nor a prefetch.

    A page whose opening is recorded, such as the parent view, must record visits only and show nothing to other
    requests.
    """
    return request.method != "HEAD" and not is_prefetch(request)
