"""Only this site's own addresses become links in its mails (ADR 39)."""

import re

from django.conf import settings

from kit.links import break_links, has_link

_WORD = re.compile(r"\S+")
# What paths are made of, and no second address behind the first.
_PATH = r"(?:[/?#](?:(?!://)[\w\-./?=&%~#+:@!$*])*)?"


def own_links_only(text: str) -> str:
    """A mail's text with every other address broken by spaces, so that no mail program makes a link of it."""
    own = re.compile(rf"[(\[<“‘\"']*{re.escape(settings.SITE_URL.rstrip('/'))}{_PATH}[)\]>”’\"'.,;:!?]*")

    def held(found: re.Match[str]) -> str:
        word = found.group()
        return word if own.fullmatch(word) or not has_link(word) else break_links(word)

    return _WORD.sub(held, text)
