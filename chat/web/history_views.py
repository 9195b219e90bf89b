"""All of a person's conversations, and the search in them."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person_of, sign_in_required
from chat.models import Turn
from chat.selectors import conversations_of
from chat.web.search import (
    HITS_A_PAGE,
    LEAST_LETTERS,
    LONGEST_SEARCH,
    hits,
    search_throttle,
    search_words,
    turns_found,
)
from chat.web.views import HtmxRequest
from kit.free_text import reads_free_text
from kit.paging import Page, page_of
from kit.throttles import TooOften, slowed, too_often_said
from safeguarding.crisis import cards_beside_search

CONVERSATIONS_A_PAGE = 30


@sign_in_required
@require_safe
@reads_free_text("q")
def conversations(request: HtmxRequest) -> HttpResponse:
    """Every conversation, or what `q` finds in them; newest first, page by page. The words stay out of every log."""
    person, words = person_of(request), search_words(request.GET.get("q", ""))
    cursor = request.GET.get("before", "")
    page = {"person": person, "words": words, "longest": LONGEST_SEARCH, "is_first": not cursor}
    if not words:
        listed = page_of(conversations_of(person), by="asked_at", size=CONVERSATIONS_A_PAGE, cursor=cursor)
        return render(request, "chat/conversations.html", page | {"listed": listed})
    found: Page[Turn] = Page(())
    refusal = None
    if len(words) >= LEAST_LETTERS:
        try:
            search_throttle.hit(person.pk)
        except TooOften as too_often:
            refusal = too_often
    if len(words) >= LEAST_LETTERS and not refusal:
        found = page_of(turns_found(person, words), by="asked_at", size=HITS_A_PAGE, cursor=cursor)
    page |= {
        "listed": found,
        "hits": hits(found.rows, words),
        "is_too_short": len(words) < LEAST_LETTERS,
        "cards": cards_beside_search(request, request.GET["q"]),
        "trouble": too_often_said(refusal) if refusal else "",
    }
    response = render(request, "chat/found.html", page)
    return slowed(response, refusal) if refusal else response
