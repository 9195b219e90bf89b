"""Detects a cry for help in any request, even a failing one, and shows the crisis card."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils import translation

from accounts.access import delete_unsent_form, is_htmx
from guard import Action, Verdict, action_for, judge_conversation, merge_verdicts
from kit.authored import FileErrors
from kit.free_text import get_free_text
from kit.languages import get_page_language
from safeguarding import alert_texts, datafile, response_texts
from safeguarding.cards import CrisisCard, build_card, list_card_languages, load_card_texts
from safeguarding.counts import record_unstored_card
from safeguarding.helplines import list_countries

# These take precedence over consent, quiet hours, rate limits and every other reason to refuse a text.
CRISIS_ACTIONS = frozenset({Action.CARD, Action.PAUSE})
IS_JUDGED = "is_judged_for_crisis"

type Handler = Callable[[HttpRequest], HttpResponseBase]


def load_crisis_texts(*, requires_help_lines: bool = True) -> None:
    """Read every reviewed text, in every language. Raises InvalidFile with every error of every file.

    A web process also starts without help lines: the tutor is closed then, and the help page shows a directory.
    """
    errors = FileErrors()
    if requires_help_lines:
        errors.collect(list_countries, None)
    for language in list_card_languages():
        errors.collect(partial(load_card_texts, language), None)
    for language in datafile.list_languages(response_texts.FILE_PREFIX):
        errors.collect(partial(response_texts.load_texts, language), None)
    for language in datafile.list_languages(alert_texts.FILE_PREFIX):
        errors.collect(partial(alert_texts.load_alert_texts, language), None)
    errors.raise_any()


def find_crisis(texts: Iterable[str]) -> Verdict | None:
    """Judge each text by itself. Return the merged verdict if it calls for a card or a pause, or None."""
    verdict = merge_verdicts(*(judge_conversation([("user", text)]) for text in texts))
    return verdict if action_for(verdict) in CRISIS_ACTIONS else None


def build_cards_for_search(request: HttpRequest, words: str) -> "Sequence[CardTranslation]":
    """Return the crisis cards to show above search results if the query is a crisis, else an empty sequence.

    The results stay, because people also look for what is written about a crisis.
    """
    mark_judged(request)
    verdict = judge_conversation([("user", words)]) if words.strip() else Verdict()
    if not verdict.is_crisis:
        return ()
    record_unstored_card(level=str(verdict.level))
    return build_cards_in_all_languages(verdict)


def mark_judged(request: HttpRequest) -> None:
    """Tell the middleware that the view has judged the request's free text and shows the card itself."""
    setattr(request, IS_JUDGED, True)


def crisis_middleware(get_response: Handler) -> Handler:
    """Show a crisis card instead of the response if the request's free text is a cry for help.

    `kit.free_text.free_text_fields` names the free-text fields of a view. They are judged after the view, even if
    the view was never reached: expired session, old CSRF token, rate limit, unknown address, database down. Nothing is
    stored here.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if getattr(request, IS_JUDGED, False):
            return response
        verdict = find_crisis(get_free_text(request).values())
        if verdict is None:
            return response
        record_unstored_card(level=str(verdict.level))
        return _build_card_response(request, verdict, response)

    return middleware


@dataclass(frozen=True)
class CardTranslation:
    """A crisis card in one language. `name` is the language's own name."""

    code: str
    name: str
    card: CrisisCard


def _build_card_response(request: HttpRequest, verdict: Verdict, response: HttpResponseBase) -> HttpResponse:
    """Return the card in place of the response; for htmx, the response with the card if the text was accepted."""
    has_failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if not has_failed:
        # A form kept for a retry would store the text; nothing of a cry for help is stored.
        delete_unsent_form(request)
    is_accepted = response.status_code < HTTPStatus.BAD_REQUEST and not _leads_to_sign_in(response)
    context = {
        # After a failure it is not known whether an incident was stored.
        "cards": build_cards_in_all_languages(verdict, says_who_reads=not has_failed),
        "was_sent": is_accepted and request.method == "POST",
        "next_url": response.headers.get("Location", "") if is_accepted else "",
    }
    no_store = {"Cache-Control": "no-store"}
    if is_htmx(request):
        card = render_to_string("safeguarding/help_card.html", context)
        if is_accepted and isinstance(response, HttpResponse):
            swap = f'<hx-partial hx-target="#help-card" hx-swap="innerHTML">{card}</hx-partial>'
            return HttpResponse(response.content + swap.encode(), headers=no_store)
        target = {"HX-Retarget": "#help-card", "HX-Reswap": "innerHTML show:#help-card:top"}
        return HttpResponse(card, headers=no_store | target)
    # If the database is down, so is the session: render the page as for a visitor.
    page = render_to_string("safeguarding/help_card_page.html", context, None if has_failed else request)
    is_refused = response.status_code >= HTTPStatus.BAD_REQUEST
    return HttpResponse(page, status=response.status_code if is_refused else HTTPStatus.OK, headers=no_store)


def _leads_to_sign_in(response: HttpResponseBase) -> bool:
    return urlsplit(response.headers.get("Location", "")).path == resolve_url(settings.LOGIN_URL)


def build_cards_in_all_languages(
    verdict: Verdict, *, says_who_reads: bool = True
) -> Sequence[CardTranslation]:
    """Return the card in every language, the page's first, as the reader may know another better."""
    current = get_page_language()
    codes = sorted((code for code, _name in settings.LANGUAGES), key=lambda code: code != current)
    cards = []
    for code in codes:
        with translation.override(code):
            card = build_card(verdict, country=settings.HELP_COUNTRY, says_who_reads=says_who_reads)
        cards.append(CardTranslation(code, translation.get_language_info(code)["name_local"], card))
    return cards
