"""Whether a person opens a page, or a program only asks for it."""

from django.http import HttpRequest

# Browsers, and mail and chat programs that show a preview, say in one of these that nobody has opened the page yet.
PURPOSE_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREFETCH_PURPOSES = ("prefetch", "prerender", "preview")


def is_prefetch(request: HttpRequest) -> bool:
    """Whether a browser asks for a page that its reader may open later, or never."""
    purposes = " ".join(request.headers.get(name, "") for name in PURPOSE_HEADERS).lower()
    return any(word in purposes for word in PREFETCH_PURPOSES)


def is_visit(request: HttpRequest) -> bool:
    """Whether someone opens the page now: neither HEAD nor fetched ahead of time.

    A page whose opening means something, such as a look at what a teen asked, may take only a visit for it, and must
    show nothing to anything else.
    """
    return request.method != "HEAD" and not is_prefetch(request)
